"""Which lake a command reads: what the last run here delivered, or a stack's in AWS."""

import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Protocol

from stockstream.errors import StockstreamError
from stockstream.reading import make_visible
from stockstream.windows import Windows
from stockstream_operate.lake.engine import LakeEngine
from stockstream_operate.lake.files import Written
from stockstream_operate.lake.joining import open_joined
from stockstream_operate.lake.parts import identify, say_troubles
from stockstream_operate.lake.result import LakeQueryError, Result
from stockstream_operate.lake.sql import LakeSql, make_lake_sql
from stockstream_operate.workplace import STATE

FOLDER = STATE / "lake"


class NoLakeError(StockstreamError):
    """There is nothing to read yet; the text says what to do."""


class QueryableLake(Protocol):
    """A lake that answers SQL.

    Attributes:
        lake_sql: its tables, views and saved queries.
    """

    @property
    def lake_sql(self) -> LakeSql:
        """Its tables, views and saved queries."""

    def query(self, sql: str) -> Result:
        """The answer to one SELECT in Athena's dialect.

        Raises:
            LakeQueryError: it cannot be answered.
        """

    def receipt(self) -> str:
        """What the queries so far have cost, for a person; empty where they cost nothing."""


class ExportableLake(QueryableLake, Protocol):
    """A lake that writes files, too."""

    def export(self, sql: str, path: Path, ending: str, progress: Callable[[float], None]) -> Written:
        """Writes the answer to one SELECT of the columns of `bars_latest` to a file.

        Args:
            sql: in Athena's dialect.
            path: the file.
            ending: a key of files.FORMS, which says what it becomes.
            progress: gets now and then how much is done, from 0 to 1.

        Raises:
            LakeQueryError: it cannot be answered or written.
        """


class LocalLake:
    """The delivered files on this machine, as they are when a query is asked.

    Args:
        folder: where a run here keeps them.
        say: gets, once, what is wrong with a file; without it, standard error does.
    """

    def __init__(self, folder: Path, say: Callable[[str], None] | None = None) -> None:
        self._folder = folder
        self._say = say or _say_on_standard_error
        self._said: set[str] = set()
        # What runs here is deployed with the defaults.
        self.lake_sql = make_lake_sql(Windows())

    def query(self, sql: str) -> Result:
        """The answer to one SELECT in Athena's dialect.

        Raises:
            NoLakeError: nothing was delivered here yet, or a run that began meanwhile has put it away.
            LakeQueryError: it cannot be answered.
        """
        with self._open() as engine:
            return engine.query(sql)

    def export(self, sql: str, path: Path, ending: str, progress: Callable[[float], None]) -> Written:
        """Writes the answer to one SELECT of the columns of `bars_latest` to a file.

        Args:
            sql: in Athena's dialect.
            path: the file.
            ending: a key of files.FORMS.
            progress: gets now and then how much is done, from 0 to 1.

        Raises:
            NoLakeError: nothing was delivered here yet, or a run that began meanwhile has put it away.
            LakeQueryError: it cannot be answered or written.
        """
        with self._open(writable=path) as engine:
            return engine.export(sql, path, ending, progress)

    @contextmanager
    def _open(self, writable: Path | None = None) -> Iterator[LakeEngine]:
        """An engine over the files as they are now. An error that comes because a new run began says so."""
        before = identify(self._folder)
        if before is None:
            raise NoLakeError(
                "Nothing was delivered here yet: start `make run` and wait for its first bars, "
                "or name a stack in AWS: --stack stockstream"
            )
        try:
            today = f"{datetime.now(UTC):%Y-%m-%d}"
            with (
                open_joined(
                    self._folder, self.lake_sql, today, lambda said: self._say_once([said])
                ) as joined,
                LakeEngine(self._folder, self.lake_sql, writable, joined) as engine,
            ):
                yield engine
                self._say_once(say_troubles(engine.troubles))
        except LakeQueryError:
            if identify(self._folder) == before:
                raise
            raise NoLakeError("A new run began meanwhile, and its lake is empty: ask again.") from None

    def _say_once(self, sentences: Iterable[str]) -> None:
        for sentence in sentences:
            if sentence not in self._said:
                self._said.add(sentence)
                self._say(sentence)

    def receipt(self) -> str:
        """Nothing: this machine does the work."""
        return ""


def _say_on_standard_error(sentence: str) -> None:
    sys.stderr.write(f"{make_visible(sentence)}\n")


def open_lake(stack: str | None) -> ExportableLake:
    """The lake of a stack in AWS; without a name, what the last run here delivered, even if it has ended.

    Raises:
        StackError: there is no such stack, or it has no database.
    """
    if stack is None:
        return LocalLake(FOLDER)
    # Imported here: AWS's client takes longer than an answer from this machine.
    import boto3  # noqa: PLC0415

    from stockstream_operate.lake.athena import AthenaLake  # noqa: PLC0415
    from stockstream_operate.stack import find_stack  # noqa: PLC0415

    found = find_stack(stack)
    return AthenaLake(
        boto3.client("athena"),
        found.output("LakeDatabaseName"),
        found.output("LakeWorkGroupName"),
        make_lake_sql(found.windows),
    )
