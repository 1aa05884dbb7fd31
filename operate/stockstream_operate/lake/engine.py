"""The lake's views and queries over delivered files, without Athena: DuckDB answers its SQL."""

from collections.abc import Callable, Collection, Iterable
from concurrent.futures import Future, ThreadPoolExecutor, wait
from decimal import Decimal
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

import duckdb

from stockstream.windows import Windows
from stockstream_operate.lake.dialect import AT_TIMEZONE, SETTINGS, find_tables, to_duckdb
from stockstream_operate.lake.duckdb_views import (
    MAKE_SPLITS,
    add_splits,
    make_delivered,
    make_views_beside,
    select_delivered,
)
from stockstream_operate.lake.files import Written, write_bars
from stockstream_operate.lake.literals import quoted
from stockstream_operate.lake.parts import TABLES, find_day_names, find_files, find_strays, table_of
from stockstream_operate.lake.reading import Sources, find_opened, name_aside, read_files, select_files
from stockstream_operate.lake.result import LakeQueryError, Result, in_words
from stockstream_operate.lake.splits import SPLITS_FILE, SPLITS_TABLE
from stockstream_operate.lake.sql import ADJUSTED, DELIVERED, LakeSql, make_lake_sql

if TYPE_CHECKING:
    from stockstream_operate.lake.joined import Joined

_TELL_SECONDS = 0.2
_ENDINGS = (".json.gz", ".parquet")
_UNKNOWN_TABLE = "Table with name"


class LakeEngine:
    """The lake's database over files on this machine.

    The files are read when it is made, as they are then; files that come later are not seen.
    `with` closes it at its end.

    Args:
        places: a folder, a file, or several. Of a folder, the files that Athena's tables would read: those in
            `bars/dt=YYYY-MM-DD/` and `bars-parquet/dt=YYYY-MM-DD/`, as Firehose lays them out.
        lake_sql: the views; those of the default windows, if it is not given.
        writable: the one file that may be written.
        joined: what answers in place of the files of the days that it covers, below the one folder.

    Attributes:
        troubles: what is wrong with which file, as the rest of a sentence that begins with its name. What
            of it can be read was read.

    Raises:
        LakeQueryError: a place is not there or holds no documents, or a view cannot be made.
    """

    def __init__(
        self,
        places: Path | Iterable[Path],
        lake_sql: LakeSql | None = None,
        writable: Path | None = None,
        joined: "Joined | None" = None,
    ) -> None:
        self.lake_sql = lake_sql or make_lake_sql(Windows())
        self.troubles: dict[Path, str] = {}
        self._database = duckdb.connect()
        self._aside = name_aside()
        self._unread = {*TABLES.values(), SPLITS_TABLE}
        self._execute("; ".join((*SETTINGS, AT_TIMEZONE)))
        self._places = _check([places] if isinstance(places, Path) else list(places))
        for place in filter(Path.is_dir, self._places):
            self.troubles |= find_strays(place)
        self._execute(MAKE_SPLITS)
        if joined is None or not joined.files:
            self._read_all()
        else:
            self._read_beside(joined)
        self._tables = [*list(self.lake_sql.views)[::-1], *TABLES.values(), SPLITS_TABLE]
        # What a query may read is the lake alone.
        folders = [self._aside, *(place.resolve() for place in self._places if place.is_dir())]
        files = [place.resolve() for place in self._places if not place.is_dir()]
        allowed = [*files, *([writable.resolve()] if writable else [])]
        self._execute(
            f"SET allowed_paths = [{', '.join(quoted(str(path)) for path in allowed)}]; "
            f"SET allowed_directories = [{', '.join(quoted(str(path)) for path in folders)}]; "
            "SET enable_external_access = false"
        )

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
        statement = self._prepare(sql)
        return self._work(lambda: self._answer(statement), lambda _share: None)

    def export(self, sql: str, path: Path, ending: str, progress: Callable[[float], None]) -> Written:
        """Writes the answer to one SELECT of columns of `bars_latest` to the file that may be written.

        Args:
            sql: in Athena's dialect.
            path: the file.
            ending: a key of files.FORMS.
            progress: gets now and then how much is done, from 0 to 1.

        Raises:
            LakeQueryError: it cannot be answered or written.
        """
        select, types = self._prepare(sql), self.lake_sql.views["bars_latest"].columns

        def write() -> Written:
            with in_words():
                return write_bars(self._database, select, types, path.resolve(), ending)

        self._execute("SET enable_progress_bar = true")
        self._execute("SET enable_progress_bar_print = false")
        return self._work(write, progress)

    def _work[Answer](self, doing: Callable[[], Answer], progress: Callable[[float], None]) -> Answer:
        # DuckDB looks at no signal while it works. A thread does the work, so that Ctrl-C can end it.
        with ThreadPoolExecutor(max_workers=1) as worker:
            answer: Future[Answer] = worker.submit(doing)
            try:
                while not answer.done():
                    wait([answer], timeout=_TELL_SECONDS)
                    # Below 0 it does not know.
                    progress(max(0.0, self._database.query_progress() / 100))
                return answer.result()
            except KeyboardInterrupt:
                self._database.interrupt()
                raise

    def _answer(self, statement: str) -> Result:
        answer = self._execute(statement)
        with in_words():
            rows = answer.fetchall()
        columns = answer.description or ()
        if any(str(column[1]).startswith("DECIMAL") for column in columns):
            rows = [tuple(map(_as_athena_has_it, row)) for row in rows]
        return Result(tuple(column[0] for column in columns), rows)

    def _prepare(self, sql: str) -> str:
        """The statement for DuckDB, when what it reads is there."""
        statement = to_duckdb(sql)
        self._read_tables(sql)
        return statement

    def _read_all(self) -> None:
        self._execute(make_delivered(self.lake_sql))
        self._read(self._find_files(), DELIVERED, partial(select_delivered, self.lake_sql))
        _, *others = self.lake_sql.views.values()
        for view in others:
            self._execute(f'CREATE VIEW "{view.name}" AS {to_duckdb(view.sql)}')

    def _read_beside(self, joined: "Joined") -> None:
        """The views over what is joined and what has come since, whose histories are put together."""
        self.troubles |= joined.troubles
        came = self._find_files(joined.covered)
        unsettled = joined.unsettled(self._read_came(came))
        for statement in make_views_beside(self.lake_sql, joined, unsettled, came="came" if came else None):
            self._execute(statement)

    def _read_came(self, files: list[Path]) -> list[str]:
        """Reads the files beside what is joined; the days (UTC) in which their bars open."""
        if not files:
            return []
        self._execute(make_delivered(self.lake_sql, "came"))
        self._read(files, "came", partial(select_delivered, self.lake_sql))
        with in_words():
            return find_opened(self._database, "came")

    def _find_files(self, but: Collection[str] = ()) -> list[Path]:
        """The files of the places, but for those of some days."""
        files = []
        for place in self._places:
            if place.is_dir():
                days = [name for name in find_day_names(place) if name.partition("=")[2] not in but]
                files += [file for name in days for file in find_files(place / name)]
            else:
                files.append(place.resolve())
        return files

    def _read(self, files: list[Path], into: str, select: Callable[[Sources], str]) -> None:
        with in_words():
            self.troubles |= read_files(
                self._database, files, self.lake_sql.columns, select, into, self._aside
            )

    def _read_tables(self, sql: str) -> None:
        """Fills the tables of the files that a statement names: what most ask for are the views."""
        named = find_tables(sql)
        if {SPLITS_TABLE, ADJUSTED} & named and SPLITS_TABLE in self._unread:
            self._unread.remove(SPLITS_TABLE)
            self._read_splits()
        for table in sorted(self._unread & named):
            self._unread.remove(table)
            self._execute(f"CREATE TABLE {table} AS {self._select_table(table, {})}")
            files = [file for file in self._find_files() if table_of(file) == table]
            self._read(files, table, partial(self._select_table, table))

    def _read_splits(self) -> None:
        for place in filter(Path.is_dir, self._places):
            if (file := place / SPLITS_FILE).exists():
                try:
                    self._execute(add_splits(file))
                except LakeQueryError as error:
                    raise LakeQueryError(
                        f"{file} holds no splits: {str(error).splitlines()[0]}. "
                        "`stockstream split` writes it anew, with the next split that it is told of."
                    ) from error

    def _select_table(self, table: str, sources: Sources) -> str:
        return select_files(table, sources.get(table, ()), self.lake_sql.columns)

    def _execute(self, sql: str) -> duckdb.DuckDBPyConnection:
        try:
            with in_words():
                return self._database.execute(sql)
        except LakeQueryError as error:
            if not str(error).startswith(_UNKNOWN_TABLE):
                raise
            raise LakeQueryError(f"{error} The lake holds {', '.join(self._tables)}.") from error


def _check(places: list[Path]) -> list[Path]:
    for place in places:
        if not place.exists():
            raise LakeQueryError(
                f"There is no {place}: name a folder of delivered files, or such files (.json.gz, .parquet)."
            )
        if not place.is_dir() and not place.name.endswith(_ENDINGS):
            raise LakeQueryError(f"{place} is no delivered file: their names end in .json.gz or .parquet.")
    return places


def _as_athena_has_it(value: Any) -> Any:  # noqa: ANN401 (a column may hold anything)
    """A value as the rows from Athena hold it, where a decimal is a number like the others."""
    return float(value) if isinstance(value, Decimal) else value
