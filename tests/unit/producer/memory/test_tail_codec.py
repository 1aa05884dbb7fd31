import csv
import math
import random
import zlib
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from producer.memory.tail import Tail
from producer.memory.tail_codec import UnreadableTailError, decode_tail, encode_tail
from producer.ohlcv import Ohlcv
from stockstream.errors import RecordError


def times(count: int) -> list[str]:
    start = datetime(2026, 11, 20, 14, 30, tzinfo=UTC)
    return [(start + timedelta(minutes=minute)).strftime("%Y-%m-%dT%H:%M:%SZ") for minute in range(count)]


def walk(bars: int, *, price: float, tick: float, decimals: int) -> Tail:
    """A market that moves by a few ticks a bar."""
    chance = random.Random(20261120)
    rows = {}
    for time in times(bars):
        open_ = price
        price = round(open_ + tick * chance.randint(-3, 3), decimals)
        high = round(max(open_, price) + tick * chance.randint(0, 2), decimals)
        low = round(min(open_, price) - tick * chance.randint(0, 2), decimals)
        rows[time] = Ohlcv(open_, high, low, price, float(chance.randint(1, 9999)))
    return Tail(rows)


@pytest.mark.parametrize(
    "numbers",
    [
        pytest.param(Ohlcv(221.175, 221.3, 221.0, 221.05, 10494.0), id="equity"),
        pytest.param(Ohlcv(1.38681, 1.386915, 1.386745, 1.386915, None), id="fx"),
        pytest.param(Ohlcv(60123.12345678, 60200.0, 60100.00000001, 60150.5, 0.00412345), id="coin"),
        pytest.param(Ohlcv(1.234e-05, 1.3e-05, 1.2e-05, 1.25e-05, 1e12), id="coin of many zeros"),
        pytest.param(Ohlcv(1e22, 5e300, 5e-324, 0.1 + 0.2, 1 / 3), id="no common decimals"),
        pytest.param(Ohlcv(-1.5, 0.0, -0.0, math.inf, -2.0), id="what no bar may hold"),
    ],
)
def test_comes_back_to_the_last_bit(numbers: Ohlcv) -> None:
    tail = Tail({"2026-11-20T20:59:00Z": numbers})

    # repr tells -0.0 from 0.0.
    assert repr(tail) == repr(decode_tail(encode_tail(tail)))


def test_prices_that_are_no_decimals_leave_the_volumes_small() -> None:
    third = Ohlcv(1 / 3, 2 / 3, 1 / 7, 1 / 3, 5.0)
    tail = Tail({**dict.fromkeys(times(99), third), "2026-11-21T00:00:00Z": Ohlcv(0.1, 0.1, 0.1, 0.1, None)})

    assert tail == decode_tail(encode_tail(tail))


def test_keeps_what_is_doubtful_and_that_older_bars_are_forgotten() -> None:
    tail = Tail(walk(3, price=10.0, tick=0.01, decimals=2).bars, frozenset(times(2)), forgotten=True)

    assert tail == decode_tail(encode_tail(tail))


def test_keeps_gaps_and_the_order_of_the_bars() -> None:
    bar = Ohlcv(1.0, 1.0, 1.0, 1.0, None)
    stamps = ["2026-11-20T20:59:00Z", "2026-11-23T14:30:00Z", "2026-11-23T14:34:07Z", "0001-01-01T00:00:00Z"]

    assert stamps == list(decode_tail(encode_tail(Tail(dict.fromkeys(stamps, bar)))).bars)


def test_an_empty_tail_comes_back_empty() -> None:
    assert Tail() == decode_tail(encode_tail(Tail()))


@pytest.mark.parametrize(
    ("market", "most_bytes_a_bar"),
    [
        pytest.param(walk(299, price=221.17, tick=0.01, decimals=2), 5, id="equity"),
        pytest.param(walk(299, price=1.38681, tick=0.000005, decimals=6), 5, id="fx"),
        pytest.param(walk(299, price=60123.12345678, tick=1e-8, decimals=8), 5, id="coin"),
    ],
)
def test_a_bar_that_moves_by_a_few_ticks_takes_a_few_bytes(market: Tail, most_bytes_a_bar: int) -> None:
    # A walk of 7 moves, 3 wicks a side and 9,999 volumes carries log2(7 * 3 * 3 * 9999) = 19.3 bits a bar,
    # which is 2.4 bytes; 5 doubles and a time would take 48.
    assert len(encode_tail(market)) <= most_bytes_a_bar * 299
    assert market == decode_tail(encode_tail(market))


@pytest.mark.parametrize(
    ("data", "complaint"),
    [
        pytest.param(b"", "its layout is missing, and must be 01", id="nothing"),
        pytest.param(
            b"\x02" + encode_tail(Tail())[1:], "its layout is 02, and must be 01", id="another layout"
        ),
        pytest.param(encode_tail(Tail())[:-1], "damaged", id="cut short"),
        pytest.param(b"\x01" + zlib.compress(b"\x00\x05"), "damaged", id="too few numbers"),
        pytest.param(b"\x01" + zlib.compress(b"\x00" * 99), "bytes too many", id="too many numbers"),
        pytest.param(b"\x01" + zlib.compress(b"\x00\x00\x00\x7f\x01\x00\x00"), "126 decimals", id="decimals"),
        pytest.param(
            b"\x01" + zlib.compress(b"\x00\x01\x00" + b"\xff" * 9 + b"\x01"), "damaged", id="a time past all"
        ),
    ],
)
def test_refuses_what_is_no_tail(data: bytes, complaint: str) -> None:
    with pytest.raises(UnreadableTailError, match=complaint):
        decode_tail(data)


def test_refuses_to_write_a_time_of_another_form() -> None:
    with pytest.raises(RecordError, match="BAD_TIME"):
        encode_tail(Tail({"2026-11-20 20:59": Ohlcv(1.0, 1.0, 1.0, 1.0, None)}))


def test_reads_what_an_earlier_release_wrote() -> None:
    """Worked by hand: 1 bar, not forgotten, none doubtful; prices in steps of 5 cents; a volume of 300."""
    body = b"\x00\x01\x00" + varint(2 * 1795208340)
    body += b"\x03\x05" + varint(2 * 200) + varint(2 * 2) + varint(2 * 1) + varint(2 * 3)
    body += b"\x01" + b"\x01\xac\x02" + b"\x01"

    tail = decode_tail(b"\x01" + zlib.compress(body))

    assert Tail({"2026-11-20T20:59:00Z": Ohlcv(10.0, 10.15, 9.85, 10.1, 300.0)}) == tail


def varint(number: int) -> bytes:
    digits = []
    while number:
        number, digit = divmod(number, 128)
        digits.append(digit)
    return bytes(digit + 128 for digit in digits[:-1]) + bytes(digits[-1:])


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
