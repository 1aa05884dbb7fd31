"""dashboards/grafana.json: Grafana's own description knows all of it, and its queries find the right numbers.

Grafana itself is not run. Its SDK says what a dashboard and a query of the Athena source may hold; the macros
of that source are replaced here as its code does it (grafana/athena-datasource, pkg/athena/macros.go).
"""

import json
import re
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from delivered_files import document, write_file
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.cog.plugins import register_default_plugins
from grafana_foundation_sdk.models.dashboard import Dashboard

from stockstream_generate.template_file import ROOT
from stockstream_operate.lake.engine import LakeEngine

DASHBOARD = json.loads((ROOT / "dashboards" / "grafana.json").read_text(encoding="utf-8"))
PANELS = {panel["title"].split(" of ")[0]: panel for panel in DASHBOARD["panels"]}
FROM, TO = "2026-11-20 14:30:00", "2026-11-20 15:00:00"
MACROS = {
    r"\$__timeFrom\(\)": f"TIMESTAMP '{FROM}'",
    r"\$__timeFilter\((\w+)\)": rf"\1 BETWEEN TIMESTAMP '{FROM}' AND TIMESTAMP '{TO}'",
    r"\$\{instrument:sqlstring\}": "'IBM'",
    r"\$\{bars:sqlstring\}": "'1min'",
}
# An older answer, a bar before the time range, one of another interval, and an instrument that fell.
DOCUMENTS = [
    document("2026-11-20T14:29:00Z", 50.0),
    document("2026-11-20T14:30:00Z", 1.0, as_of="2026-11-20T14:31:01.000Z"),
    document(
        "2026-11-20T14:30:00Z",
        100.0,
        as_of="2026-11-20T14:31:05.000Z",
        sma_20=99.5,
        rsi_14=61.0,
        macd_12_26_9=0.25,
        macd_signal_12_26_9=0.2,
    ),
    document("2026-11-20T14:31:00Z", 110.0, as_of="2026-11-20T14:34:00.000Z"),
    document("2026-11-20T14:30:00Z", 7.0, interval="5min"),
    document("2026-11-20T14:30:00Z", 2.0, instrument="fx:EUR/USD"),
    document("2026-11-20T14:31:00Z", 1.0, instrument="fx:EUR/USD"),
]


def at(minute: int) -> datetime:
    return datetime(2026, 11, 20, 14, minute)  # noqa: DTZ001 (UTC, as SQL has it)


@pytest.fixture
def ask(tmp_path: Path) -> Any:
    """The rows of a query of the dashboard, as dictionaries."""
    write_file(tmp_path, "2026-11-20", "a", DOCUMENTS)

    def answer(sql: str) -> list[dict[str, Any]]:
        for macro, text in MACROS.items():
            sql = re.sub(macro, text, sql)
        assert "$" not in sql
        with LakeEngine(tmp_path) as lake:
            columns, rows = lake.query(sql)
        return [dict(zip(columns, row, strict=True)) for row in rows]

    return answer


def query_of(title: str) -> str:
    (target,) = PANELS[title]["targets"]
    sql: str = target["rawSQL"]
    return sql


def find_unknown(written: Any, known: Any, place: str = "dashboard") -> list[str]:
    """What stands in a file and not, or not so, in what Grafana's description has taken of it."""
    if isinstance(written, dict) and isinstance(known, dict):
        return [
            each
            for key, value in written.items()
            for each in (
                find_unknown(value, known[key], f"{place}.{key}") if key in known else [f"{place}.{key}"]
            )
        ]
    if isinstance(written, list) and isinstance(known, list) and len(written) == len(known):
        pairs = enumerate(zip(written, known, strict=True))
        return [each for index, pair in pairs for each in find_unknown(*pair, f"{place}[{index}]")]
    return [] if written == known else [place]


def read_as_grafana_does(written: dict[str, Any]) -> Any:
    register_default_plugins()
    return json.loads(JSONEncoder().encode(Dashboard.from_json(written)))


def test_grafanas_own_description_knows_all_that_stands_in_the_file() -> None:
    assert find_unknown(DASHBOARD, read_as_grafana_does(DASHBOARD)) == []


def test_what_grafana_does_not_know_is_found() -> None:
    panels = [*DASHBOARD["panels"]]
    (target,) = panels[0]["targets"]
    panels[0] = panels[0] | {"targets": [target | {"sql": "SELECT 1"}], "options": {"candles": "red"}}
    wrong = DASHBOARD | {"panels": panels, "titel": "x"}

    found = find_unknown(wrong, read_as_grafana_does(wrong))

    assert set(found) == {
        "dashboard.titel",
        "dashboard.panels[0].targets[0].sql",
        "dashboard.panels[0].options.candles",
    }


def test_each_panel_and_variable_asks_the_source_that_is_chosen_and_lies_beside_the_others() -> None:
    source = {"type": "grafana-athena-datasource", "uid": "${source}"}
    chosen, *asked = DASHBOARD["templating"]["list"]
    taken: set[tuple[int, int]] = set()

    assert (chosen["name"], chosen["query"]) == ("source", source["type"])
    assert all(each["datasource"] == source for each in (*asked, *DASHBOARD["panels"]))
    for panel in DASHBOARD["panels"]:
        assert [each["datasource"] for each in panel["targets"]] == [source]
        grid = panel["gridPos"]
        rows, columns = range(grid["y"], grid["y"] + grid["h"]), range(grid["x"], grid["x"] + grid["w"])
        cells = {(y, x) for y in rows for x in columns}
        assert columns.stop <= 24
        assert not taken & cells
        taken |= cells


def test_what_can_be_chosen_is_what_the_lake_has(ask: Any) -> None:
    _, instrument, interval = DASHBOARD["templating"]["list"]

    assert ask(instrument["query"]["rawSQL"]) == [{"instrument": "IBM"}, {"instrument": "fx:EUR/USD"}]
    assert ask(interval["query"]["rawSQL"]) == [{"interval": "1min"}, {"interval": "5min"}]


def test_the_price_is_each_bar_once_with_its_newest_numbers(ask: Any) -> None:
    first, second = ask(query_of("Price"))

    assert (first["time"], second["time"]) == (at(30), at(31))
    assert (first["open"], first["close"], first["volume"], first["sma_20"]) == (100, 100, 1000, 99.5)
    assert (second["close"], second["sma_20"]) == (110, None)
    # What the candles are drawn of, Grafana is told by name.
    assert set(PANELS["Price"]["options"]["fields"].values()) <= first.keys()


def test_rsi_and_macd_are_those_of_the_documents(ask: Any) -> None:
    assert ask(query_of("RSI"))[0] == {"time": at(30), "rsi_14": 61}
    assert ask(query_of("MACD"))[0] == {"time": at(30), "macd_12_26_9": 0.25, "macd_signal_12_26_9": 0.2}


def test_the_greatest_move_comes_first_whichever_way(ask: Any) -> None:
    fell, rose = ask(query_of("Movers"))

    assert (fell["instrument"], fell["first_open"], fell["last_close"], fell["move"]) == (
        "fx:EUR/USD",
        2,
        1,
        -0.5,
    )
    assert (rose["instrument"], rose["move"]) == ("IBM", pytest.approx(0.1, abs=1e-12))


def test_a_bar_is_as_late_as_its_newest_numbers_came_after_its_end(ask: Any) -> None:
    late = ask(query_of("How soon bars arrive"))

    assert late == [{"time": at(30), "seconds": 5}, {"time": at(31), "seconds": 120}]
