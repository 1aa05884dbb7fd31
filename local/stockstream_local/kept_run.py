"""What is kept from one run here to the next: the lake, what the producer remembers, what was set aside.

A lake holds prices of one kind. The last run's is STATE/lake; those of other kinds wait in STATE/lakes, and
change places with it.
"""

import base64
import gzip
import json
import shutil
import zlib
from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from stockstream.errors import RecordError, StockstreamError
from stockstream.instrument_table import HELD_UNTIL
from stockstream.times import format_instant, parse_instant
from stockstream_local.check import Checker
from stockstream_operate.counts import FileTotals
from stockstream_operate.lake.delivered import Document
from stockstream_operate.lake.parts import path_of
from stockstream_operate.price_kinds import PriceKind, read_price_kind, write_price_kind
from stockstream_operate.redrive.error_files import PREFIXES
from stockstream_operate.whole_file import is_part, replacing, write_whole

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_s3 import S3Client

_LAKE, _OTHERS = "lake", "lakes"
# In a lake's folder, beside its bars.
_KEPT, _MEMORY, _SET_ASIDE = "kept", "memory.json", "set-aside"
_DAYS = "bars/dt=*"
_MERGED = "earlier.json.gz"
_SCANS = 3

type Item = dict[str, Any]


class KeptRunError(StockstreamError):
    """What the last run left cannot be read; the text says what to do."""


def choose_lake(state: Path, kind: PriceKind) -> Path:
    """The folder of the lake for one kind of prices; it is the last run's from now on.

    Args:
        state: the directory of the runs here. No other run may be in it.
        kind: of the prices that come into the lake.
    """
    lake, others = state / _LAKE, state / _OTHERS
    last = read_price_kind(lake)
    # In this order, whatever breaks it off leaves each lake in its place or in the other.
    if last is not kind and lake.exists():
        others.mkdir(exist_ok=True)
        lake.replace(others / last.name)
    write_price_kind(lake, kind)
    if not lake.exists() and (others / kind.name).exists():
        (others / kind.name).replace(lake)
    return lake


def measure_folder(folder: Path) -> FileTotals:
    """What the folder holds; nothing where there is none."""
    sizes = [file.stat().st_size for file in folder.rglob("*") if file.is_file()]
    return FileTotals(len(sizes), sum(sizes))


def empty_folder(folder: Path) -> Path:
    """Deletes a folder, in one step for its readers: they see all of it or nothing. Returns its path."""
    old = folder.with_name(f"{folder.name}.old")
    shutil.rmtree(old, ignore_errors=True)
    if folder.exists():
        folder.replace(old)
        shutil.rmtree(old, ignore_errors=True)
    return folder


def merge_days(folder: Path, today: str) -> None:
    """Merges the thousands of files of each day before today into one; each takes a millisecond to open.

    Whoever reads meanwhile may see a document twice, and misses none. A day with a broken file keeps its
    files, and the queries say what is wrong with them.

    Args:
        folder: the lake's.
        today: the day of arrival that still grows, such as 2026-11-20.
    """
    for day in folder.glob(_DAYS):
        files = sorted(day.glob("*.json.gz"))
        if day.name >= f"dt={today}" or len(files) < 2:  # noqa: PLR2004 (one file is merged)
            continue
        try:
            with replacing(day / _MERGED) as part, gzip.open(part, "wb") as merged:
                for file in files:
                    with gzip.open(file) as each:
                        shutil.copyfileobj(each, merged)
        except (EOFError, zlib.error, gzip.BadGzipFile):
            continue
        for file in files:
            if file.name != _MERGED:
                file.unlink()


class _Moment(NamedTuple):
    """What was remembered at one moment."""

    at: datetime
    items: list[Item]
    known: dict[str, list[Any]]


class KeptRun:
    """Brings back what the last run here left, and keeps what this one will leave, however it ends.

    The producer's memory says which bars it has sent. It is kept only when all of them are in the lake. With
    a memory that is too new, the bars that were on their way would be missing for ever; one that is too old
    costs a few bars that are sent again. The emulator delivers in the order of arrival: a document of an
    answer after the moment shows that all before it have come.

    Args:
        folder: the lake's.
        dynamodb: the client.
        table: the InstrumentTable's name.
        s3: the client.
        bucket: the lake's.
        clock: says what time it is, as an aware datetime.
    """

    def __init__(
        self,
        folder: Path,
        dynamodb: "DynamoDBClient",
        table: str,
        s3: "S3Client",
        bucket: str,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._folder = folder
        self._dynamodb = dynamodb
        self._table = table
        self._s3 = s3
        self._bucket = bucket
        self._clock = clock
        self._waiting: _Moment | None = None
        self._kept: list[Item] = []

    def restore(self, checker: Checker | None, shown: timedelta | None) -> bool:
        """Gives the stack, before its first run, what the last run left; whether the producer remembers.

        Args:
            checker: gets what the last run's had seen.
            shown: how far back the market shows bars: an older memory is of no use, since the market no
                longer shows what came after it. None for a market that shows all.

        Raises:
            KeptRunError: it cannot be read.
        """
        kept = self._folder / _KEPT / _SET_ASIDE
        for file in kept.rglob("*"):
            if file.is_file() and not is_part(file):
                key = file.relative_to(kept).as_posix()
                self._s3.put_object(Bucket=self._bucket, Key=key, Body=file.read_bytes())
        path = self._folder / _KEPT / _MEMORY
        if not path.exists():
            return False
        try:
            read = json.loads(path.read_text())
            age = self._clock() - parse_instant(read["at"])
            items = [_decode(item) for item in read["items"]]
            if shown is not None and age > shown:
                return False
            if checker:
                checker.restore(read["known"], self._clock())
        except (ValueError, KeyError, TypeError, RecordError) as error:
            raise KeptRunError(
                f"{path} is not what a run here left ({error!r}). "
                "Delete it, or begin anew with `stockstream up --fresh`."
            ) from None
        for item in items:
            self._dynamodb.put_item(TableName=self._table, Item=item)
        self._kept = items
        return True

    def follow(self, documents: Iterable[Document], checker: Checker | None) -> None:
        """Keeps what can be kept now.

        Args:
            documents: what has reached the lake since the last call.
            checker: knows what the market has shown.

        Raises:
            StrayKeyError: what was set aside cannot be copied here.
        """
        self._mirror_set_aside()
        waiting = self._waiting
        if waiting and any(parse_instant(each["as_of"]) > waiting.at for each in documents):
            self._write(waiting)
            self._waiting = waiting = None
        if waiting is None:
            now, known = self._clock(), checker.remember() if checker else {}
            items = self._scan()
            # A run that is under way may have sent bars that it does not remember yet.
            if items is not None and items != self._kept and not _is_held(items, now):
                self._waiting = _Moment(now, items, known)

    def _write(self, moment: _Moment) -> None:
        path = self._folder / _KEPT / _MEMORY
        path.parent.mkdir(parents=True, exist_ok=True)
        remembered = {
            "at": format_instant(moment.at),
            "items": list(map(_encode, moment.items)),
            "known": moment.known,
        }
        write_whole(path, json.dumps(remembered).encode())
        self._kept = moment.items

    def _scan(self) -> list[Item] | None:
        """All items as they were at one moment; None while they change."""
        before = None
        for _ in range(_SCANS):
            pages = list(self._dynamodb.get_paginator("scan").paginate(TableName=self._table))
            items = [item for page in pages for item in page["Items"]]
            if len(pages) == 1 or items == before:
                return items
            before = items
        return None

    def _mirror_set_aside(self) -> None:
        """Copies what Firehose has set aside, and forgets what `stockstream redrive` has sent again."""
        kept = self._folder / _KEPT / _SET_ASIDE
        here = {file.relative_to(kept).as_posix() for file in kept.rglob("*") if file.is_file()}
        there = {
            listed["Key"]
            for prefix in PREFIXES
            for page in self._s3.get_paginator("list_objects_v2").paginate(Bucket=self._bucket, Prefix=prefix)
            for listed in page.get("Contents", [])
        }
        for key in there - here:
            path = path_of(key, kept)
            path.parent.mkdir(parents=True, exist_ok=True)
            # The next run puts what is here back into the bucket.
            write_whole(path, self._s3.get_object(Bucket=self._bucket, Key=key)["Body"].read())
        for key in here - there:
            (kept / key).unlink()


def _is_held(items: Iterable[Item], now: datetime) -> bool:
    return any(int(item[HELD_UNTIL]["N"]) > now.timestamp() for item in items if HELD_UNTIL in item)


def _encode(item: Item) -> Item:
    """An item of DynamoDB as JSON holds it: bytes as base64."""
    return {
        name: {kind: base64.b64encode(value).decode() if kind == "B" else value}
        for name, typed in item.items()
        for kind, value in typed.items()
    }


def _decode(item: Item) -> Item:
    return {
        name: {kind: base64.b64decode(value, validate=True) if kind == "B" else value}
        for name, typed in item.items()
        for kind, value in typed.items()
    }
