"""Whatever is delivered, how often and in which order: readers see each bar once, and as it was known."""

from datetime import datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from delivered_files import document, write_file, write_parquet
from examples import examples
from hypothesis import given, settings
from hypothesis import strategies as st

from stockstream_operate.lake.engine import LakeEngine

NINE = datetime(2026, 11, 20, 23, 58)  # noqa: DTZ001 (UTC, as SQL has it)
MINUTE = timedelta(minutes=1)
DAYS = ("2026-11-20", "2026-11-21")

# Which bar, with which of its answers; in which file of which day and format.
deliveries = st.lists(
    st.tuples(st.integers(0, 3), st.integers(0, 3), st.integers(0, 1), st.sampled_from(DAYS), st.booleans()),
    min_size=1,
    max_size=30,
)


def opens(bar: int) -> datetime:
    return NINE + bar * MINUTE


def said(bar: int, answer: int) -> datetime:
    return opens(bar) + MINUTE + answer * 7 * MINUTE


def price(bar: int, answer: int) -> float:
    return 100.0 + 10 * bar + answer


def as_document(bar: int, answer: int) -> dict[str, Any]:
    as_of = said(bar, answer).isoformat(timespec="milliseconds") + "Z"
    return document(opens(bar).isoformat() + "Z", price(bar, answer), as_of=as_of)


@settings(max_examples=examples(60))
@given(deliveries)
def test_each_bar_is_there_once_and_as_it_was_known_at_each_moment(
    delivered: list[tuple[int, int, int, str, bool]],
) -> None:
    files: dict[tuple[int, str, bool], list[dict[str, Any]]] = {}
    answers: dict[int, set[int]] = {}
    for bar, answer, file, day, is_parquet in delivered:
        files.setdefault((file, day, is_parquet), []).append(as_document(bar, answer))
        answers.setdefault(bar, set()).add(answer)

    with TemporaryDirectory() as folder:
        for (file, day, is_parquet), documents in files.items():
            write = write_parquet if is_parquet else write_file
            write(Path(folder), day, str(file), documents)
        with LakeEngine(Path(folder)) as lake:
            latest = lake.query("SELECT open_time, close FROM bars_latest ORDER BY open_time").rows
            history = lake.query("SELECT open_time, close, known_from, known_until FROM bars_history").rows

    assert latest == [(opens(bar), price(bar, max(known))) for bar, known in sorted(answers.items())]
    assert len(history) == sum(map(len, answers.values()))
    for moment in {said(bar, answer) for bar in range(4) for answer in range(4)}:
        expected = {
            opens(bar): price(bar, max(seen))
            for bar, known in answers.items()
            if (seen := [answer for answer in known if said(bar, answer) <= moment])
        }
        found = [
            (open_time, close)
            for open_time, close, start, end in history
            if start <= moment and (end is None or end > moment)
        ]
        assert sorted(expected.items()) == sorted(found)
