"""Reading the lake's SQL out of the template."""

from pathlib import Path

import pytest

from stockstream_operate.lake.sql import TEMPLATE, LakeSqlError, read_lake_sql


def test_the_views_come_in_an_order_in_which_each_reads_only_earlier_ones() -> None:
    assert list(read_lake_sql().views) == ["bars_delivered", "bars_history", "bars_latest"]


def test_a_views_columns_have_athenas_types() -> None:
    columns = read_lake_sql().views["bars_history"].columns

    assert columns["open_time"] == "timestamp(3)"
    assert columns["close"] == "double"
    assert list(columns)[-2:] == ["known_from", "known_until"]


def test_the_columns_of_the_documents_have_glues_types() -> None:
    columns = read_lake_sql().columns

    assert columns["open_time"] == "string"
    assert columns["lookback_bars"] == "int"
    assert columns["sma_200"] == "double"


def test_the_queries_that_people_start_from_are_there_each_with_what_it_shows() -> None:
    queries = read_lake_sql().queries

    assert set(queries) == {
        "latest bar of each instrument",
        "daily bars with returns",
        "biggest movers",
        "gaps in a session",
        "moving average crossovers",
        "as known at a moment",
        "bars since a day, from its files alone",
    }
    assert all(query.description.endswith(".") for query in queries.values())


def test_no_sql_holds_a_reference_that_was_not_worked_out() -> None:
    sql = read_lake_sql()
    texts = [view.sql for view in sql.views.values()] + [query.sql for query in sql.queries.values()]

    assert [text for text in texts if "${" in text] == []


def test_a_view_that_somebody_broke_is_named(tmp_path: Path) -> None:
    broken = tmp_path / "template.yaml"
    text = TEMPLATE.read_text(encoding="utf-8")
    broken.write_text(text.replace('"originalSql": "${Sql}"', '"originalSql": ${Sql}'), encoding="utf-8")

    with pytest.raises(LakeSqlError, match="the view bars_delivered is not what Athena reads"):
        read_lake_sql(broken)
