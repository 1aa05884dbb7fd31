"""The delivered document, `enriched.v1`: contract 2, made of one stream record and nothing else."""

from __future__ import annotations

import orjson

from stockstream.fields import DOCUMENT_SCHEMA, list_indicators, lookback_lengths
from stockstream.prices import true_range, typical_price
from stockstream.records import decode_record

TYPE_CHECKING = False  # importing typing for it would cost 4 ms of each cold start
if TYPE_CHECKING:
    from typing import Any

    from stockstream.windows import Windows


def enrich(data: bytes, arrived_at: str | None, windows: Windows) -> bytes:
    """The document of one stream record: a JSON object and a newline.

    Args:
        data: the record's bytes.
        arrived_at: when the stream took it, UTC, `YYYY-MM-DDTHH:MM:SS.mmmZ`; None if the event is silent.
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
    for row in list_indicators(windows):
        values = row.function(*[lookback[column] for column in row.columns], *row.arguments)
        if len(row.fields) == 1:
            document[row.fields[0].name] = values
        else:
            for field, value in zip(row.fields, values, strict=True):
                document[field.name] = value
    # An overflow has left an infinity or a NaN, and orjson writes null for both.
    return orjson.dumps(document, option=orjson.OPT_APPEND_NEWLINE)


def _append_bar(lookback: dict[str, list[Any]], bar: dict[str, Any]) -> None:
    """Adds the bar's own values to the columns of its look-back."""
    high, low, close = bar["high"], bar["low"], bar["close"]
    if lookback["close"]:  # without a close before it, a bar has no true range
        lookback["true_range"].append(true_range(high, low, lookback["close"][-1]))
    lookback["close"].append(close)
    lookback["typical"].append(typical_price(high, low, close))
    lookback["volume"].append(bar["volume"])
