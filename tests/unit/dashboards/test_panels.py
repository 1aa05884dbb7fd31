"""A panel's query as Dashboards fills it in: the context, the time range, the automatic interval."""

from collections.abc import Mapping
from copy import deepcopy
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from stockstream_dashboards.panels import PanelRequest, fill_query, with_answer

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
HOUR = PanelRequest(NOON, NOON + timedelta(hours=1), [{"match_phrase": {"instrument": "IBM"}}])
IN_THE_HOUR = {
    "range": {
        "open_time": {
            "gte": "2026-11-20T12:00:00.000Z",
            "lte": "2026-11-20T13:00:00.000Z",
            "format": "strict_date_optional_time",
        }
    }
}


def spec(url: Mapping[str, Any], **body: Any) -> dict[str, Any]:
    return {
        "config": {"kibana": {"hideWarnings": True}, "text": {"color": "grey"}},
        "data": {"name": "price", "url": {"index": "bars-*", "body": {"aggs": {}, **body}, **url}},
    }


def test_the_time_range_and_what_people_chose_become_the_query() -> None:
    index, body = fill_query(spec({"%context%": True, "%timefield%": "open_time"}), HOUR)

    assert index == "bars-*"
    assert body["query"] == {"bool": {"filter": [IN_THE_HOUR, {"match_phrase": {"instrument": "IBM"}}]}}


def test_a_panel_without_context_minds_the_time_range_only() -> None:
    _, body = fill_query(spec({"%timefield%": "open_time"}), HOUR)

    assert body["query"] == {"bool": {"filter": [IN_THE_HOUR]}}


def test_a_query_of_the_panels_own_takes_both_where_it_says_so() -> None:
    query = {
        "bool": {
            "must": ["%dashboard_context-must_clause%"],
            "filter": [
                "%dashboard_context-filter_clause%",
                {
                    "range": {
                        "arrived_at": {
                            "gte": {"%timefilter%": "min", "shift": -7, "unit": "d"},
                            "lte": {"%timefilter%": "max"},
                        }
                    }
                },
            ],
        }
    }

    _, body = fill_query(spec({}, query=query), HOUR)

    # `date --date 2026-11-13T12:00Z +%s` and 2026-11-20T13:00Z.
    week = {"gte": 1_794_571_200_000, "lte": 1_795_179_600_000}
    assert body["query"] == {"bool": {"must": [], "filter": [*HOUR.filters, {"range": {"arrived_at": week}}]}}


@pytest.mark.parametrize(
    ("span", "steps", "interval"),
    [
        (timedelta(minutes=15), 500, "1s"),  # 1.8 s
        (timedelta(hours=8), 500, "1m"),  # 57.6 s
        (timedelta(hours=24), 500, "1m"),  # 172.8 s
        (timedelta(days=7), 500, "30m"),  # 1,209.6 s
        (timedelta(days=365), 500, "12h"),  # 17.5 h
        (timedelta(days=3650), 500, "1w"),  # 7.3 d
        (timedelta(days=3650), 1, "1y"),
    ],
)
def test_an_automatic_interval_is_one_of_dashboards_steps(span: timedelta, steps: int, interval: str) -> None:
    times = {"date_histogram": {"field": "open_time", "interval": {"%autointerval%": steps}}}

    _, body = fill_query(
        spec({"%timefield%": "open_time"}, aggs={"times": times}), PanelRequest(NOON - span, NOON)
    )

    assert body["aggs"] == {"times": {"date_histogram": {"field": "open_time", "interval": interval}}}


def test_the_source_stays_as_it_is() -> None:
    source = spec({"%timefield%": "open_time"}, aggs={"times": {"interval": {"%autointerval%": 10}}})
    before = deepcopy(source)

    fill_query(source, HOUR)

    assert source == before


def test_the_answer_takes_the_place_of_the_query_and_the_panels_colours_go_before_dashboards() -> None:
    drawn = with_answer(spec({}), {"took": 1}, 600, 300)

    assert drawn["data"] == {"name": "price", "values": {"took": 1}}
    assert (drawn["width"], drawn["height"]) == (600, 300)
    assert drawn["autosize"] == {"type": "fit", "contains": "padding"}
    assert "kibana" not in drawn["config"]
    assert drawn["config"]["text"] == {"color": "grey"}
    assert drawn["config"]["mark"] == {"color": "#54B399"}


def test_what_a_panel_says_of_an_axis_leaves_dashboards_other_values_of_it_in_either_theme() -> None:
    source = {**spec({}), "config": {"axis": {"labelFontSize": 12, "tickColor": "red"}}}

    # Dashboards' line colours: euiColorChartLines of its light theme and of its dark one.
    for theme, line in {"light": "#EEF0F3", "dark": "#343741"}.items():
        axis = with_answer(source, {}, 600, 300, theme)["config"]["axis"]
        assert axis == {"labelFontSize": 12, "tickColor": "red", "domainColor": line, "gridColor": line}
