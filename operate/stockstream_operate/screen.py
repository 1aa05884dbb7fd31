"""What a person sees of a command: steps, sentences, tables, progress."""

import textwrap
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from time import monotonic

from rich.console import Console, ConsoleOptions
from rich.live import Live
from rich.markup import escape
from rich.measure import Measurement
from rich.progress import Progress
from rich.segment import Segment
from rich.table import Table

from stockstream.reading import make_visible


class Screen:
    """Prints to a terminal, or as plain lines to a file or a pipe."""

    def __init__(self, console: Console) -> None:
        self._console = console

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
        with self._console.status(f"{escape(make_visible(doing))} ..."):
            yield
        self._console.print(
            f"[green]✓[/] {escape(make_visible(done))} [dim]{monotonic() - started:.1f} s[/]", highlight=False
        )

    def say(self, text: str, style: str = "") -> None:
        """Prints a paragraph; on a terminal its lines end between words, and no word is broken."""
        text = "\n".join(map(make_visible, text.split("\n")))
        if self._console.is_terminal:
            text = "\n".join(_wrap(line, self._console.width) for line in text.split("\n"))
        self._console.print(escape(text), style=style, highlight=False, soft_wrap=True)

    def write(self, text: str) -> None:
        """Prints lines at once, however many, and to a pipe as they are: for programs, and for very much."""
        if self._console.is_terminal:
            text = "\n".join("\t".join(map(make_visible, line.split("\t"))) for line in text.split("\n"))
        else:
            # Half a surrogate pair, which JSON may hold, would end the command.
            text = text.encode("utf-8", "backslashreplace").decode()
        try:
            self._console.file.write(f"{text}\n")
            self._console.file.flush()
        except BrokenPipeError:  # the reader, such as head, has closed the pipe
            self._console.on_broken_pipe()

    def present(self, table: Table) -> None:
        """Prints a table."""
        self._console.print(_Visible(table), highlight=False)

    def fits(self, table: Table) -> bool:
        """Whether a table can be printed without leaving anything out."""
        # Measured where there is room: what does not fit is measured as what is left of it.
        roomy = self._console.options.update(width=10_000)
        return Measurement.get(self._console, roomy, table).maximum <= self._console.width

    @contextmanager
    def progress(self, doing: str, total: float) -> Iterator[Callable[[float], None]]:
        """Shows how far something has come, on a terminal; each call adds a share of the total."""
        if not self._console.is_terminal:
            yield lambda _share: None
            return
        with Progress(console=self._console, transient=True) as bar:
            task = bar.add_task(escape(make_visible(doing)), total=total)
            yield lambda share: bar.advance(task, share)

    @contextmanager
    def live(self) -> Iterator[Callable[[Table], None] | None]:
        """Within: a function that shows a table in the place of the last one; None without a terminal."""
        if not self._console.is_terminal:
            yield None
            return
        with Live(console=self._console, auto_refresh=False) as live:
            yield lambda table: live.update(_Visible(table), refresh=True)


class _Visible:
    """A table, in which texts from outside move no cursor."""

    def __init__(self, table: Table) -> None:
        self._table = table

    def __rich_measure__(self, console: Console, options: ConsoleOptions) -> Measurement:
        return Measurement.get(console, options, self._table)

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> Iterator[Segment]:
        for segment in console.render(self._table, options):
            if segment.text == "\n" or segment.control:
                yield segment
            else:
                yield Segment(make_visible(segment.text), segment.style)


def _wrap(line: str, width: int) -> str:
    """A line as several, each within the width but for a word that is longer: an address stays whole."""
    indent = line[: len(line) - len(line.lstrip())]
    return textwrap.fill(
        line,
        width,
        subsequent_indent=indent,
        break_long_words=False,
        break_on_hyphens=False,
        replace_whitespace=False,
    )
