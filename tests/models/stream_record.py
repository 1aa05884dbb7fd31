"""A good stream record of IBM, bar.v1 without its look-back, for tests to spoil."""

from typing import Any

RECORD: dict[str, Any] = {
    "schema": "bar.v1",
    "id": "IBM|1min|2026-11-20T20:59:00Z",
    "as_of": "2026-11-20T21:00:05.694Z",
    "instrument": "IBM",
    "asset_class": "equity",
    "interval": "1min",
    "open_time": "2026-11-20T20:59:00Z",
    "open": 10.5,
    "high": 12.0,
    "low": 9.0,
    "close": 11.0,
    "volume": 700.0,
    "source": "alpaca",
}
