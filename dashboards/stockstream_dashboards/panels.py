"""A Vega-Lite panel as OpenSearch Dashboards treats it: its query filled in, and its answer drawn."""

from collections.abc import Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import vl_convert

# What Dashboards offers a spec, by the names that its documentation gives them.
CONTEXT, TIME_FIELD = "%context%", "%timefield%"
TIME_FILTER, AUTO_INTERVAL = "%timefilter%", "%autointerval%"
_CLAUSES = {f"%dashboard_context-{kind}_clause%": kind for kind in ("must", "filter", "must_not")}
_UNITS = {"d": timedelta(days=1), "h": timedelta(hours=1), "m": timedelta(minutes=1)}
# The steps to which Dashboards rounds an automatic interval: up to so many milliseconds, this one.
_STEPS = (
    (500, "100ms"), (5_000, "1s"), (7_500, "5s"), (15_000, "10s"), (45_000, "30s"), (180_000, "1m"),
    (450_000, "5m"), (1_200_000, "10m"), (2_700_000, "30m"), (7_200_000, "1h"), (21_600_000, "3h"),
    (86_400_000, "12h"), (604_800_000, "24h"), (1_814_400_000, "1w"), (3_628_800_000, "30d"),
)  # fmt: skip


def _colors(ground: str, quiet: str, text: str, line: str) -> dict[str, Any]:
    return {
        "background": ground,
        "mark": {"color": "#54B399"},
        "style": {"guide-label": {"fill": quiet}, "guide-title": {"fill": text}},
        "axis": {"tickColor": line, "domainColor": line, "gridColor": line},
    }


# The colours that Dashboards gives a spec in its two themes, each on the ground of a panel.
THEMES = {
    "light": _colors("#FFFFFF", quiet="#69707D", text="#343741", line="#EEF0F3"),
    "dark": _colors("#1D1E24", quiet="#98A2B3", text="#D4DAE5", line="#343741"),
}

type Spec = dict[str, Any]


@dataclass(frozen=True, slots=True)
class PanelRequest:
    """What the person before the dashboard has chosen.

    Attributes:
        since, until: the time range.
        filters: queries that controls and the search bar add.
    """

    since: datetime
    until: datetime
    filters: Sequence[Mapping[str, Any]] = ()


def fill_query(spec: Spec, request: PanelRequest) -> tuple[str, dict[str, Any]]:
    """The index and the body of the search that Dashboards makes for a spec."""
    url = deepcopy(spec["data"]["url"])
    body: dict[str, Any] = url["body"]
    query = body.get("query")
    if query is None:
        body["query"] = {"bool": {"filter": _own_clauses(url, request)}}
    else:
        body["query"] = _fill(query, request)
    body["aggs"] = _fill(body["aggs"], request)
    return url["index"], body


def _own_clauses(url: Mapping[str, Any], request: PanelRequest) -> list[Mapping[str, Any]]:
    range_ = {
        "gte": request.since.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "lte": request.until.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "format": "strict_date_optional_time",
    }
    clauses: list[Mapping[str, Any]] = [{"range": {url[TIME_FIELD]: range_}}]
    return [*clauses, *request.filters] if url.get(CONTEXT) else clauses


def _fill(value: Any, request: PanelRequest) -> Any:  # noqa: ANN401 (JSON)
    if isinstance(value, list):
        return [filled for each in value for filled in _fill_item(each, request)]
    if not isinstance(value, dict):
        return value
    if TIME_FILTER in value:
        moment = request.since if value[TIME_FILTER] == "min" else request.until
        moment += value.get("shift", 0) * _UNITS[value.get("unit", "d")]
        return round(moment.timestamp() * 1000)
    if AUTO_INTERVAL in value:
        wished = (request.until - request.since) / timedelta(milliseconds=1) / value[AUTO_INTERVAL]
        return next((step for most, step in _STEPS if wished <= most), "1y")
    return {key: _fill(each, request) for key, each in value.items()}


def _fill_item(item: Any, request: PanelRequest) -> Sequence[Any]:  # noqa: ANN401 (JSON)
    if isinstance(item, str) and item in _CLAUSES:
        return request.filters if _CLAUSES[item] == "filter" else ()
    return [_fill(item, request)]


def with_answer(spec: Spec, answer: Mapping[str, Any], width: int, height: int, theme: str = "light") -> Spec:
    """The spec as Dashboards hands it to Vega-Lite: the answer in place of the query, in its own colours.

    Args:
        spec: the panel's.
        answer: what the search gave.
        width: of the panel's inside, in pixels.
        height: of it, too.
        theme: a key of THEMES.
    """
    drawn = deepcopy(spec)
    drawn["data"] = {"name": spec["data"]["name"], "values": answer}
    drawn |= {"width": width, "height": height, "autosize": {"type": "fit", "contains": "padding"}}
    own = {key: value for key, value in spec["config"].items() if key != "kibana"}
    drawn["config"] = _merge(THEMES[theme], own)
    return drawn


def _merge(theirs: Mapping[str, Any], own: Mapping[str, Any]) -> Spec:
    """Dashboards' values where a spec has none of its own."""
    both = {
        key: _merge(theirs[key], own[key]) for key in theirs.keys() & own.keys() if isinstance(own[key], dict)
    }
    return {**theirs, **own, **both}


def draw_svg(spec: Spec, version: str) -> str:
    """The drawing of a spec that has its data.

    Raises:
        ValueError: Vega-Lite of this version cannot draw it.
    """
    drawing: str = vl_convert.vegalite_to_svg(spec, vl_version=version)
    return drawing
