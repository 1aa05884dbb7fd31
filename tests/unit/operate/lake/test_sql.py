"""The lake's SQL, from its files and the table of fields."""

from pathlib import Path

import pytest

from stockstream.fields import list_fields
from stockstream.windows import Windows
from stockstream_operate.lake.engine import LakeEngine
from stockstream_operate.lake.sql import VIEWS, in_one_line, make_lake_sql

OTHERS = Windows((3, 300), (7,))


def test_the_views_come_in_an_order_in_which_each_reads_only_earlier_ones() -> None:
    assert list(make_lake_sql(Windows()).views) == [
        "bars_delivered",
        "bars_history",
        "bars_latest",
        "bars_adjusted",
    ]


def test_a_views_columns_have_athenas_types() -> None:
    columns = make_lake_sql(Windows()).views["bars_history"].columns

    assert columns["open_time"] == "timestamp(3)"
    assert columns["close"] == "double"
    assert list(columns)[-2:] == ["known_from", "known_until"]


def test_the_columns_of_the_documents_have_glues_types() -> None:
    columns = make_lake_sql(Windows()).columns

    assert columns["open_time"] == "string"
    assert columns["lookback_bars"] == "int"
    assert columns["sma_200"] == "double"


def test_the_queries_that_people_start_from_are_there_each_with_what_it_shows() -> None:
    queries = make_lake_sql(Windows()).queries

    assert set(queries) == {
        "latest bar of each instrument",
        "daily bars with returns",
        "biggest movers",
        "gaps in a session",
        "moving average crossovers",
        "as known at a moment",
        "bars since a day, from its files alone",
        "split-adjusted bars",
    }
    assert all(query.description.endswith(".") for query in queries.values())


@pytest.mark.parametrize("windows", [Windows(), OTHERS], ids=["the defaults", "others"])
def test_no_sql_holds_a_placeholder_that_was_not_filled(windows: Windows) -> None:
    sql = make_lake_sql(windows)
    texts = [view.sql for view in sql.views.values()] + [query.sql for query in sql.queries.values()]

    assert [text for text in texts if "{" in text] == []


@pytest.mark.parametrize("windows", [Windows(), OTHERS], ids=["the defaults", "others"])
def test_a_table_has_the_fields_of_the_document_in_their_order(windows: Windows) -> None:
    assert list(make_lake_sql(windows).columns) == [field.name for field in list_fields(windows)]


@pytest.mark.parametrize("windows", [Windows(), OTHERS], ids=["the defaults", "others"])
@pytest.mark.parametrize("name", VIEWS)
def test_a_view_gives_the_columns_that_it_is_said_to_have(
    name: str, windows: Windows, tmp_path: Path
) -> None:
    lake_sql = make_lake_sql(windows)
    with LakeEngine(tmp_path, lake_sql) as lake:
        # DuckDB says of an answer without rows what its columns are called, and what they are.
        told = lake.query(f"SELECT * FROM {name}").columns  # noqa: S608 (our own names)

    assert told == tuple(lake_sql.views[name].columns)
    fields = {field.name for field in list_fields(windows)} - {"schema"}
    assert set(told) == fields | {"trading_day"} | set(VIEWS[name])


@pytest.mark.parametrize("name", VIEWS)
def test_a_view_in_one_line_is_the_same_view(name: str, tmp_path: Path) -> None:
    lake_sql = make_lake_sql(Windows())
    one_line = in_one_line(lake_sql.views[name].sql)
    with LakeEngine(tmp_path, lake_sql) as lake:
        assert lake.query(one_line).columns == lake.query(lake_sql.views[name].sql).columns
    assert "\n" not in one_line
    assert "--" not in one_line


@pytest.mark.parametrize(
    ("sma", "compared"),
    [((5, 20, 50, 200), ("sma_20", "sma_50")), ((10, 30), ("close", "sma_10")), ((7,), ("close", "sma_7"))],
)
def test_crossovers_compare_two_averages_that_there_are(
    sma: tuple[int, ...], compared: tuple[str, str]
) -> None:
    sql = make_lake_sql(Windows(sma, (12,))).queries["moving average crossovers"].sql

    assert f"{compared[0]} AS fast, {compared[1]} AS slow" in sql


@pytest.mark.parametrize("windows", [Windows(), OTHERS, Windows((2,), (2,))], ids=str)
def test_every_saved_query_can_be_asked_whatever_the_windows_are(windows: Windows, tmp_path: Path) -> None:
    lake_sql = make_lake_sql(windows)
    with LakeEngine(tmp_path, lake_sql) as lake:
        for query in lake_sql.queries.values():
            assert lake.query(query.sql).rows == []
