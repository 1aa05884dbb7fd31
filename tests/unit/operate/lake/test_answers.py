"""What answers look like, for a person and for a program."""

import csv
import json
from datetime import date, datetime, time, timedelta, timezone
from io import StringIO

import pytest
from rich.console import Console

from stockstream_operate.lake.answers import as_csv, as_json_lines, as_table, as_tables
from stockstream_operate.lake.result import LakeQueryError, Result
from stockstream_operate.screen import Screen

MOMENT = datetime(2026, 11, 20, 14, 30)  # noqa: DTZ001 (UTC)
RESULT = Result(
    ("instrument", "close", "known_from", "trading_day"),
    [
        ("IBM", 282.97970000000004, MOMENT.replace(microsecond=250_000), date(2026, 11, 20)),
        ('a "b", c', None, MOMENT, None),
    ],
)


def shown(result: Result, width: int = 200) -> list[str]:
    console = Console(file=StringIO(), width=width)
    console.print(as_table(result))
    return [line.rstrip() for line in console.file.getvalue().splitlines()]  # type: ignore[attr-defined]


def test_a_table_has_numbers_to_the_right_and_nulls_as_dashes() -> None:
    assert shown(RESULT) == [
        "instrument     close  known_from               trading_day",
        "IBM         282.9797  2026-11-20 14:30:00.250  2026-11-20",
        'a "b", c           -  2026-11-20 14:30:00      -',
    ]


def test_markup_in_a_value_is_text() -> None:
    assert shown(Result(("text",), [("[red]x[/]",)])) == ["text", "[red]x[/]"]


def test_what_is_too_wide_goes_on_in_further_tables_and_loses_nothing() -> None:
    page = StringIO()
    screen = Screen(Console(file=page, width=30))
    for table in as_tables(RESULT, screen.fits):
        screen.present(table)

    assert [line.rstrip() for line in page.getvalue().splitlines()] == [
        "   instrument     close",
        "1  IBM         282.9797",
        '2  a "b", c           -',
        "   known_from",
        "1  2026-11-20 14:30:00.250",
        "2  2026-11-20 14:30:00",
        "   trading_day",
        "1  2026-11-20",
        "2  -",
    ]


def test_csv_keeps_every_digit_and_is_read_back_as_it_was() -> None:
    names, first, second = csv.reader(StringIO(as_csv(RESULT)))

    assert names == list(RESULT.columns)
    assert first == ["IBM", "282.97970000000004", "2026-11-20T14:30:00.250Z", "2026-11-20"]
    assert second == ['a "b", c', "", "2026-11-20T14:30:00.000Z", ""]


def test_json_has_one_object_a_line() -> None:
    first, second = as_json_lines(RESULT).splitlines()

    assert json.loads(first) == {
        "instrument": "IBM",
        "close": 282.97970000000004,
        "known_from": "2026-11-20T14:30:00.250Z",
        "trading_day": "2026-11-20",
    }
    assert json.loads(second)["close"] is None


def test_what_no_format_knows_is_written_as_text() -> None:
    assert json.loads(as_json_lines(Result(("at",), [(time(9, 30),)]))) == {"at": "09:30:00"}


def test_a_table_fits_only_where_all_of_it_does() -> None:
    assert Screen(Console(width=58)).fits(as_table(RESULT))
    assert not Screen(Console(width=57)).fits(as_table(RESULT))


def test_a_time_with_a_zone_is_told_in_utc() -> None:
    moment = datetime(2026, 11, 20, 9, 30, tzinfo=timezone(timedelta(hours=-5)))
    result = Result(("now",), [(moment,)])

    assert as_csv(result) == "now\n2026-11-20T14:30:00.000Z"
    assert shown(result) == ["now", "2026-11-20 14:30:00"]


def test_what_is_no_number_is_null_in_json() -> None:
    result = Result(("a", "b"), [(float("nan"), float("-inf"))])

    assert as_json_lines(result) == '{"a": null, "b": null}'


def test_json_refuses_two_columns_of_one_name() -> None:
    with pytest.raises(LakeQueryError, match=r"Two columns are called id, .* as in id AS other"):
        as_json_lines(Result(("id", "close", "id"), []))
