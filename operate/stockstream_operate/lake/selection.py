"""Bars chosen by instrument, time and what was known; and which instrument a person meant."""
# ruff: noqa: S608  # what SQL takes from outside is checked, and quoted or formatted here

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from difflib import get_close_matches

from stockstream.errors import StockstreamError
from stockstream.intervals import INTERVALS
from stockstream_operate.lake.literals import quoted, timestamp
from stockstream_operate.lake.sql import ADJUSTED
from stockstream_operate.moments import MomentError

KNOWN = "SELECT DISTINCT instrument, interval FROM bars_latest ORDER BY instrument, interval"


class NoSuchBarsError(StockstreamError):
    """The lake holds nothing of what was asked for; the text says what it holds."""


@dataclass(frozen=True, slots=True)
class Selection:
    """Which bars.

    Attributes:
        instruments: of these alone; all, if empty.
        interval: a key of INTERVALS; None for each that there is.
        start: the first moment at which a bar may begin, UTC; None where there is no bound.
        end: the first moment at which it may not, UTC.
        as_of: with the numbers that were known then, UTC; None for the newest.
        adjusted: with prices and volumes in the shares of today, and not as they were traded.

    Raises:
        MomentError: the end is not after the start, or shares of today are asked for in the numbers of then.
        NoSuchBarsError: there is no such interval.
    """

    instruments: tuple[str, ...] = ()
    interval: str | None = None
    start: datetime | None = None
    end: datetime | None = None
    as_of: datetime | None = None
    adjusted: bool = False

    def __post_init__(self) -> None:
        """Refuses what no bar can fulfil."""
        if self.start and self.end and self.start >= self.end:
            raise MomentError(
                f"No bar begins from {self.start:%Y-%m-%d %H:%M:%S} to before {self.end:%Y-%m-%d %H:%M:%S}: "
                "the end must be after the start, and is itself left out"
            )
        if self.adjusted and self.as_of:
            raise MomentError(
                "Splits that came later were not known at that moment: ask for prices as they were traded, "
                "or leave the moment out"
            )
        if self.interval is not None and self.interval not in INTERVALS:
            raise NoSuchBarsError(f"{self.interval!r} is no interval: take one of {', '.join(INTERVALS)}")

    def ask(self, columns: Sequence[str]) -> str:
        """The SELECT of these columns, in Athena's dialect; by instrument and interval, oldest bar first."""
        conditions = []
        if self.instruments:
            conditions.append(f"instrument IN ({', '.join(map(quoted, self.instruments))})")
        if self.interval:
            conditions.append(f"interval = {quoted(self.interval)}")
        if self.start:
            conditions.append(f"open_time >= {timestamp(self.start)}")
        if self.end:
            conditions.append(f"open_time < {timestamp(self.end)}")
        if self.as_of:
            moment = timestamp(self.as_of)
            conditions.append(f"known_from <= {moment}")
            conditions.append(f"(known_until > {moment} OR known_until IS NULL)")
        source = "bars_history" if self.as_of else ADJUSTED if self.adjusted else "bars_latest"
        where = f" WHERE {' AND '.join(conditions)}" if conditions else ""
        return f"SELECT {', '.join(columns)} FROM {source}{where} ORDER BY instrument, interval, open_time"


def find_instrument(asked: str, known: Collection[str]) -> str:
    """The instrument of the lake that was meant: `ibm`, `BTC-USD` and `EURUSD` name one each.

    Args:
        asked: as a person writes it.
        known: the instruments that the lake holds.

    Raises:
        NoSuchBarsError: none of them was, or several may have been.
    """
    if asked in known:
        return asked
    meant = [name for name in known if _letters(name) == _letters(asked)]
    if len(meant) == 1:
        return meant[0]
    if not known:
        raise NoSuchBarsError(
            "The lake holds no bars yet: while a market is open, the first come within minutes"
        )
    names = {_letters(name): name for name in known}
    near = meant or [names[each] for each in get_close_matches(_letters(asked), names)]
    raise NoSuchBarsError(
        f"The lake holds no bars of {asked[:40]!r}. "
        + (f"Did you mean {' or '.join(sorted(near))}? " if near else "")
        + f"It holds {', '.join(sorted(known))}."
    )


def _letters(name: str) -> str:
    """A name without what people leave out or write otherwise: BTC-USD, btcusd, crypto:BTC/USD."""
    return re.sub(r"[^A-Z0-9]", "", name.upper().rpartition(":")[2])
