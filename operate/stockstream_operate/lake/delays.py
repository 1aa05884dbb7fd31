"""How long a bar takes from its end to the lake's file on this machine, and to its reader: stage by stage.

What was known when stands in each document and at its file: the bar's end, the provider's answer (`as_of`),
the stream (`arrived_at`), and the file's own time. Nobody but the provider knows when it began to show a bar,
so that its part and the wait for the next question are one stage.
"""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import NamedTuple

from stockstream.intervals import INTERVALS
from stockstream_operate.lake.parts import find_days, find_files, name_of, table_of
from stockstream_operate.lake.reading import lines_of
from stockstream_operate.lake.sql import JSON_TABLE

SINCE = timedelta(hours=1)
ANSWER, STREAM, LAKE, READER = "until the answer", "into the stream", "into the lake", "until it is read"
WHOLE = "in all"


class Arrival(NamedTuple):
    """A bar on its way to the lake; moments are seconds since 1970.

    Attributes:
        bar: its id.
        instrument: whose, and of which interval.
        ended: when the bar ended.
        as_of: when the provider gave the answer that it comes from.
        arrived: when the stream took it; None where the event did not say.
        written: when its file was.
    """

    bar: str
    instrument: tuple[str, str]
    ended: float
    as_of: float
    arrived: float | None
    written: float


@dataclass(frozen=True, slots=True)
class Delay:
    """How long bars take for one stage, or for all of them, in seconds.

    Attributes:
        stage: from the stage before until then; of WHOLE, from the bar's end.
        p50: half of them take so long at the most.
        p99: 99 of 100.
        bars: how many were measured.
    """

    stage: str
    p50: float
    p99: float
    bars: int


def read_arrivals(file: Path, since: float) -> Iterator[Arrival]:
    """The bars of a file of JSON lines that was written since a moment; none of one that has gone.

    Args:
        file: as Firehose wrote it; its lines that are no documents are passed over.
        since: seconds since 1970.
    """
    try:
        written = file.stat().st_mtime
        if written < since or table_of(file) != JSON_TABLE:
            return
        lines = lines_of(file)
    except FileNotFoundError:
        return
    for line in lines:
        try:
            each = json.loads(line)
            opened = datetime.fromisoformat(each["open_time"])
            arrived = each.get("arrived_at")
            yield Arrival(
                each["id"],
                (each["instrument"], each["interval"]),
                (opened + INTERVALS[each["interval"]]).timestamp(),
                datetime.fromisoformat(each["as_of"]).timestamp(),
                datetime.fromisoformat(arrived).timestamp() if arrived else None,
                written,
            )
        except (ValueError, KeyError, TypeError, AttributeError):
            continue


def read_recent(lake: Path, now: datetime) -> list[Arrival]:
    """The bars of a lake on this machine whose files were written within the last hour."""
    since = now - SINCE
    return [
        arrival
        for day in find_days(lake)
        if name_of(day) >= f"{since.astimezone(UTC):%Y-%m-%d}"
        for file in find_files(day)
        for arrival in read_arrivals(file, since.timestamp())
    ]


def measure_delays(
    arrivals: Iterable[Arrival], now: datetime, read: Mapping[str, float] | None = None
) -> list[Delay]:
    """The delays of the bars that ended within the last hour, in the order of their way; the last is WHOLE.

    Of a bar its first numbers count. An instrument's first answer of the hour is left out: it may have
    brought what was before a run began.

    Args:
        arrivals: what was delivered.
        now: the time, UTC.
        read: when each bar could be read, by its id, where that is later than its file; None where it is not.
    """
    bars: dict[str, Arrival] = {}
    first_answers: dict[tuple[str, str], float] = {}
    for each in arrivals:
        known = first_answers.setdefault(each.instrument, each.as_of)
        first_answers[each.instrument] = min(known, each.as_of)
        if each.bar not in bars or (each.as_of, each.written) < (
            bars[each.bar].as_of,
            bars[each.bar].written,
        ):
            bars[each.bar] = each
    since = (now - SINCE).timestamp()
    chosen = [
        each for each in bars.values() if each.ended >= since and each.as_of > first_answers[each.instrument]
    ]
    stages = {
        ANSWER: [each.as_of - each.ended for each in chosen],
        STREAM: [each.arrived - each.as_of for each in chosen if each.arrived is not None],
        LAKE: [each.written - each.arrived for each in chosen if each.arrived is not None],
    }
    ends = [each.written - each.ended for each in chosen]
    if read is not None:
        seen = [(each, read[each.bar]) for each in chosen if each.bar in read]
        stages[READER] = [at - each.written for each, at in seen]
        ends = [at - each.ended for each, at in seen]
    return [_summarize(stage, sorted(taken)) for stage, taken in {**stages, WHOLE: ends}.items() if taken]


def _summarize(stage: str, ordered: Sequence[float]) -> Delay:
    return Delay(stage, percentile(ordered, 50), percentile(ordered, 99), len(ordered))


def percentile(ordered: Sequence[float], percent: int) -> float:
    """The least of some numbers that so many per cent of them do not exceed."""
    return ordered[max(0, -(-len(ordered) * percent // 100) - 1)]
