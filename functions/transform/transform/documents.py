"""The delivered document, `enriched.v1`: contract 2, made of one stream record and nothing else."""

import orjson

from stockstream.records import decode_record
from stockstream.windows import FIXED_BARS, Windows
from transform.indicators import (
    ema,
    log_return,
    mean_and_deviation,
    rsi,
    simple_return,
    sma,
    volatility,
    vwap,
)

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
    bar, lookback = decode_record(
        data, longest_closes=windows.longest_lookback_closes, longest_bars=windows.lookback_bars
    )
    closes = [*lookback.close, bar.close]
    document: dict[str, str | float | None] = {
        "schema": SCHEMA,
        "id": bar.id,
        "as_of": bar.as_of,
        "instrument": bar.instrument,
        "asset_class": bar.asset_class,
        "interval": bar.interval,
        "open_time": bar.open_time,
        "open": bar.open,
        "high": bar.high,
        "low": bar.low,
        "close": bar.close,
        "volume": bar.volume,
        "source": bar.source,
        "arrived_at": arrived_at,
        "lookback_bars": len(lookback.close),
    }
    for window in windows.sma:
        document[f"sma_{window}"] = sma(closes, window)
    for window in windows.ema:
        document[f"ema_{window}"] = ema(closes, window)
    document["return_1"] = simple_return(closes, 1)
    document["return_5"] = simple_return(closes, 5)
    document["log_return_1"] = log_return(closes)
    document["volatility_20"] = volatility(closes, 20)
    upper = lower = zscore = None
    if statistics := mean_and_deviation(closes, 20):
        mean, deviation, distance = statistics
        upper, lower = mean + 2 * deviation, mean - 2 * deviation
        zscore = distance / deviation if deviation else None
    document["bollinger_upper_20"] = upper
    document["bollinger_lower_20"] = lower
    document["zscore_20"] = zscore
    document["rsi_14"] = rsi(closes)
    document["vwap_20"] = vwap([*lookback.typical, bar.typical], [*lookback.volume, bar.volume], FIXED_BARS)
    # orjson writes null for what overflowed to an infinity or a NaN.
    return orjson.dumps(document, option=orjson.OPT_APPEND_NEWLINE)
