"""Rows as bars: read, checked by the pipeline's own rules, each once. Pure."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple
from zoneinfo import ZoneInfo

from stockstream.bars import Bar
from stockstream.errors import InstrumentError, Reason, RecordError
from stockstream.instruments import Instrument
from stockstream.intervals import INTERVALS
from stockstream.lookbacks import Lookbacks
from stockstream.reading import parse_number, shorten
from stockstream.records import encode_record
from stockstream.times import format_instant, format_time
from stockstream.validation import check_prices, check_volume
from stockstream.windows import Windows
from stockstream_operate.history import SOURCE
from stockstream_operate.history.layouts import Layout, find_layout
from stockstream_operate.history.stamps import market_zone, parse_ticker, read_stamp, to_utc
from stockstream_operate.history.tables import LEAN_SCALE, HistoryError, Row, Table

_PRICES = ("open", "high", "low", "close")
# How programs write that nothing is known.
_NOTHING = frozenset({"", "nan", "null", "none", "n/a", "-"})


@dataclass(frozen=True, slots=True)
class Choices:
    """What a person says about files that they do not say themselves.

    Attributes:
        instrument: whose bars these are.
        interval: how long the bars last, where no column says it: a key of INTERVALS.
        zone: of times that name none; the market's, if it is not given.
        form: of the times, as strptime has it.
        columns: their names by what they mean: a key of layouts.NAMES.
        stamped_at_end: whether a time is when a bar ends, and not when it begins.
    """

    instrument: Instrument | None = None
    interval: str | None = None
    zone: ZoneInfo | None = None
    form: str | None = None
    columns: Mapping[str, str] = field(default_factory=dict)
    stamped_at_end: bool = False


class Refused(NamedTuple):
    """A row that is no bar, and why."""

    path: Path
    row: Row
    reason: str


@dataclass(slots=True)
class History:
    """What files hold.

    Attributes:
        bars: by instrument and interval, oldest first; each once.
        refused: the rows that are no bars.
        repeated: how many rows say what another has said.
        zones: by instrument, the zone that its times without one were taken to be in.
    """

    bars: dict[tuple[str, str], list[Bar]] = field(default_factory=dict)
    refused: list[Refused] = field(default_factory=list)
    repeated: int = 0
    zones: dict[str, str] = field(default_factory=dict)


class _Draft(NamedTuple):
    """What one row says: a bar whose length may follow from the other rows."""

    path: Path
    row: Row
    instrument: Instrument
    interval: str | None
    stamp: datetime
    prices: tuple[float, float, float, float]
    volume: float | None


def read_history(tables: Sequence[Table], as_of: datetime, choices: Choices) -> History:
    """The bars of files, taken together.

    Args:
        tables: the files.
        as_of: when all this was known.
        choices: what a person says about them.

    Raises:
        HistoryError: a file does not say something that has to be known of all its rows.
    """
    history = History()
    drafts: dict[tuple[str, str | None], list[_Draft]] = defaultdict(list)
    for table in tables:
        for draft in _read_rows(table, choices, history):
            drafts[draft.instrument.name, draft.interval].append(draft)
    found: dict[tuple[str, str], dict[str, tuple[_Draft, Bar]]] = defaultdict(dict)
    for (name, said), theirs in drafts.items():
        interval = _find_interval(name, said, theirs)
        for draft in theirs:
            try:
                bar = _make_bar(draft, interval, as_of, at_end=choices.stamped_at_end)
                if _is_new(bar, draft, found[name, interval]):
                    found[name, interval][bar.open_time] = draft, bar
                else:
                    history.repeated += 1
            except RecordError as error:
                history.refused.append(Refused(draft.path, draft.row, str(error)))
    history.bars = {
        key: [theirs[time][1] for time in sorted(theirs)] for key, theirs in sorted(found.items()) if theirs
    }
    history.refused.sort(key=lambda each: (each.path, each.row.line))
    return history


def make_records(bars: Sequence[Bar], windows: Windows) -> Iterator[bytes]:
    """The stream records of a run of bars, each with its look-back.

    Args:
        bars: of one instrument and interval, oldest first.
        windows: what the look-backs must serve.
    """
    lookbacks = Lookbacks(bars, windows)
    return (encode_record(bar, lookbacks.before(position)) for position, bar in enumerate(bars))


def _read_rows(table: Table, choices: Choices, history: History) -> Iterator[_Draft]:
    layout = find_layout(table, choices.columns)
    if choices.instrument is None and layout.instrument is None and table.instrument is None:
        raise HistoryError(f"{table.path} does not say whose bars it holds: say it, as in --instrument IBM")
    if choices.instrument and layout.instrument is not None:
        tickers = {row.cells[layout.instrument] for row in table.rows if len(row.cells) > layout.instrument}
        if len(tickers) > 1:
            raise HistoryError(
                f"{table.path} holds bars of {len(tickers)} instruments: leave --instrument out"
            )
    for row in table.rows:
        try:
            yield _read_row(table, layout, row, choices, history.zones)
        except (RecordError, InstrumentError) as error:
            history.refused.append(Refused(table.path, row, str(error)))


def _read_row(table: Table, layout: Layout, row: Row, choices: Choices, zones: dict[str, str]) -> _Draft:
    if len(row.cells) != len(table.columns):
        raise RecordError(
            Reason.BAD_TYPE,
            f"the line has {len(row.cells)} cells, and the header {len(table.columns)}",
        )
    instrument = choices.instrument or parse_ticker(_text(row, layout.instrument) or table.instrument or "")
    interval = choices.interval
    if layout.interval is not None:
        interval = _text(row, layout.interval)
        if interval not in INTERVALS:
            raise RecordError(
                Reason.BAD_TYPE,
                f"interval is {shorten(interval)!r}, and must be one of {', '.join(INTERVALS)}",
            )

    def find_zone() -> ZoneInfo | None:
        zone = choices.zone or market_zone(instrument)
        if zone:
            zones[instrument.name] = zone.key
        return zone

    text = " ".join(filter(None, (_text(row, part) for part in layout.times)))
    stamp = to_utc(read_stamp(text, table.day, choices.form), find_zone)
    scale = LEAN_SCALE if table.is_lean and instrument.asset_class == "equity" else 1
    places = (layout.open, layout.high, layout.low, layout.close)
    open_, high, low, close = (
        parse_number(_text(row, at), name) / scale for name, at in zip(_PRICES, places, strict=True)
    )
    check_prices(open_, high, low, close)
    traded = _text(row, layout.volume)
    volume = None if traded.lower() in _NOTHING else parse_number(traded, "volume")
    check_volume(volume)
    return _Draft(table.path, row, instrument, interval, stamp, (open_, high, low, close), volume)


def _text(row: Row, at: int | None) -> str:
    return "" if at is None else (row.cells[at] or "")


def _find_interval(name: str, said: str | None, drafts: Sequence[_Draft]) -> str:
    """How long the bars last: as it is said, or the shortest step between two."""
    times = sorted({draft.stamp for draft in drafts})
    shortest = min((later - earlier for earlier, later in pairwise(times)), default=None)
    if said is None:
        found = next((each for each, length in INTERVALS.items() if length == shortest), None)
        if found is None:
            apart = f"at least {shortest} apart" if shortest else "too few to tell"
            raise HistoryError(
                f"How long the bars of {name} last is not known, since they are {apart}: "
                f"say --interval, one of {', '.join(INTERVALS)} (daily bars are not taken)"
            )
        return found
    if shortest is not None and shortest < INTERVALS[said]:
        raise HistoryError(f"Bars of {name} are {shortest} apart, and so none of {said}")
    return said


def _make_bar(draft: _Draft, interval: str, as_of: datetime, *, at_end: bool) -> Bar:
    length = INTERVALS[interval]
    opens = draft.stamp - length if at_end else draft.stamp
    if opens + length > as_of:
        raise RecordError(
            Reason.BAD_TIME,
            f"the bar of {format_time(opens)} had not ended at {format_time(as_of)}, when it was known",
        )
    return Bar(
        draft.instrument.name,
        draft.instrument.asset_class,
        interval,
        format_time(opens),
        *draft.prices,
        draft.volume,
        SOURCE,
        format_instant(as_of),
    )


def _is_new(bar: Bar, draft: _Draft, known: Mapping[str, tuple[_Draft, Bar]]) -> bool:
    """Whether no other row has said it.

    Raises:
        RecordError: another row has said something else.
    """
    if bar.open_time not in known:
        return True
    other, _ = known[bar.open_time]
    if (other.prices, other.volume) == (draft.prices, draft.volume):
        return False
    where = f"line {other.row.line} of {other.path.name}"
    raise RecordError(Reason.BAD_TYPE, f"the bar of {bar.open_time} has other numbers in {where}")
