"""The lake's tables, views and saved queries: the .sql files beside this, and the columns of the fields.

The files are Athena's SQL. What stands in braces in them depends on the fields that a stack's documents have:

    {analytics}     the fields that are worked out, in their order
    {columns}       the columns of a bar in the views
    {in_shares}     the same, prices and volumes in the shares of today
    {zone}          the time zone of a bar's exchange
    {delivered}     where the history is taken from: the view bars_delivered, or a part of it
    {history}       the SQL of the view bars_history
    {fast} {slow}   two moving averages to compare

template.yaml holds them with the fields that its parameters ask for: `make generate` writes them there.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from stockstream.exchanges import EXCHANGES, NEW_YORK
from stockstream.fields import AMOUNT, COUNT, INSTANT, PRICE, TIME, Field, list_fields, list_indicators
from stockstream.windows import Windows

JSON_TABLE, PARQUET_TABLE, DELIVERED = "bars", "bars_parquet", "bars_delivered"
ADJUSTED = "bars_adjusted"
FOLDER = Path(__file__).parent
# What `stockstream smoke` sends. The view bars_delivered leaves it out, and so do all that stand on it.
TEST_INSTRUMENT = "STOCKSTREAM-TEST"
# In an order in which each reads only those before it, and what each has besides the columns of a bar.
VIEWS: Mapping[str, Mapping[str, str]] = {
    "bars_delivered": {"dt": "varchar"},
    "bars_history": {"known_from": "timestamp(3)", "known_until": "timestamp(3)"},
    "bars_latest": {},
    ADJUSTED: {"shares": "double"},
}
# The first columns of a bar in the views. The document has no trading_day, and as_of elsewhere.
_IDENTITY = ("id", "instrument", "asset_class", "interval", "trading_day", "open_time", "as_of")
_AVERAGES_TO_CHOOSE = 3


@dataclass(frozen=True, slots=True)
class View:
    """One view of the lake's database.

    Attributes:
        name: what a query calls it.
        description: one sentence.
        sql: a SELECT in Athena's dialect.
        columns: the type of each column, in Athena's words (`timestamp(3)`), in their order.
    """

    name: str
    description: str
    sql: str
    columns: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class NamedQuery:
    """One query that is saved in the workgroup: its name, what it shows, and a SELECT in Athena's dialect."""

    name: str
    description: str
    sql: str


@dataclass(frozen=True, slots=True)
class LakeSql:
    """What the lake's database and workgroup hold.

    Attributes:
        columns: of the tables of delivered documents: the type of each field in Glue's words (`string`).
        views: by name; each reads only tables and views before it.
        queries: by name.
    """

    columns: Mapping[str, str]
    views: Mapping[str, View]
    queries: Mapping[str, NamedQuery]


@cache
def make_lake_sql(windows: Windows) -> LakeSql:
    """The lake of a stack whose documents have the moving averages of these windows."""
    columns = view_columns(windows)
    placeholders = make_placeholders(
        analytics=[field.name for row in list_indicators(windows) for field in row.fields],
        columns=list(columns),
        in_shares=list(map(in_todays_shares, columns)),
        averages=[f"sma_{window}" for window in windows.sma],
    )
    views = {
        name: View(name, file.description, file.fill(placeholders), {**columns, **VIEWS[name]})
        for name, file in view_files().items()
    }
    queries = {
        file.name: NamedQuery(file.name, file.description, file.fill(placeholders))
        for file in sorted(query_files().values(), key=lambda file: file.name)
    }
    return LakeSql(table_columns(windows), views, queries)


def history_over(lake_sql: LakeSql, delivered: str, more: Sequence[str] = ()) -> str:
    """The SQL of `bars_history` over another table or view than `bars_delivered`.

    Args:
        lake_sql: the lake's.
        delivered: what the history is taken from.
        more: further columns of it, which the answer has as well.
    """
    columns = ", ".join([*lake_sql.views["bars_latest"].columns, *more])
    sql = view_files()["bars_history"].sql
    return sql.replace("{columns}", columns).replace("{delivered}", delivered)


def adjusted_over(source: str, columns: Sequence[str]) -> str:
    """The SQL of `bars_adjusted` over another table or view than `bars_latest`.

    Args:
        source: what the bars are taken from.
        columns: its columns that are wanted, with instrument and open_time among them. What is no price and
            no volume stays as it is.
    """
    sql = view_files()[ADJUSTED].sql.replace("FROM bars_latest", f"FROM {source}")
    in_shares = ", ".join(map(in_todays_shares, columns))
    return sql.replace("{columns}", ", ".join(columns)).replace("{in_shares}", in_shares)


def table_columns(windows: Windows) -> dict[str, str]:
    """The columns of the tables of delivered documents, in Glue's types: times are texts there."""
    return {field.name: glue_type(field) for field in list_fields(windows)}


def view_columns(windows: Windows) -> dict[str, str]:
    """The columns of a bar in the views, in Athena's types."""
    fields = {field.name: athena_type(field) for field in list_fields(windows) if field.name != "schema"}
    fields["trading_day"] = "date"
    first = {name: fields.pop(name) for name in _IDENTITY}
    return first | fields


def glue_type(field: Field) -> str:
    """A field's type in the tables."""
    if not field.is_number:
        return "string"
    return "int" if field.unit == COUNT else "double"


def athena_type(field: Field) -> str:
    """A field's type in the views."""
    if field.unit in {TIME, INSTANT}:
        return "timestamp(3)"
    return {"string": "varchar", "int": "integer", "double": "double"}[glue_type(field)]


def in_todays_shares(column: str) -> str:
    """A column of a bar in the views, with a price or a volume in the shares of today: `close / shares`."""
    unit = _units().get(column, PRICE if column.startswith(("sma_", "ema_")) else "")
    return f"{column} / shares" if unit == PRICE else f"{column} * shares" if unit == AMOUNT else column


@cache
def _units() -> dict[str, str]:
    """The unit of each field but the averages, whose windows differ."""
    return {field.name: field.unit for field in list_fields(Windows((2,), (2,)))}


def make_placeholders(
    analytics: list[str], columns: list[str], in_shares: list[str], averages: list[str]
) -> dict[str, str]:
    """What stands for each placeholder of the files."""
    fast, slow = averages[1:3] if len(averages) >= _AVERAGES_TO_CHOOSE else ("close", averages[0])
    return {
        "analytics": ", ".join(analytics),
        "columns": ", ".join(columns),
        "in_shares": ", ".join(in_shares),
        "zone": _zone(),
        "fast": fast,
        "slow": slow,
    }


def _zone() -> str:
    cases = "".join(
        f" WHEN {' OR '.join(f"instrument LIKE '%.{suffix}'" for suffix in exchange.suffixes)}"
        f" THEN '{exchange.time_zone}'"
        for exchange in EXCHANGES
        if exchange.suffixes
    )
    return f"CASE WHEN asset_class <> 'equity' THEN 'UTC'{cases} ELSE '{NEW_YORK.time_zone}' END"


@dataclass(frozen=True, slots=True)
class SqlFile:
    """One file: its name for people, what it shows, and the SQL below, with its placeholders.

    Attributes:
        stem: the file's name without `.sql`.
        name: a view's is that of its file; a query's is the file's first line.
        description: one or two sentences.
        sql: what stands below.
    """

    stem: str
    name: str
    description: str
    sql: str

    def fill(self, placeholders: Mapping[str, str]) -> str:
        """The SQL with what stands for its placeholders."""
        history = view_files()["bars_history"].sql if "{history}" in self.sql else ""
        # A query names a part of what was delivered; the view takes all of it.
        delivered = "delivered" if history else "bars_delivered"
        text = self.sql.replace("{history}", history.replace("\n", "\n  "))
        known = {**placeholders, "delivered": delivered}
        return re.sub(r"\{(\w+)\}", lambda found: known[found[1]], text)


@cache
def view_files() -> dict[str, SqlFile]:
    """The files of the views by name, in an order in which each reads only those before it."""
    return {name: _read(FOLDER / "views" / f"{name}.sql", lines=1) for name in VIEWS}


@cache
def query_files() -> dict[str, SqlFile]:
    """The files of the saved queries, by the file's name."""
    return {path.stem: _read(path, lines=2) for path in sorted((FOLDER / "queries").glob("*.sql"))}


def _read(path: Path, lines: int) -> SqlFile:
    """A file that begins with so many lines of comment about itself, and then a blank line."""
    head, _, sql = path.read_text(encoding="utf-8").partition("\n\n")
    comments = [line.removeprefix("-- ") for line in head.splitlines()]
    if len(comments) != lines:
        raise ValueError(f"{path.name} begins with {len(comments)} lines about itself, and not with {lines}")
    *name, description = comments
    return SqlFile(path.stem, name[0] if name else path.stem, description, sql.strip())


def in_one_line(sql: str) -> str:
    """A statement without its comments and line breaks, as a JSON text can hold it."""
    return " ".join(_code(sql))


def _code(sql: str) -> Iterator[str]:
    for line in sql.splitlines():
        code = line.partition("--")[0].split()
        if code:
            yield " ".join(code)
