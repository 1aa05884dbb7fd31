"""The file of the splits, and the view in the shares of today, on numbers worked out by hand."""

import json
import os
from datetime import datetime
from pathlib import Path

import pytest
from delivered_files import document, write_file

from stockstream.fields import list_fields
from stockstream.splits import Split
from stockstream.windows import Windows
from stockstream_operate.lake.engine import LakeEngine
from stockstream_operate.lake.joining import open_joined
from stockstream_operate.lake.result import LakeQueryError
from stockstream_operate.lake.selection import Selection
from stockstream_operate.lake.splits import SPLITS_FILE, keep_splits, write_splits
from stockstream_operate.lake.sql import make_lake_sql
from stockstream_operate.moments import MomentError

TEN, EIGHTH = Split("2026-11-23T05:00:00Z", 10, 1), Split("2026-12-01T05:00:00Z", 1, 8)
LONG_AGO = 1_700_000_000_000_000_000
THIRD = Split("2026-11-20T05:00:00Z", 3, 1)
# The last second before a split, its first, and a bar after both.
BEFORE, AFTER, LAST = "2026-11-23T04:59:00Z", "2026-11-23T05:00:00Z", "2026-12-01T05:00:00Z"
CLOSES = "SELECT open_time, close, volume, shares FROM bars_adjusted ORDER BY open_time"


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=None)


def closes(lake: Path) -> list[tuple[object, ...]]:
    with LakeEngine(lake) as engine:
        return engine.query(CLOSES).rows


def test_a_line_has_how_many_shares_of_today_one_of_before_the_split_has_become() -> None:
    lines = write_splits({"TSCO.LON": [Split("2026-07-01T23:00:00Z", 3, 2)], "IBM": [TEN, EIGHTH]})

    assert [json.loads(line) for line in lines.splitlines()] == [
        {
            "instrument": "IBM",
            "since": None,
            "until": "2026-11-23T05:00:00Z",
            "new_shares": 10,
            "old_shares": 1,
            "shares": 1.25,
        },
        {
            "instrument": "IBM",
            "since": "2026-11-23T05:00:00Z",
            "until": "2026-12-01T05:00:00Z",
            "new_shares": 1,
            "old_shares": 8,
            "shares": 0.125,
        },
        {
            "instrument": "TSCO.LON",
            "since": None,
            "until": "2026-07-01T23:00:00Z",
            "new_shares": 3,
            "old_shares": 2,
            "shares": 1.5,
        },
    ]


def test_what_was_no_split_is_no_line() -> None:
    assert write_splits({"IBM": [Split("2026-11-23T05:00:00Z", 1, 1)]}) == b""


def test_a_bar_is_in_the_shares_of_today_by_the_splits_after_it(tmp_path: Path) -> None:
    documents = [document(time, 2500.0, volume=40.0) for time in (BEFORE, AFTER, LAST)]
    write_file(tmp_path, "2026-11-23", "a", documents)
    keep_splits({"IBM": [TEN, EIGHTH], "MSFT": [THIRD]}, tmp_path)

    assert closes(tmp_path) == [
        (at(BEFORE), 2000.0, 50.0, 1.25),
        (at(AFTER), 20000.0, 5.0, 0.125),
        (at(LAST), 2500.0, 40.0, 1.0),
    ]


@pytest.mark.parametrize(
    "known", [None, {}, {"IBM": [Split(LAST, 1, 1)]}], ids=["no file", "none", "refused"]
)
def test_without_a_split_it_is_what_was_traded(known: dict[str, list[Split]] | None, tmp_path: Path) -> None:
    write_file(tmp_path, "2026-11-23", "a", [document(BEFORE, 2500.0)])
    if known is not None:
        keep_splits(known, tmp_path)

    assert closes(tmp_path) == [(at(BEFORE), 2500.0, 1000.0, 1.0)]


def test_each_indicator_that_is_a_price_is_restated_and_each_ratio_stays(tmp_path: Path) -> None:
    numbers = {field.name: 8.0 for field in list_fields(Windows()) if field.is_number}
    write_file(tmp_path, "2026-11-23", "a", [document(BEFORE) | numbers | {"lookback_bars": 8}])
    keep_splits({"IBM": [Split(LAST, 4, 1)]}, tmp_path)

    with LakeEngine(tmp_path) as engine:
        columns, (row,) = engine.query("SELECT * FROM bars_adjusted")

    found = {name: value for name, value in zip(columns, row, strict=True) if name in numbers}
    same = {
        "return_1", "return_5", "log_return_1", "volatility_20", "zscore_20", "rsi_14", "spike_20",
        "lookback_bars",
    }  # fmt: skip
    assert {name for name, value in found.items() if value == 8.0} == same
    assert {name for name, value in found.items() if value == 32.0} == {"volume"}
    assert {value for name, value in found.items() if name not in same | {"volume"}} == {2.0}


def test_it_is_the_same_over_days_that_are_joined(tmp_path: Path) -> None:
    write_file(tmp_path, "2026-11-22", "a", [document(BEFORE, 2500.0)])
    write_file(tmp_path, "2026-11-24", "a", [document(AFTER, 250.0)])
    # As if the last change were some time ago.
    for folder in tmp_path.glob("bars/dt=*"):
        os.utime(folder, ns=(LONG_AGO, LONG_AGO))
    keep_splits({"IBM": [TEN]}, tmp_path)
    lake_sql = make_lake_sql(Windows())
    expected = [(at(BEFORE), 250.0, 10_000.0, 10.0), (at(AFTER), 250.0, 1000.0, 1.0)]

    with (
        open_joined(tmp_path, lake_sql, "2026-11-24", lambda _said: None) as joined,
        LakeEngine(tmp_path, lake_sql, joined=joined) as engine,
    ):
        assert joined.files
        assert engine.query(CLOSES).rows == expected
    assert closes(tmp_path) == expected


def test_a_file_that_holds_something_else_stops_only_who_asks_for_it(tmp_path: Path) -> None:
    write_file(tmp_path, "2026-11-23", "a", [document(BEFORE, 2500.0)])
    keep_splits({"IBM": [TEN]}, tmp_path)
    (tmp_path / SPLITS_FILE).write_text('{"instrument": "IBM", "shares": "many"}\n')

    with LakeEngine(tmp_path) as engine:
        assert engine.query("SELECT close FROM bars_latest").rows == [(2500.0,)]
        with pytest.raises(LakeQueryError, match=r"splits.json holds no splits: .* writes it anew"):
            engine.query(CLOSES)


def test_the_splits_can_be_asked_for_themselves(tmp_path: Path) -> None:
    keep_splits({"IBM": [TEN]}, tmp_path)

    with LakeEngine(tmp_path) as engine:
        rows = engine.query("SELECT instrument, until, new_shares, old_shares FROM splits").rows

    assert rows == [("IBM", "2026-11-23T05:00:00Z", 10, 1)]


def test_what_was_known_at_a_moment_is_not_in_shares_of_today() -> None:
    with pytest.raises(MomentError, match="Splits that came later were not known"):
        Selection(as_of=datetime(2026, 11, 20, 17), adjusted=True)  # noqa: DTZ001 (UTC)
