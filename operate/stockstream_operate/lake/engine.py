"""The lake's views and queries over delivered files, without Athena: its SQL, translated for DuckDB."""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path
from types import TracebackType
from typing import Any, NamedTuple, Self

import duckdb
import sqlglot
from sqlglot import exp

from stockstream.errors import StockstreamError
from stockstream.windows import Windows
from stockstream_operate.lake.files import Written, write_file
from stockstream_operate.lake.sql import JSON_TABLE, PARQUET_TABLE, LakeSql, make_lake_sql

_TYPES = {"string": "VARCHAR", "double": "DOUBLE", "int": "INTEGER"}
# The folder that a file lies in is its partition.
_DAY = "regexp_extract(filename, '.*/dt=([^/]+)/[^/]*$', 1) AS dt"
SETTINGS = (
    "SET TimeZone = 'UTC'",
    "SET integer_division = true",  # as in Athena: 3 / 2 is 1
    "SET python_enable_replacements = false",  # a table is never a variable of this program
    "SET autoinstall_known_extensions = false",  # nothing is fetched from the network
)
# What Athena's SQL calls and DuckDB lacks.
AT_TIMEZONE = "CREATE MACRO at_timezone(moment, zone) AS timezone(zone, moment)"
_SENTENCE = re.compile(r"(?:\w+ )+Error: (.*?)(?:\n\s*(?:LINE|Candidate functions:) .*)?", re.DOTALL)
_TELL_SECONDS = 0.2
_DELIVERED = (".json.gz", ".parquet")
_UNKNOWN_TABLE = "Table with name"


class LakeQueryError(StockstreamError):
    """A query cannot be answered; the text says why."""


class Result(NamedTuple):
    """The answer to a query.

    Attributes:
        columns: their names.
        rows: a value for each column: str, int, float, date, datetime (UTC, without a zone), None.
    """

    columns: tuple[str, ...]
    rows: list[tuple[Any, ...]]


class LakeEngine:
    """The lake's database over files on this machine.

    The files are read when a query is asked, as they are then; files that come later are not seen.
    `with` closes it at its end.

    Args:
        places: a folder, a file, or several. Of a folder, all files below it: `.json.gz` and `.parquet`,
            each in its `dt=YYYY-MM-DD/`, as Firehose lays them out.
        lake_sql: the views; those of the default windows, if it is not given.
        writable: the one file that may be written.

    Raises:
        LakeQueryError: a place is not there or holds no documents, or a view cannot be made.
    """

    def __init__(
        self,
        places: Path | Iterable[Path],
        lake_sql: LakeSql | None = None,
        writable: Path | None = None,
    ) -> None:
        self.lake_sql = lake_sql or make_lake_sql(Windows())
        self._database = duckdb.connect()
        self._tables = list(self.lake_sql.views)[::-1]
        for setting in SETTINGS:
            self._execute(setting)
        files = _find_files([places] if isinstance(places, Path) else places)
        self._make_table(JSON_TABLE, [file for file in files if not file.endswith(".parquet")])
        self._make_table(PARQUET_TABLE, [file for file in files if file.endswith(".parquet")])
        self._execute(AT_TIMEZONE)
        for view in self.lake_sql.views.values():
            self._execute(f'CREATE VIEW "{view.name}" AS {to_duckdb(view.sql)}')
        # What a query may read is the lake alone.
        allowed = [*files, *([str(writable.resolve())] if writable else [])]
        self._execute(f"SET allowed_paths = [{', '.join(map(_literal, allowed))}]")
        self._execute("SET enable_external_access = false")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._database.close()

    def query(self, sql: str) -> Result:
        """The answer to one SELECT in Athena's dialect.

        Raises:
            LakeQueryError: it is no SELECT, it asks for what is not there, or a file cannot be read.
        """
        statement = to_duckdb(sql)
        return self._work(lambda: self._answer(statement), lambda _share: None)

    def export(self, sql: str, path: Path, ending: str, tell: Callable[[float], None]) -> Written:
        """Writes the answer to one SELECT of columns of `bars_latest` to the file that may be written.

        Args:
            sql: in Athena's dialect.
            path: the file.
            ending: a key of files.FORMS.
            tell: is told now and then how much is done, from 0 to 1.

        Raises:
            LakeQueryError: it cannot be answered or written.
        """
        select, types = to_duckdb(sql), self.lake_sql.views["bars_latest"].columns

        def write() -> Written:
            with in_words():
                return write_file(self._database, select, types, path.resolve(), ending)

        self._execute("SET enable_progress_bar = true")
        self._execute("SET enable_progress_bar_print = false")
        return self._work(write, tell)

    def _work[Answer](self, doing: Callable[[], Answer], tell: Callable[[float], None]) -> Answer:
        # DuckDB looks at no signal while it works. A thread does the work, so that Ctrl-C can end it.
        with ThreadPoolExecutor(max_workers=1) as worker:
            answer: Future[Answer] = worker.submit(doing)
            try:
                while not answer.done():
                    wait([answer], timeout=_TELL_SECONDS)
                    # Below 0 it does not know.
                    tell(max(0.0, self._database.query_progress() / 100))
                return answer.result()
            except KeyboardInterrupt:
                self._database.interrupt()
                raise

    def _answer(self, statement: str) -> Result:
        answer = self._execute(statement)
        with in_words():
            rows = answer.fetchall()
        return Result(
            tuple(column[0] for column in answer.description or ()),
            [tuple(map(_as_athena_has_it, row)) for row in rows],
        )

    def _make_table(self, name: str, files: Sequence[str]) -> None:
        self._tables.append(name)
        if not files:
            typed = ", ".join(f'"{column}" {_TYPES[kind]}' for column, kind in self.lake_sql.columns.items())
            self._execute(f"CREATE TABLE {name} ({typed}, dt VARCHAR)")
            return
        self._execute(f"CREATE VIEW {name} AS {select_files(name, files, self.lake_sql.columns)}")

    def _execute(self, sql: str) -> duckdb.DuckDBPyConnection:
        try:
            with in_words():
                return self._database.execute(sql)
        except LakeQueryError as error:
            if not str(error).startswith(_UNKNOWN_TABLE):
                raise
            raise LakeQueryError(f"{error} The lake holds {', '.join(self._tables)}.") from error


def select_files(table: str, files: Sequence[str], types: Mapping[str, str]) -> str:
    """DuckDB's SELECT of what files hold, as the columns of a table of the lake.

    Args:
        table: JSON_TABLE or PARQUET_TABLE, which says what the files are.
        files: one or more, each in its `dt=YYYY-MM-DD/`.
        types: of each column, in Glue's words.
    """
    columns = {name: _TYPES[kind] for name, kind in types.items()}
    listed = f"[{', '.join(map(_literal, files))}]"
    if table == PARQUET_TABLE:
        # Files of other windows have other columns. As in Athena, a column is found by its name, and what
        # a file lacks is null: an empty table before them brings the columns that none of them has.
        empty = ", ".join(f'CAST(NULL AS {kind}) AS "{column}"' for column, kind in columns.items())
        source = (
            f"(SELECT {empty}, '' AS filename WHERE false UNION ALL BY NAME SELECT * FROM "  # noqa: S608 (quoted)
            f"read_parquet({listed}, filename = true, hive_partitioning = false, union_by_name = true))"
        )
    else:
        typed = ", ".join(f"{_literal(column)}: {_literal(kind)}" for column, kind in columns.items())
        source = (
            f"read_json({listed}, columns = {{{typed}}}, format = 'newline_delimited', filename = true, "
            "hive_partitioning = false)"
        )
    fields = ", ".join(f'"{column}"' for column in columns)
    return f"SELECT {fields}, {_DAY} FROM {source}"  # noqa: S608 (quoted)


def to_duckdb(sql: str) -> str:
    """One SELECT in Athena's dialect, translated.

    Raises:
        LakeQueryError: it is something else.
    """
    try:
        # After the last semicolon there may be nothing, or a comment, which is no statement.
        parsed = sqlglot.parse(sql, read="athena")
        statements = [each for each in parsed if each and not isinstance(each, exp.Semicolon)]
    except sqlglot.ParseError as error:
        first = error.errors[0]
        raise LakeQueryError(
            f"Line {first['line']} is not SQL as Athena has it, "
            f"at {first['highlight']!r}: {first['description']}"
        ) from error
    except sqlglot.errors.SqlglotError as error:
        raise LakeQueryError(f"This is not SQL as Athena has it: {error}") from error
    if len(statements) != 1 or not isinstance(statements[0], exp.Query):
        raise LakeQueryError("The lake answers one SELECT at a time, and nothing else.")
    return statements[0].transform(_keep_nulls).sql(dialect="duckdb", identify=True)


def _keep_nulls(node: exp.Expression) -> exp.Expression:
    # Athena's max_by and min_by take the row with the greatest or least value, even if what it holds is null.
    if isinstance(node, exp.ArgMax | exp.ArgMin) and not node.args.get("count"):
        name = "arg_max_null" if isinstance(node, exp.ArgMax) else "arg_min_null"
        return exp.Anonymous(this=name, expressions=[node.this, node.expression])
    return node


def _find_files(places: Iterable[Path]) -> list[str]:
    places = list(places)
    for place in places:
        if not place.exists():
            raise LakeQueryError(
                f"There is no {place}: name a folder of delivered files, or such files (.json.gz, .parquet)."
            )
        if not place.is_dir() and not place.name.endswith(_DELIVERED):
            raise LakeQueryError(f"{place} is no delivered file: their names end in .json.gz or .parquet.")
    found = [
        file
        for place in places
        for file in (sorted(place.rglob("*")) if place.is_dir() else [place])
        if file.name.endswith(_DELIVERED)
    ]
    return [str(file.resolve()) for file in found]


def _literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def _say(error: duckdb.Error) -> str:
    """DuckDB's own words, without the line that they are about: that is of the translation."""
    said = _SENTENCE.fullmatch(str(error))
    return said[1] if said else str(error)


@contextmanager
def in_words() -> Iterator[None]:
    """Within, what DuckDB cannot do is a LakeQueryError in its words."""
    try:
        yield
    except duckdb.CatalogException as error:
        # DuckDB would suggest tables and functions of its own.
        raise LakeQueryError(_say(error).splitlines()[0]) from error
    except duckdb.Error as error:
        raise LakeQueryError(_say(error)) from error


def _as_athena_has_it(value: Any) -> Any:  # noqa: ANN401 (a column may hold anything)
    """A value as the rows from Athena hold it, where a decimal is a number like the others."""
    return float(value) if isinstance(value, Decimal) else value
