"""What the columns of a file mean: the names that Alpha Vantage, Yahoo, Stooq, Lean and pandas give them."""

import re
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from stockstream_operate.history.tables import HistoryError, Table

NEEDED = ("time", "open", "high", "low", "close")
# In lower case, without brackets and Alpha Vantage's numbers; of several the first that is there.
NAMES: Mapping[str, Sequence[str]] = {
    "time": (
        *("open_time", "timestamp", "datetime", "date_time", "date", "time", "index"),
        *("", "unnamed:_0", "__index_level_0__"),  # what pandas calls an index without a name
    ),
    "open": ("open",),
    "high": ("high",),
    "low": ("low",),
    "close": ("close",),
    "volume": ("volume", "vol"),
    "instrument": ("instrument", "symbol", "ticker"),
    "interval": ("interval",),
}


class Layout(NamedTuple):
    """Where each value stands in a row.

    Attributes:
        times: the places of a time's parts: one, or a date and a time of day.
        open, high, low, close: the places of the prices.
        volume: None where there is none.
        instrument: None where there is none.
        interval: None where there is none.
    """

    times: tuple[int, ...]
    open: int
    high: int
    low: int
    close: int
    volume: int | None
    instrument: int | None
    interval: int | None


def find_layout(table: Table, named: Mapping[str, str]) -> Layout:
    """Where each value stands in a file's rows.

    Args:
        table: the file.
        named: columns by what they mean (a key of NAMES), where their own names do not say it.

    Raises:
        HistoryError: something that is needed is not there; the text says which columns are.
    """
    plain = [_plain(column) for column in table.columns]
    places: dict[str, int] = {}
    for meaning, names in NAMES.items():
        if meaning in named:
            if named[meaning] not in table.columns:
                raise HistoryError(f"{table.path} has no column {named[meaning]!r}: {_listed(table)}")
            places[meaning] = table.columns.index(named[meaning])
        elif known := [name for name in names if name in plain]:
            places[meaning] = plain.index(known[0])
    missing = [meaning for meaning in NEEDED if meaning not in places]
    if missing:
        raise HistoryError(
            f"{table.path} has no column for {' and '.join(missing)}: {_listed(table)} "
            f"Name it, as in --columns {missing[0]}=NAME"
        )
    times: tuple[int, ...] = (places["time"],)
    if "time" not in named and plain[places["time"]] == "date" and "time" in plain:
        times = (places["time"], plain.index("time"))
    return Layout(
        times,
        *(places[name] for name in ("open", "high", "low", "close")),
        *(places.get(name) for name in ("volume", "instrument", "interval")),
    )


def _plain(column: str) -> str:
    """`<CLOSE>`, `4. close`, `Close` and `close` are one name."""
    return re.sub(r"^\d+[ab]?\. ", "", column.strip().strip("<>").lower()).replace(" ", "_")


def _listed(table: Table) -> str:
    return f"it has {', '.join(map(repr, table.columns))}."
