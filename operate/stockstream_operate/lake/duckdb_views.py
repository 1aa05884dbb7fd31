"""DuckDB's statements that make the lake's views: over delivered files, and over what is joined of them."""
# ruff: noqa: S608  # what SQL is made of here are the lake's own tables, views and columns

from collections.abc import Collection, Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from stockstream_operate.lake.dialect import to_duckdb
from stockstream_operate.lake.literals import quoted
from stockstream_operate.lake.parts import TABLES
from stockstream_operate.lake.reading import DUCKDB_TYPES, Sources, select_files
from stockstream_operate.lake.splits import SPLITS_COLUMNS, SPLITS_TABLE
from stockstream_operate.lake.sql import DELIVERED, LakeSql, history_over

if TYPE_CHECKING:
    from stockstream_operate.lake.joined import Joined

_SPLITS = {name: DUCKDB_TYPES[kind] for name, kind in SPLITS_COLUMNS.items()}
# Makes the table of the splits, without any.
MAKE_SPLITS = f"CREATE TABLE {SPLITS_TABLE} ({', '.join(f'{name} {kind}' for name, kind in _SPLITS.items())})"


def make_views_beside(
    lake_sql: LakeSql, joined: "Joined", unsettled: Collection[str], *, came: str | None
) -> list[str]:
    """DuckDB's statements that make the views over what is joined and what has come since.

    Args:
        lake_sql: the lake's views.
        joined: what is joined.
        unsettled: the keys of its files whose histories are worked out anew, with what came beside them.
        came: the table of what has come; None where nothing has, which makes a query the quickest.
    """
    columns = _listed(lake_sql.views[DELIVERED].columns)
    known = _listed(lake_sql.views["bars_history"].columns)
    views: dict[str, str] = {}
    delivered = [f"SELECT {columns} FROM {came}"] if came else []
    history = []
    if unsettled:
        delivered.append(joined.select(columns, unsettled))
    if delivered:
        views["unsettled"] = " UNION ALL ".join(delivered)
        history.append(f"SELECT {known} FROM ({to_duckdb(history_over(lake_sql, 'unsettled'))})")
    if settled := set(joined.files) - set(unsettled):
        delivered.append(joined.select(columns, settled))
        history.append(f"SELECT * FROM ({joined.select(known, settled)}) WHERE known_from IS NOT NULL")
    of_joined = {DELIVERED: " UNION ALL ".join(delivered), "bars_history": " UNION ALL ".join(history)}
    views |= {name: of_joined.get(name) or to_duckdb(view.sql) for name, view in lake_sql.views.items()}
    return [f'CREATE OR REPLACE VIEW "{name}" AS {sql}' for name, sql in views.items()]


def make_delivered(lake_sql: LakeSql, table: str = DELIVERED) -> str:
    """DuckDB's statement that makes an empty table of what was delivered, which files are read into."""
    return f"CREATE TABLE {table} AS {select_delivered(lake_sql, {})}"


def select_delivered(lake_sql: LakeSql, sources: Sources) -> str:
    """DuckDB's SELECT of the view `bars_delivered` over some files."""
    tables = ", ".join(
        f"{table} AS ({select_files(table, sources.get(table, ()), lake_sql.columns)})"
        for table in TABLES.values()
    )
    return f"WITH {tables} {to_duckdb(lake_sql.views[DELIVERED].sql)}"


def add_splits(file: Path) -> str:
    """DuckDB's statement that adds the splits of a file to their table."""
    types = ", ".join(f"{name}: '{kind}'" for name, kind in _SPLITS.items())
    form = f"format = 'newline_delimited', columns = {{{types}}}"
    return f"INSERT INTO {SPLITS_TABLE} SELECT * FROM read_json({quoted(str(file.resolve()))}, {form})"


def _listed(columns: Iterable[str]) -> str:
    return ", ".join(f'"{name}"' for name in columns)
