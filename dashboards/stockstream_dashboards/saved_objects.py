"""The saved objects of OpenSearch Dashboards, from their sources in dashboards/."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from stockstream_dashboards.over_time import OVER_TIME, make_panel
from stockstream_operate.search.dashboards import SAVED_OBJECTS

SOURCES = SAVED_OBJECTS.parent
DASHBOARDS = ("market", "pipeline")
# The last migration of each type that Dashboards 2.19 has: what stands here is in the form that it left.
_FORMS = {"index-pattern": "7.6.0", "visualization": "7.10.0", "dashboard": "7.9.3"}
_NO_SEARCH = {"query": {"query": "", "language": "kuery"}, "filter": []}
_REFRESH_MILLISECONDS = 60_000

type Json = dict[str, Any]


def make_saved_objects() -> str:
    """The text of the file: an object a line, each after those that it refers to."""
    dashboards = {name: read_dashboard(name) for name in DASHBOARDS}
    placed = [place for dashboard in dashboards.values() for place in dashboard["panels"]]
    objects = [
        *_index_patterns(),
        *(_visualization(place["panel"], place["title"]) for place in placed),
        *(_dashboard(name, dashboard) for name, dashboard in dashboards.items()),
    ]
    return "".join(_dump(each) + "\n" for each in objects)


def list_panels() -> list[str]:
    """The names of all panels that there are sources of."""
    return sorted({*OVER_TIME, *(file.stem for file in (SOURCES / "panels").glob("*.json"))})


def read_dashboard(name: str) -> Json:
    """The source of a dashboard: what it is called, and where its panels lie."""
    return _read(SOURCES / f"{name}.json")


def read_panel(name: str) -> Json:
    """The source of a panel: a Vega-Lite spec, or the type and the parameters of another visualization."""
    return make_panel(name) if name in OVER_TIME else _read(SOURCES / "panels" / f"{name}.json")


def _index_patterns() -> Iterator[Json]:
    for id_, attributes in _read(SOURCES / "index-patterns.json").items():
        yield _object("index-pattern", id_, attributes)


def _visualization(name: str, title: str) -> Json:
    panel = read_panel(name)
    references = []
    if "$schema" in panel:
        panel = {"type": "vega", "params": {"spec": _spec_text(name)}}
    for number, control in enumerate(panel["params"].get("controls", [])):
        control["indexPatternRefName"] = f"control_{number}_index_pattern"
        references.append(
            _reference(control["indexPatternRefName"], "index-pattern", control.pop("indexPattern"))
        )
    title = f"stockstream: {title}"
    attributes = {
        "title": title,
        "description": "",
        "version": 1,
        "visState": _dump({"title": title, "aggs": [], **panel}),
        "uiStateJSON": "{}",
        "kibanaSavedObjectMeta": {"searchSourceJSON": _dump(_NO_SEARCH)},
    }
    return _object("visualization", _id(name), attributes, references)


def _spec_text(name: str) -> str:
    """A spec as people meet it in Dashboards' editor: as it is written here, where it is."""
    if name in OVER_TIME:
        return json.dumps(make_panel(name), indent=2) + "\n"
    return (SOURCES / "panels" / f"{name}.json").read_text(encoding="utf-8")


def _dashboard(name: str, source: Json) -> Json:
    panels, references = [], []
    for number, place in enumerate(source["panels"]):
        panel, reference = place["panel"], f"panel_{number}"
        references.append(_reference(reference, "visualization", _id(panel)))
        panels.append(
            {
                "version": "2.19.0",
                "panelIndex": panel,
                "panelRefName": reference,
                "gridData": {"i": panel, **{side: place[side] for side in ("x", "y", "w", "h")}},
                "title": place["title"],
                "embeddableConfig": {},
            }
        )
    attributes = {
        "title": source["title"],
        "description": source["description"],
        "version": 1,
        "hits": 0,
        "panelsJSON": _dump(panels),
        "optionsJSON": _dump({"hidePanelTitles": False, "useMargins": True}),
        "timeRestore": True,
        "timeFrom": source["time_from"],
        "timeTo": "now",
        "refreshInterval": {"pause": False, "value": _REFRESH_MILLISECONDS},
        "kibanaSavedObjectMeta": {"searchSourceJSON": _dump(_NO_SEARCH)},
    }
    return _object("dashboard", _id(name), attributes, references)


def _object(type_: str, id_: str, attributes: Json, references: list[Json] | None = None) -> Json:
    return {
        "type": type_,
        "id": id_,
        "attributes": attributes,
        "references": references or [],
        "migrationVersion": {type_: _FORMS[type_]},
    }


def _reference(name: str, type_: str, id_: str) -> Json:
    return {"name": name, "type": type_, "id": id_}


def _id(name: str) -> str:
    return f"stockstream-{name}"


def _dump(value: Any) -> str:  # noqa: ANN401 (JSON)
    return json.dumps(value, separators=(",", ":"), sort_keys=True, ensure_ascii=False)


def _read(file: Path) -> Json:
    content: Json = json.loads(file.read_text(encoding="utf-8"))
    return content
