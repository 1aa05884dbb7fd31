"""Splits of shares: those that a person has confirmed, and how the InstrumentTable keeps them."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from typing import Any
from zoneinfo import ZoneInfo

from stockstream.errors import RecordError, StockstreamError
from stockstream.exchanges import exchange_of
from stockstream.instruments import Instrument
from stockstream.times import format_time, parse_time

# The key of the item that holds all splits, each in an attribute: `IBM|2026-11-30T05:00:00Z` is `10:1`. So
# one request reads them all, and writing one leaves the others alone.
SPLITS_KEY = "splits"
# How a person says that a suspected split is none. It is kept as 1:1, which restates nothing.
NO_SPLIT = "none"

_RATIO = re.compile(r"([1-9]\d{0,4}):([1-9]\d{0,4})", re.ASCII)


class SplitError(StockstreamError):
    """A split is not written as it must be; the text says how."""


@dataclass(frozen=True, slots=True, order=True)
class Split:
    """New shares for old ones.

    Attributes:
        at: the moment from which on prices are those of new shares, UTC, `YYYY-MM-DDTHH:MM:SSZ`.
        new: how many new shares a holder has ...
        old: ... for how many old ones. `new` and `old` are the same where a person says that there was none.
    """

    at: str
    new: int
    old: int

    @property
    def changes_shares(self) -> bool:
        """Whether it is a split, and not a person's word that there was none."""
        return self.new != self.old

    def __str__(self) -> str:
        """`10:1` is ten new shares for an old one, `1:8` one for eight."""
        return f"{self.new}:{self.old}"


# The confirmed splits of instruments by name, the oldest first.
type SplitsByName = Mapping[str, Sequence[Split]]
NO_SPLITS: SplitsByName = {}


def parse_split(at: str, ratio: str) -> Split:
    """The split of a ratio, `10:1` or `none`, at a moment.

    Raises:
        SplitError: the text is no ratio.
    """
    if ratio == NO_SPLIT:
        return Split(at, 1, 1)
    if match := _RATIO.fullmatch(ratio):
        return Split(at, int(match[1]), int(match[2]))
    raise SplitError(
        f"{ratio[:20]!r} is no split: write 10:1 for ten new shares in place of an old one, 1:8 for one in "
        f"place of eight, or {NO_SPLIT}"
    )


def clock_of(instrument: Instrument) -> ZoneInfo:
    """The time zone in which an instrument's days are counted: its exchange's, else UTC."""
    exchange = exchange_of(instrument.base) if instrument.asset_class == "equity" else None
    return ZoneInfo(exchange.time_zone if exchange else "UTC")


def first_moment(instrument: Instrument, day: date) -> str:
    """When a day begins where an instrument is traded; a split is before that day's trading."""
    return format_time(datetime.combine(day, time(), clock_of(instrument)).astimezone(UTC))


def split_attribute(instrument: str, at: str) -> str:
    """The name of the attribute that holds a split."""
    return f"{instrument}|{at}"


def read_splits(item: Mapping[str, Any] | None) -> dict[str, tuple[Split, ...]]:
    """The splits of each instrument by its name, the oldest first.

    Args:
        item: DynamoDB's; None where there is none.

    Raises:
        SplitError: an attribute is no split.
    """
    splits: dict[str, list[Split]] = {}
    for name, value in (item or {}).items():
        if name == "key":
            continue
        instrument, _, at = name.rpartition("|")
        try:
            parse_time(at)
            splits.setdefault(instrument, []).append(parse_split(at, value.get("S", "")))
        except (RecordError, SplitError) as error:
            raise SplitError(
                f"the item {SPLITS_KEY} of the InstrumentTable holds {name[:60]!r}, which is no split: "
                f"{error}. Take the attribute out"
            ) from None
    return {name: tuple(sorted(each)) for name, each in splits.items()}


def effective(splits: Iterable[Split]) -> tuple[Split, ...]:
    """Those that changed shares."""
    return tuple(split for split in splits if split.changes_shares)
