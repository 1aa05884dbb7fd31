"""The lake's answers as the browser takes them: a list for each column, oldest first."""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from itertools import pairwise
from typing import Any

from stockstream.instruments import parse_instrument
from stockstream.intervals import INTERVALS
from stockstream.splits import clock_of
from stockstream.times import parse_time
from stockstream_operate.lake.result import Result
from stockstream_operate.page.questions import DAY_SECONDS

# What is drawn and read out has no use for more; a sum of floats would show its last bits.
_DIGITS = 10
_WORDS = {60: "1 minute", 3_600: "1 hour", DAY_SECONDS: "1 day"}

type Json = dict[str, Any]


def shape_bars(result: Result, interval: str, returns: Sequence[str]) -> Json:
    """The bars of `ask_bars`.

    Args:
        result: the answer.
        interval: of the bars in the lake.
        returns: the fields that compare a bar with the one before. Where longer bars are shown they are
            worked out anew, since the last minute's return is not the hour's.
    """
    rows = result.rows[::-1]
    columns: Json = {name: [_plain(row[place]) for row in rows] for place, name in enumerate(result.columns)}
    lengths = columns.pop("seconds")
    shortest = int(INTERVALS[interval].total_seconds())
    seconds = int(lengths[0]) if lengths else shortest
    if seconds != shortest and rows:
        closes = columns["close"]
        for name in returns:
            columns[name] = [None, *(_plain(after / before - 1) for before, after in pairwise(closes))]
    columns["start"] = [int(start) for start in columns["start"]]
    return {"seconds": seconds, "length": say_length(seconds), "is_longer": seconds != shortest, **columns}


def shape_overview(results: Iterable[Result]) -> list[Json]:
    """The instruments of `ask_overview`, put together of some spans of days; moments are since 1970."""
    found: dict[tuple[str, str], Json] = {}
    for result in results:
        for row in result.rows:
            each = dict(zip(result.columns, row, strict=True))
            opened, day = seconds_of(each["newest"]), str(each["trading_day"])
            its = found.setdefault(
                (each["instrument"], each["interval"]),
                {
                    "instrument": each["instrument"],
                    "interval": each["interval"],
                    "delivered": 0,
                    "newest": opened,
                    "trading_day": day,
                },
            )
            its["delivered"] += int(each["delivered"])
            its["newest"], its["trading_day"] = max((its["newest"], its["trading_day"]), (opened, day))
            its["ends"] = its["newest"] + INTERVALS[each["interval"]].total_seconds()
    return [found[key] for key in sorted(found)]


def shape_splits(result: Result) -> dict[str, list[Json]]:
    """The splits of `ask_splits`, by instrument and oldest first: `day` at the exchange, and `ratio`."""
    found: dict[str, list[Json]] = {}
    for name, until, new, old in result.rows:
        day = parse_time(until).astimezone(clock_of(parse_instrument(name))).date()
        found.setdefault(name, []).append({"day": day.isoformat(), "ratio": f"{new}:{old}"})
    return found


def say_length(seconds: int) -> str:
    """How long a bar lasts, in words."""
    if words := _WORDS.get(seconds):
        return words
    return f"{seconds // 3_600} hours" if seconds % 3_600 == 0 else f"{seconds // 60} minutes"


def seconds_of(moment: datetime) -> float:
    """A moment of the views, which is UTC without a zone, in seconds since 1970."""
    return moment.replace(tzinfo=UTC).timestamp()


def _plain(value: Any) -> Any:  # noqa: ANN401 (a column may hold anything)
    return float(f"{value:.{_DIGITS}g}") if isinstance(value, float) else value
