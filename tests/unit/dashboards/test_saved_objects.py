"""The saved objects: what is committed is what the sources make, whole, and about fields that exist."""

import json
from collections import Counter
from collections.abc import Iterator
from typing import Any
from xml.etree import ElementTree as ET

import pytest

from stockstream.fields import list_fields
from stockstream.windows import Windows
from stockstream_dashboards.over_time import OVER_TIME
from stockstream_dashboards.saved_objects import DASHBOARDS, list_panels, read_dashboard, read_panel
from stockstream_operate.search.dashboards import SAVED_OBJECTS, read_saved_objects
from stockstream_operate.search.index import Wanted, bars_template, list_parts, mapping

OBJECTS = read_saved_objects()
BY_ID = {(each["type"], each["id"]): each for each in OBJECTS}
PANELS = list_panels()
SPECS = {name: spec for name in PANELS if "$schema" in (spec := read_panel(name))}
REJECTED = {"rejected_because", "rejected_at"}


def of_type(type_: str) -> list[dict[str, Any]]:
    return [each for each in OBJECTS if each["type"] == type_]


def panels_of(dashboard: dict[str, Any]) -> list[dict[str, Any]]:
    panels: list[dict[str, Any]] = json.loads(dashboard["attributes"]["panelsJSON"])
    return panels


def test_each_id_is_there_once() -> None:
    assert [
        key for key, count in Counter((each["type"], each["id"]) for each in OBJECTS).items() if count > 1
    ] == []


def test_each_reference_leads_to_an_object_before_it() -> None:
    before: set[tuple[str, str]] = set()
    for each in OBJECTS:
        assert {(to["type"], to["id"]) for to in each["references"]} <= before
        before.add((each["type"], each["id"]))


def test_each_name_of_a_reference_is_used_and_there() -> None:
    for each in OBJECTS:
        names = [reference["name"] for reference in each["references"]]
        assert sorted(names) == sorted(names_used(each["attributes"]))
        assert len(names) == len(set(names))


def names_used(value: Any) -> Iterator[str]:
    """Every `...RefName` in an object, also within the JSON that is text in it."""
    if isinstance(value, str) and value.startswith(('{"', '[{"')):
        value = json.loads(value)
    if isinstance(value, dict):
        yield from (each for key, each in value.items() if key.endswith("RefName"))
        value = list(value.values())
    if isinstance(value, list):
        for each in value:
            yield from names_used(each)


@pytest.mark.parametrize("visualization", of_type("visualization"), ids=lambda each: each["id"])
def test_all_json_within_a_visualization_can_be_read(visualization: dict[str, Any]) -> None:
    attributes = visualization["attributes"]

    state = json.loads(attributes["visState"])
    assert state["title"] == attributes["title"]
    assert json.loads(attributes["uiStateJSON"]) == {}
    assert json.loads(attributes["kibanaSavedObjectMeta"]["searchSourceJSON"])["filter"] == []
    assert state["type"] in {"vega", "input_control_vis"}
    if state["type"] == "vega":
        assert json.loads(state["params"]["spec"])["$schema"].endswith("/vega-lite/v5.json")


def test_each_panel_is_on_one_dashboard_and_each_dashboard_shows_panels_that_exist() -> None:
    shown = [reference["id"] for dashboard in of_type("dashboard") for reference in dashboard["references"]]

    assert sorted(shown) == [f"stockstream-{name}" for name in PANELS]
    assert {("visualization", id_) for id_ in shown} <= BY_ID.keys()


@pytest.mark.parametrize("dashboard", of_type("dashboard"), ids=lambda each: each["id"])
def test_the_panels_of_a_dashboard_lie_side_by_side_on_its_48_columns(dashboard: dict[str, Any]) -> None:
    taken = Counter(
        (x, y)
        for grid in (panel["gridData"] for panel in panels_of(dashboard))
        for x in range(grid["x"], grid["x"] + grid["w"])
        for y in range(grid["y"], grid["y"] + grid["h"])
    )

    width, height = max(x for x, _ in taken) + 1, max(y for _, y in taken) + 1
    assert set(taken.values()) == {1}
    assert (width, len(taken)) == (48, 48 * height)
    for panel in panels_of(dashboard):
        assert panel["panelIndex"] == panel["gridData"]["i"]


def test_objects_are_in_the_form_of_dashboards_2_19() -> None:
    # The newest migrations in its source: data, visualizations and dashboard, server/saved_objects.
    forms = {"index-pattern": "7.6.0", "visualization": "7.10.0", "dashboard": "7.9.3"}

    assert {each["type"] for each in OBJECTS} == forms.keys()
    for each in OBJECTS:
        assert each["migrationVersion"] == {each["type"]: forms[each["type"]]}


@pytest.mark.parametrize("pattern", of_type("index-pattern"), ids=lambda each: each["id"])
def test_an_index_pattern_names_a_time_of_an_index_that_is_installed(pattern: dict[str, Any]) -> None:
    fields = {
        tuple(part.body["index_patterns"])[-1]: part.body["template"]["mappings"]["properties"]
        for part in list_parts(Wanted())
        if "index_patterns" in part.body
    }

    title, time = pattern["attributes"]["title"], pattern["attributes"]["timeFieldName"]
    assert fields[title][time]["type"] == "date"


@pytest.mark.parametrize("name", SPECS)
def test_a_panel_asks_for_fields_that_the_index_has(name: str) -> None:
    url = SPECS[name]["data"]["url"]
    template = bars_template(Windows(), has_pipelines=True)
    assert url["index"] in {*template["index_patterns"], "rejected"}
    fields = REJECTED if url["index"] == "rejected" else mapping(Windows()).keys()

    asked = {*fields_in(url["body"]), *([url["%timefield%"]] if "%timefield%" in url else [])}

    assert asked
    assert {each for each in asked if not has_field(fields, each)} == set()


def has_field(fields: Any, asked: str) -> bool:
    start, star, _ = asked.partition("*")
    return any(field.startswith(start) for field in fields) if star else asked in fields


def fields_in(value: Any) -> Iterator[str]:
    if isinstance(value, list):
        for each in value:
            yield from fields_in(each)
    elif isinstance(value, dict):
        for key, each in value.items():
            if key == "field":
                yield each
            elif key in {"_source", "range"}:
                yield from each
            elif key == "sort":
                yield from (field for order in each for field in order)
            yield from fields_in(each)


@pytest.mark.parametrize("name", [name for name in SPECS if name.startswith("market-")])
def test_a_panel_about_prices_is_about_one_instrument_or_a_row_for_each(name: str) -> None:
    aggregations = SPECS[name]["data"]["url"]["body"]["aggs"]

    by_instrument = {
        key: each["terms"]["size"]
        for key, each in aggregations.items()
        if each.get("terms", {}).get("field") == "instrument"
    }
    rest = aggregations.keys() - by_instrument.keys()
    assert by_instrument == ({"instruments": 1000} if name == "market-movers" else {"instrument": 1})
    assert rest <= {"instruments"}


def test_every_field_that_has_a_chart_is_drawn_by_a_panel_that_there_is() -> None:
    charts = {field.name: field.chart for field in list_fields(Windows()) if field.chart}

    assert {chart.panel for chart in charts.values()} == set(OVER_TIME)
    for field, chart in charts.items():
        spec = SPECS[chart.panel]
        steps = spec["data"]["url"]["body"]["aggs"]["instrument"]["aggs"]["bars"]["aggs"]["times"]["aggs"]
        assert field in set(fields_in(steps))
        drawn = field if chart.mark == "candle" else f"bar.{field}"
        assert f'"{drawn}"' in json.dumps(spec["layer"])


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("name", DASHBOARDS)
def test_the_picture_of_a_dashboard_shows_the_panels_that_it_has(name: str, theme: str) -> None:
    file = SAVED_OBJECTS.parents[1] / "docs" / f"dashboard-{name}-{theme}.svg"
    picture = ET.parse(file).getroot()  # noqa: S314 (our own)

    texts = {"".join(text.itertext()) for text in picture.iter("{http://www.w3.org/2000/svg}text")}
    source = read_dashboard(name)
    assert {source["title"], *(place["title"] for place in source["panels"])} <= texts
