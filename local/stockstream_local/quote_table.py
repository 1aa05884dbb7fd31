"""The table of `stockstream up`: one line for each instrument, with its newest bar."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from rich.table import Table

from stockstream.times import parse_instant, parse_time
from stockstream_operate.lake.delivered import Document
from stockstream_operate.screen import Screen

_DECIMALS = {"equity": 4, "fx": 5, "crypto": 2}
_NOTHING = "-"


@dataclass(frozen=True, slots=True)
class Quote:
    """One line: an instrument, its newest document, and how many were delivered.

    Attributes:
        instrument: its name.
        document: the newest bar's; None while there is none.
        delivered: how many bars this run has delivered.
        width: how long a bar lasts.
    """

    instrument: str
    document: Document | None
    delivered: int
    width: timedelta


class QuoteTable:
    """Shows quotes in a table that is kept in place; without a terminal, in lines."""

    def __init__(self, screen: Screen) -> None:
        self._screen = screen
        self._shown: dict[str, str] = {}

    @contextmanager
    def open(self) -> Iterator[Callable[[Iterable[Quote]], None]]:
        """Within: a function that shows each instrument's newest bar; without a terminal, only new bars."""
        with self._screen.live() as update:
            yield (lambda quotes: update(_table(quotes))) if update else self._say_new

    def _say_new(self, quotes: Iterable[Quote]) -> None:
        for quote in quotes:
            if quote.document and self._shown.get(quote.instrument) != quote.document["id"]:
                self._shown[quote.instrument] = quote.document["id"]
                self._screen.say("  ".join(f"{title} {cell}" for title, cell in _cells(quote).items()))


def _table(quotes: Iterable[Quote]) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold")
    for quote in quotes:
        cells = _cells(quote)
        if not table.columns:
            for title in cells:
                table.add_column(
                    title,
                    no_wrap=True,
                    justify="left" if title in {"instrument", "newest bar (UTC)"} else "right",
                )
        table.add_row(*cells.values())
    return table


def _cells(quote: Quote) -> dict[str, str]:
    document: dict[str, Any] = quote.document or {}
    decimals = _DECIMALS.get(document.get("asset_class", ""), 2)
    change = document.get("return_1")
    return {
        "instrument": quote.instrument,
        "newest bar (UTC)": _when(document),
        "close": _number(document.get("close"), decimals),
        "SMA 20": _number(document.get("sma_20"), decimals),
        "return": _NOTHING if change is None else f"{change:+.3%}",
        "new": f"{quote.delivered:,}",
        "lag": _lag(document, quote.width),
    }


def _number(value: float | None, decimals: int) -> str:
    return _NOTHING if value is None else f"{value:,.{decimals}f}"


def _when(document: Document) -> str:
    return f"{parse_time(document['open_time']):%Y-%m-%d %H:%M}" if document else "none yet"


def _lag(document: Document, width: timedelta) -> str:
    """From the end of the bar to its arrival in the stream; nothing for what is older than a day."""
    if not document:
        return _NOTHING
    # Firehose does not always say when a record arrived; it was known before.
    arrived: datetime = parse_instant(document["arrived_at"] or document["as_of"])
    lag = arrived - parse_time(document["open_time"]) - width
    return f"{lag.total_seconds():.0f} s" if lag < timedelta(days=1) else _NOTHING
