import csv
import math
import zlib
from collections.abc import Callable

import pytest

from producer.memory.tail import Tail
from producer.memory.tail_codec import UnreadableTailError, decode_tail, encode_tail
from producer.ohlcv import Ohlcv

TIME, BAR = "2026-11-20T20:59:00Z", Ohlcv(10.0, 12.0, 9.0, 11.0, 100.0)


@pytest.mark.parametrize(
    "numbers",
    [
        pytest.param(Ohlcv(221.175, 221.3, 221.0, 221.05, 10494.0), id="equity"),
        pytest.param(Ohlcv(1.38681, 1.386915, 1.386745, 1.386915, None), id="fx"),
        pytest.param(Ohlcv(60123.12345678, 60200.0, 60100.00000001, 60150.5, 0.00412345), id="coin"),
        pytest.param(Ohlcv(1.234e-05, 1.3e-05, 1.2e-05, 1.25e-05, 1e12), id="coin of many zeros"),
        pytest.param(Ohlcv(1e22, 5e300, 5e-324, 0.1 + 0.2, 1 / 3), id="no common decimals"),
        pytest.param(Ohlcv(-1.5, 0.0, -0.0, math.inf, math.nan), id="what no bar may hold"),
    ],
)
def test_comes_back_to_the_last_bit(numbers: Ohlcv) -> None:
    tail = Tail({"2026-11-20T20:59:00Z": numbers})

    # repr tells -0.0 from 0.0.
    assert repr(tail) == repr(decode_tail(encode_tail(tail)))


def test_keeps_what_is_doubtful_and_that_older_bars_are_forgotten() -> None:
    tail = Tail({TIME: BAR}, frozenset({TIME, "2026-11-20T20:58:00Z"}), forgotten=True)

    assert tail == decode_tail(encode_tail(tail))


def test_keeps_gaps_and_the_order_of_the_bars() -> None:
    bar = Ohlcv(1.0, 1.0, 1.0, 1.0, None)
    stamps = ["2026-11-20T20:59:00Z", "2026-11-23T14:30:00Z", "2026-11-23T14:34:07Z", "0001-01-01T00:00:00Z"]

    assert stamps == list(decode_tail(encode_tail(Tail(dict.fromkeys(stamps, bar)))).bars)


def test_an_empty_tail_comes_back_empty() -> None:
    assert Tail() == decode_tail(encode_tail(Tail()))


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(encode_tail(Tail())[:-1], id="cut short"),
        pytest.param(zlib.compress(b"[1,2]"), id="a list"),
        pytest.param(zlib.compress(b'{"bars":[]}'), id="another layout"),
        pytest.param(
            zlib.compress(b'{"times":["2026-11-20T20:59:00Z"],"columns":[],"doubtful":[],"forgotten":false}'),
            id="a time without numbers",
        ),
        pytest.param(
            zlib.compress(b'{"times":["x"],"columns":[[1.0],[1.0]],"doubtful":[],"forgotten":false}'),
            id="two columns",
        ),
    ],
)
def test_refuses_what_is_no_tail(data: bytes) -> None:
    with pytest.raises(UnreadableTailError, match="its bytes are no tail"):
        decode_tail(data)


@pytest.mark.parametrize(
    "path",
    [
        "intraday/equity_usa_minute_spy_NewYorkTime.csv",
        "intraday/equity_usa_minute_bac_NewYorkTime.csv",
        "intraday/forex_oanda_minute_eurusd_quotemid_UTC.csv",
    ],
)
def test_recorded_bars_come_back(recorded: Callable[[str], bytes], path: str) -> None:
    bars = {
        row["timestamp"].replace(" ", "T") + "Z": Ohlcv(
            float(row["open"]),
            float(row["high"]),
            float(row["low"]),
            float(row["close"]),
            float(row["volume"]) if row["volume"] else None,
        )
        for row in csv.DictReader(recorded(path).decode().splitlines())
    }
    rows = list(bars.items())

    for first in range(0, len(rows), 299):
        tail = Tail(dict(rows[first : first + 299]))
        assert tail == decode_tail(encode_tail(tail))
