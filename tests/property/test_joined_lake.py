"""Whatever is delivered, changed and joined, wherever the joining breaks off: the answers are the files'."""

import os
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple
from unittest.mock import patch

from delivered_files import document, write_file, write_parquet
from examples import examples
from hypothesis import given, settings
from hypothesis import strategies as st

from stockstream.windows import Windows
from stockstream_operate.lake.engine import LakeEngine
from stockstream_operate.lake.joining import open_joined
from stockstream_operate.lake.sql import make_lake_sql

NOW = time.time_ns()
LAKE_SQL = make_lake_sql(Windows())
OPENS = (
    "2026-10-31T23:59:00Z",
    "2026-11-01T00:00:00Z",
    "2026-11-19T23:59:00Z",
    "2026-11-20T00:00:00Z",
    "2026-11-20T14:30:00Z",
)
DAYS = ("2026-10-31", "2026-11-01", "2026-11-19", "2026-11-20", "2026-11-21")
# The clock can go on by a day or a month, and back.
TODAYS = ("2026-11-20", "2026-11-21", "2026-11-22", "2026-12-01", "2026-10-31")


class Delivery(NamedTuple):
    """One file: bars, each with one of its answers; in which folder, and how broken."""

    bars: list[tuple[int, int]]
    day: str
    name: int
    is_parquet: bool
    is_cut: bool


deliveries = st.builds(
    Delivery,
    st.lists(st.tuples(st.integers(0, len(OPENS) - 1), st.integers(0, 2)), min_size=1, max_size=4),
    st.sampled_from(DAYS),
    st.integers(0, 2),
    st.booleans(),
    st.sampled_from([False, False, False, True]),
)
# Files that come or are written over, a file that goes, the day, and after how many manifests joining ends.
steps = st.lists(
    st.tuples(
        st.lists(deliveries, max_size=4),
        st.booleans(),
        st.sampled_from(TODAYS),
        st.sampled_from([None, None, 0, 1, 2]),
    ),
    min_size=1,
    max_size=4,
)


def as_document(bar: int, answer: int) -> dict[str, Any]:
    as_of = OPENS[bar].replace("Z", f".{answer}00Z")
    # The same numbers, however often they come.
    return document(OPENS[bar], 100.0 + 10 * bar + answer, as_of=as_of)


def deliver(lake: Path, delivery: Delivery) -> None:
    write = write_parquet if delivery.is_parquet else write_file
    path = write(
        lake, delivery.day, str(delivery.name), [as_document(bar, answer) for bar, answer in delivery.bars]
    )
    if delivery.is_cut:
        path.write_bytes(path.read_bytes()[:-9])


def settle(lake: Path) -> None:
    """As if the last change of each folder and file were years ago, each at its own moment."""
    for path in [*lake.glob("bars*/dt=*"), *lake.glob("bars*/dt=*/*")]:
        changed = path.stat().st_mtime_ns
        if changed > NOW // 2:
            os.utime(path, ns=(changed, changed - NOW // 2))


@contextmanager
def broken_off(after: int | None) -> Iterator[None]:
    """Within, the process ends when it is to put so many manifests in place."""
    if after is None:
        yield
        return
    left, replace = [after], Path.replace

    def break_off(part: Path, path: Path) -> Path:
        left[0] -= 1
        if left[0] < 0:
            raise KeyboardInterrupt
        return replace(part, path)

    with patch.object(Path, "replace", break_off), suppress(KeyboardInterrupt):
        yield


def answers(engine: LakeEngine) -> list[Sequence[Any]]:
    found = []
    for view, columns in (
        ("bars_latest", "id, close, as_of, trading_day"),
        ("bars_history", "id, close, known_from, known_until"),
        ("bars_delivered", "id, close, as_of, dt"),
    ):
        found.append(sorted(engine.query(f"SELECT {columns} FROM {view}").rows, key=repr))  # noqa: S608 (ours)
    return [*found, sorted(engine.troubles)]


@settings(max_examples=examples(12), deadline=None)
@given(steps)
def test_what_is_joined_answers_as_the_files_do(
    steps: list[tuple[list[Delivery], bool, str, int | None]],
) -> None:
    with TemporaryDirectory() as name:
        lake = Path(name) / "lake"
        lake.mkdir()
        for number, (came, goes, today, ends) in enumerate(steps):
            for delivery in came:
                deliver(lake, delivery)
            files = sorted(lake.glob("bars*/dt=*/*"))
            if goes and files:
                files[0].unlink()
            if number % 2 == 0:
                settle(lake)
            with broken_off(ends), open_joined(lake, LAKE_SQL, today):
                pass
            with LakeEngine(lake, LAKE_SQL) as bare:
                expected = answers(bare)
            with (
                open_joined(lake, LAKE_SQL, today) as joined,
                LakeEngine(lake, LAKE_SQL, joined=joined) as engine,
            ):
                assert answers(engine) == expected
