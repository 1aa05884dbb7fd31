"""The delivered document, `enriched.v1` (contract 2), computed from one stream record alone."""

from __future__ import annotations

from functools import lru_cache

import orjson

from stockstream.fields import COLUMNS, DOCUMENT_SCHEMA, list_indicators, lookback_lengths
from stockstream.prices import true_range, typical_price
from stockstream.records import decode_record

TYPE_CHECKING = False  # importing typing for it would cost 4 ms of each cold start
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from stockstream.windows import Windows


def enrich(data: bytes, arrived_at: str | None, windows: Windows) -> bytes:
    """The document of one stream record: a JSON object and a newline.

    Args:
        data: the record's bytes.
        arrived_at: when the stream took it, UTC, `YYYY-MM-DDTHH:MM:SS.mmmZ`; None if the event does not say.
        windows: the moving averages to compute.

    Raises:
        RecordError: the record breaks contract 1; its reason says how.
    """
    document = decode_record(data, lookback_lengths(windows))
    lookback = document.pop("lookback")
    document["schema"] = DOCUMENT_SCHEMA
    document["arrived_at"] = arrived_at
    document["lookback_bars"] = len(lookback["close"])
    _append_bar(lookback, document)
    _compile_table(windows)(document, **lookback)
    # After an overflow there is an infinity or a NaN, for which orjson writes null.
    return orjson.dumps(document, option=orjson.OPT_APPEND_NEWLINE)


@lru_cache(maxsize=16)
def _compile_table(windows: Windows) -> Callable[..., None]:
    """The table of fields as one function, which adds each indicator to a document.

    It has a line for each row, as one would write it by hand: `document["sma_5"] = sma(close, 5)`. With a
    loop over the rows, a record without look-back would take half as long again.
    """
    names: dict[str, Any] = {}
    lines = [f"def add(document, *, {', '.join(COLUMNS)}):"]
    for row in list_indicators(windows):
        names[row.function.__name__] = row.function
        targets = ", ".join(f"document[{field.name!r}]" for field in row.fields)
        values = ", ".join([*row.columns, *map(str, row.arguments)])
        lines.append(f"    {targets} = {row.function.__name__}({values})")
    exec("\n".join(lines), names)  # noqa: S102 (made of the table alone, and of whole numbers)
    add: Callable[..., None] = names["add"]
    return add


def _append_bar(lookback: dict[str, list[Any]], bar: dict[str, Any]) -> None:
    """Adds the bar's own values to the columns of its look-back."""
    high, low, close = bar["high"], bar["low"], bar["close"]
    if lookback["close"]:  # without a close before it, a bar has no true range
        lookback["true_range"].append(true_range(high, low, lookback["close"][-1]))
    lookback["close"].append(close)
    lookback["typical"].append(typical_price(high, low, close))
    lookback["volume"].append(bar["volume"])
