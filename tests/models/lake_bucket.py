"""A bucket with a lake, of which a process may end after any of its writes."""

from datetime import date
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import boto3
from delivered_files import document, write_file, write_parquet

from stockstream.windows import Windows
from stockstream_operate.lake.compaction import Compaction
from stockstream_operate.lake.engine import LakeEngine
from stockstream_operate.lake.sql import make_lake_sql

BUCKET, DAY, TODAY = "the-lake", "2026-11-20", date(2026, 11, 21)
LAKE_SQL = make_lake_sql(Windows())


def bar(minute: int, close: float = 100.0, instrument: str = "IBM", **fields: Any) -> dict[str, Any]:
    return document(f"{DAY}T14:{minute:02}:00Z", close, instrument=instrument, **fields)


class Bucket:
    """A bucket with a lake.

    Attributes:
        writes: the keys that were put, and how many were deleted at each time.
        lasts: how many of these may be done before the process ends; None for all.
    """

    def __init__(self) -> None:
        self._s3 = boto3.client("s3")
        self._s3.create_bucket(Bucket=BUCKET)
        self.writes: list[Any] = []
        self.lasts: int | None = None
        self._known: dict[str, bytes] = {}

    def __getattr__(self, name: str) -> Any:
        return getattr(self._s3, name)

    def put_object(self, **asked: Any) -> Any:
        self._write(asked["Key"])
        return self._s3.put_object(**asked)

    def delete_objects(self, **asked: Any) -> Any:
        keys = asked["Delete"]["Objects"]
        self._write(len(keys))
        # The process may end when some of them are gone.
        asked["Delete"] = {"Objects": keys[: len(keys) // 2]}
        if asked["Delete"]["Objects"]:
            self._s3.delete_objects(**asked)
        self._write(len(keys) - len(keys) // 2)
        asked["Delete"] = {"Objects": keys[len(keys) // 2 :]}
        return self._s3.delete_objects(**asked)

    def _write(self, what: Any) -> None:
        if self.lasts is not None and len(self.writes) >= self.lasts:
            raise KeyboardInterrupt
        self.writes.append(what)

    def deliver(self, name: str, *documents: dict[str, Any], day: str = DAY, parquet: bool = False) -> str:
        with TemporaryDirectory() as folder:
            lake = Path(folder)
            path = (write_parquet if parquet else write_file)(lake, day, name, list(documents))
            key = path.relative_to(lake).as_posix()
            self._s3.put_object(Bucket=BUCKET, Key=key, Body=path.read_bytes())
        return key

    def listed(self) -> list[str]:
        return [key for key, _ in self._list()]

    def contents(self) -> dict[str, bytes]:
        listed = self._list()
        for key, tag in listed:
            # What bears the same tag holds the same.
            if tag not in self._known:
                self._known[tag] = self._s3.get_object(Bucket=BUCKET, Key=key)["Body"].read()
        return {key: self._known[tag] for key, tag in listed}

    def _list(self) -> list[tuple[str, str]]:
        listed = self._s3.list_objects_v2(Bucket=BUCKET).get("Contents", [])
        return [(each["Key"], each["ETag"]) for each in listed]

    def put_back(self, contents: dict[str, bytes]) -> None:
        for key in set(self.listed()) - set(contents):
            self._s3.delete_object(Bucket=BUCKET, Key=key)
        now = self.contents()
        for key, body in contents.items():
            if now.get(key) != body:
                self._s3.put_object(Bucket=BUCKET, Key=key, Body=body)

    def copy_to(self, folder: Path, day: str = "") -> None:
        """Copies the files of a day of arrival, or all."""
        for key, body in self.contents().items():
            if f"/dt={day}" in key and not key.endswith("/"):
                path = folder / key
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(body)

    def ask(self, sql: str) -> list[tuple[Any, ...]]:
        """What the views answer over the files as they are now."""
        with TemporaryDirectory() as folder:
            self.copy_to(Path(folder))
            with LakeEngine(Path(folder), LAKE_SQL) as engine:
                assert engine.troubles == {}
                return sorted(engine.query(sql).rows, key=repr)

    def compact(self, *, deletes_raw: bool = False) -> list[Any]:
        compaction = Compaction(self, BUCKET, LAKE_SQL, deletes_raw=deletes_raw)  # type: ignore[arg-type]
        return [compaction.compact(day) for day in compaction.find_days(None, TODAY)]


HISTORY = "SELECT id, close, volume, as_of, known_from, known_until, sma_5, trading_day FROM bars_history"
LATEST = "SELECT * FROM bars_latest"


def make_bucket() -> Bucket:
    """A day of repetitions and revisions in both formats, and today."""
    bucket = Bucket()
    bucket.deliver("a", bar(2), bar(1), bar(1))
    bucket.deliver("b", bar(2), bar(2, 102.5, as_of=f"{DAY}T15:00:00.000Z"), bar(1, 7.0, "AAPL", volume=None))
    bucket.deliver("c", bar(3, 103.0), bar(2), parquet=True)
    bucket.deliver("today", bar(4), day=str(TODAY))
    return bucket
