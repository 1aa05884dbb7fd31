"""Bars for Python: one function that gives a DataFrame. Importing it imports none of what it works with."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from stockstream.errors import StockstreamError
from stockstream_operate.lake.selection import KNOWN, NoSuchBarsError, Selection, find_instrument
from stockstream_operate.moments import Moment, parse_moment

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    import pandas as pd

    from stockstream_operate.lake.access import QueryableLake

INDEX = "open_time"
# Left out: the frame's attrs have the instrument and the interval, and the other two follow from them.
_LEFT_OUT = ("id", "instrument", "asset_class", "interval")
_PRICES = ("open", "high", "low", "close", "volume")
# pandas' types, by Athena's of the views. A column may be null in each row, and its type stays.
_TYPES = {
    "varchar": "str",
    "integer": "Int64",
    "double": "float64",
    "timestamp(3)": "datetime64[us, UTC]",
    "date": "datetime64[s]",
}


class NoPandasError(StockstreamError):
    """pandas is not installed; the text says how it comes."""


def read(
    instrument: str,
    *,
    start: Moment | None = None,
    end: Moment | None = None,
    interval: str | None = None,
    as_of: Moment | None = None,
    adjusted: bool = False,
    stack: str | None = None,
) -> pd.DataFrame:
    """The bars of an instrument, each once and oldest first.

    The index is `open_time` in UTC. The columns are open, high, low, close and volume, the analytics, and
    trading_day, as_of, source, arrived_at, lookback_bars; `attrs` has the instrument and the interval.

    Args:
        instrument: `IBM`, `fx:EUR/USD`; also `ibm` or `EURUSD`, where the lake holds but one such.
        start: the first moment at which a bar may begin: `"2026-11-20"`, a date, a datetime; UTC where it
            names no zone.
        end: the first moment at which it may not.
        interval: such as `1min`; needed only where the lake holds several of the instrument.
        as_of: only what was known at that moment, with the numbers of then; the newest, if it is not given.
        adjusted: prices and volumes in the shares of today, by the splits that `stockstream split` was told
            of; as they were traded, if it is not given. Not with `as_of`.
        stack: a stack in AWS, whose Athena answers and bills it; what the last run here delivered, if it is
            not given.

    Raises:
        StockstreamError: there is no lake, it has no bars of the instrument, or it cannot be read; the text
            says what to do. (Where it has none of that time, the frame is empty.)
    """
    moments = {
        what: None if said is None else parse_moment(said, what)
        for what, said in (("start", start), ("end", end), ("as_of", as_of))
    }
    selection = Selection((instrument,), interval, **moments, adjusted=adjusted)
    try:
        import pandas as pd  # noqa: PLC0415 (half a second)
    except ImportError:
        raise NoPandasError(
            "read gives a DataFrame of pandas, which is not here: pip install pandas"
        ) from None
    # DuckDB, sqlglot and the AWS SDK take as long.
    from stockstream_operate.lake.access import open_lake  # noqa: PLC0415

    lake = open_lake(stack)
    types = lake.lake_sql.views["bars_latest"].columns
    others = [name for name in types if name not in {INDEX, *_LEFT_OUT, *_PRICES}]
    shown = [INDEX, *_PRICES, *_analytics_first(others)]
    rows = _find_rows(lake, selection, ("instrument", "interval", *shown))
    names, intervals = {row[0] for row in rows}, sorted({row[1] for row in rows})
    if len(intervals) > 1:
        raise NoSuchBarsError(
            f"The lake holds bars of {instrument} in several intervals: "
            f"choose one, as in interval={intervals[0]!r} ({', '.join(intervals)})"
        )
    columns = list(zip(*rows, strict=True))[2:] if rows else [()] * len(shown)
    series = {
        name: pd.Series(list(values), dtype=_TYPES[types[name]])
        for name, values in zip(shown, columns, strict=True)
    }
    frame = pd.DataFrame(series).set_index(INDEX)
    frame.attrs = {"instrument": min(names, default=instrument), "interval": min(intervals, default=interval)}
    return frame


def _analytics_first(names: Sequence[str]) -> list[str]:
    about = ("trading_day", "as_of", "source", "arrived_at", "lookback_bars")
    return [*(name for name in names if name not in about), *about]


def _find_rows(lake: QueryableLake, selection: Selection, columns: Sequence[str]) -> list[tuple[Any, ...]]:
    """The rows; where there are none, those of the instrument that was meant.

    Raises:
        NoSuchBarsError: the lake has no bars of it, or none of the interval.
    """
    if rows := lake.query(selection.ask(columns)).rows:
        return rows
    known = lake.query(KNOWN).rows
    (asked,) = selection.instruments
    meant = find_instrument(asked, {name for name, _ in known})
    intervals = [interval for name, interval in known if name == meant]
    if selection.interval and selection.interval not in intervals:
        raise NoSuchBarsError(
            f"The lake holds no bars of {meant} in {selection.interval}: it has {', '.join(intervals)}"
        )
    if meant == asked:
        return []
    return lake.query(replace(selection, instruments=(meant,)).ask(columns)).rows
