"""The delivered document, `enriched.v1`: contract 2, made of one stream record and nothing else."""

from __future__ import annotations

import orjson

from stockstream.records import decode_record
from stockstream.windows import FIXED_BARS
from transform import indicators

TYPE_CHECKING = False  # importing typing for it would cost 4 ms of each cold start
if TYPE_CHECKING:
    from typing import Any

    from stockstream.windows import Windows

SCHEMA = "enriched.v1"


def enrich(data: bytes, arrived_at: str | None, windows: Windows) -> bytes:
    """The document of one stream record: a JSON object and a newline.

    Args:
        data: the record's bytes.
        arrived_at: when the stream took it, UTC, `YYYY-MM-DDTHH:MM:SS.mmmZ`; None if the event is silent.
        windows: the moving averages to compute.

    Raises:
        RecordError: the record breaks contract 1; its reason says how.
    """
    document = decode_record(
        data, longest_closes=windows.longest_lookback_closes, longest_bars=windows.lookback_bars
    )
    lookback = document.pop("lookback")
    document["schema"] = SCHEMA
    document["arrived_at"] = arrived_at
    document["lookback_bars"] = len(lookback["close"])
    _add_indicators(document, lookback, windows)
    # An overflow has left an infinity or a NaN, and orjson writes null for both.
    return orjson.dumps(document, option=orjson.OPT_APPEND_NEWLINE)


def _add_indicators(document: dict[str, Any], lookback: dict[str, list[Any]], windows: Windows) -> None:
    closes, typical, volume = lookback["close"], lookback["typical"], lookback["volume"]
    close = document["close"]
    closes.append(close)
    typical.append((document["high"] + document["low"] + close) / 3)
    volume.append(document["volume"])
    for window in windows.sma:
        document[f"sma_{window}"] = indicators.sma(closes, window)
    for window in windows.ema:
        document[f"ema_{window}"] = indicators.ema(closes, window)
    document["return_1"] = indicators.simple_return(closes, 1)
    document["return_5"] = indicators.simple_return(closes, 5)
    document["log_return_1"] = indicators.log_return(closes)
    document["volatility_20"] = indicators.volatility(closes, 20)
    upper, lower, zscore = indicators.bollinger(closes, 20)
    document["bollinger_upper_20"] = upper
    document["bollinger_lower_20"] = lower
    document["zscore_20"] = zscore
    document["rsi_14"] = indicators.rsi(closes)
    document["vwap_20"] = indicators.vwap(typical, volume, FIXED_BARS)
