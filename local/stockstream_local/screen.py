"""What a person sees: the steps of the start, then one line for each instrument."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from time import monotonic
from typing import Any

from rich.console import Console
from rich.live import Live
from rich.markup import escape
from rich.measure import Measurement
from rich.progress import Progress
from rich.table import Table

from stockstream.times import parse_instant, parse_time
from stockstream_local.lake.delivered import Document

_DECIMALS = {"equity": 4, "fx": 5, "crypto": 2}
_NOTHING = "-"


@dataclass(frozen=True, slots=True)
class Quote:
    """One line: an instrument, its newest document, and how many were delivered.

    Attributes:
        instrument: its name.
        document: the newest bar's; None while there is none.
        delivered: how many bars are in the lake.
        width: how long a bar lasts.
    """

    instrument: str
    document: Document | None
    delivered: int
    width: timedelta


class Screen:
    """Prints to a terminal, or as plain lines to a file or a pipe."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._live: Live | None = None
        self._shown: dict[str, str] = {}

    @property
    def width(self) -> int | None:
        """How many characters a line of the terminal has; None where it is a file or a pipe."""
        return self._console.width if self._console.is_terminal else None

    @contextmanager
    def step(self, doing: str, done: str) -> Iterator[None]:
        """Shows that something is being done, and then that it is done and how long it took."""
        started = monotonic()
        # Without a terminal nothing moves, so that a log says what was begun, too.
        if not self._console.is_terminal:
            self.say(f"{doing} ...")
        with self._console.status(f"{escape(doing)} ..."):
            yield
        self._console.print(
            f"[green]✓[/] {escape(done)} [dim]{monotonic() - started:.1f} s[/]", highlight=False
        )

    def say(self, text: str, style: str = "") -> None:
        """Prints a paragraph."""
        self._console.print(escape(text), style=style, highlight=False, soft_wrap=True)

    def write(self, text: str) -> None:
        """Prints lines as they are, and at once, however many: for programs, and for very much."""
        try:
            self._console.file.write(f"{text}\n")
            self._console.file.flush()
        except BrokenPipeError:  # whoever reads has seen enough
            self._console.on_broken_pipe()

    def present(self, table: Table) -> None:
        """Prints a table."""
        self._console.print(table, highlight=False)

    def fits(self, table: Table) -> bool:
        """Whether a table can be printed without leaving anything out."""
        # Measured where there is room: what does not fit is measured as what is left of it.
        roomy = self._console.options.update(width=10_000)
        return Measurement.get(self._console, roomy, table).maximum <= self._console.width

    @contextmanager
    def progress(self, doing: str, total: float) -> Iterator[Callable[[float], None]]:
        """Shows how far something has come, on a terminal; each step tells its share of the total."""
        if not self._console.is_terminal:
            yield lambda _share: None
            return
        with Progress(console=self._console, transient=True) as bar:
            task = bar.add_task(escape(doing), total=total)
            yield lambda share: bar.advance(task, share)

    @contextmanager
    def table(self) -> Iterator[None]:
        """Within, show keeps its table in place."""
        if not self._console.is_terminal:
            yield
            return
        with Live(console=self._console, auto_refresh=False) as live:
            self._live = live
            yield
        self._live = None

    def show(self, quotes: Iterable[Quote]) -> None:
        """Shows the newest bar of each instrument; without a terminal only where it is a new one."""
        if self._live:
            self._live.update(_table(quotes), refresh=True)
            return
        for quote in quotes:
            if quote.document and self._shown.get(quote.instrument) != quote.document["id"]:
                self._shown[quote.instrument] = quote.document["id"]
                self.say("  ".join(f"{title} {cell}" for title, cell in _cells(quote).items()))


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
        "bars": f"{quote.delivered:,}",
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
    arrived: datetime = parse_instant(document["arrived_at"])
    lag = arrived - parse_time(document["open_time"]) - width
    return f"{lag.total_seconds():.0f} s" if lag < timedelta(days=1) else _NOTHING
