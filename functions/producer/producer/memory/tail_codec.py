"""How a tail is written down: exactly, in a few bytes a bar.

DynamoDB bills each started KB of a write, and a tail is written for nearly every bar: its size is what a bar
costs. So the numbers are written by columns, as whole multiples of a decimal step and as what changes from
bar to bar, in as many bytes as each needs, and zlib takes out the repetition. Where the numbers are not
decimals of a common step, they are written as the doubles that they are.
"""

import struct
import zlib
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from math import copysign, gcd

from producer.memory.number_bytes import (
    Reader,
    differences,
    write_changes,
    write_doubles,
    write_signed,
    write_wholes,
)
from producer.memory.tail import Tail
from producer.ohlcv import Ohlcv
from stockstream.errors import StockstreamError
from stockstream.times import format_time, parse_time

# The first byte of what is written. Another layout takes the next number, and old tails stay readable.
FORMAT = 1
# Doubles hold all whole numbers below this, so that scaling up to it loses nothing.
_LARGEST = 2**53
# The decimals that are tried. Coins are quoted with 8; the rest is for those whose price begins with zeros.
_MOST_DECIMALS = 14
_DOUBLES = 0

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class UnreadableTailError(StockstreamError):
    """What is stored is no tail that this version can read; the text says what to do."""


def encode_tail(tail: Tail) -> bytes:
    """The bytes of a tail.

    Raises:
        RecordError: BAD_TIME, an open_time is not of the form `YYYY-MM-DDTHH:MM:SSZ`.
    """
    bars = tail.bars.values()
    volumes = [numbers.volume for numbers in bars]
    body = [
        write_wholes((tail.forgotten, len(tail.bars), len(tail.doubtful))),
        write_changes(_seconds(tail.bars)),
        write_changes(_seconds(sorted(tail.doubtful))),
        _write_prices([price for numbers in bars for price in numbers[:4]]),
        write_wholes(volume is not None for volume in volumes),
        _write_volumes([volume for volume in volumes if volume is not None]),
    ]
    return bytes([FORMAT]) + zlib.compress(b"".join(body), level=9)


def decode_tail(data: bytes) -> Tail:
    """The tail that was encoded, to the last bit.

    Raises:
        UnreadableTailError: no tail was, or by a version with another layout.
    """
    if data[:1] != bytes([FORMAT]):
        raise UnreadableTailError(f"its layout is {data[:1].hex() or 'missing'}, and must be {FORMAT:02x}")
    try:
        return _read_tail(Reader(zlib.decompress(data[1:])))
    except (IndexError, OverflowError, ValueError, struct.error, zlib.error) as error:
        raise UnreadableTailError(f"its bytes are damaged: {error}") from None


def _read_tail(reader: Reader) -> Tail:
    forgotten, bars, doubtful = reader.wholes(3)
    times = _times(reader.changes(bars))
    doubtful_times = _times(reader.changes(doubtful))
    prices = _read_prices(reader, bars)
    known = reader.wholes(bars)
    volumes = iter(_read_volumes(reader, sum(known)))
    reader.expect_end()
    return Tail(
        {
            time: Ohlcv(*row, next(volumes) if has_volume else None)
            for time, row, has_volume in zip(times, prices, known, strict=True)
        },
        frozenset(doubtful_times),
        bool(forgotten),
    )


def _write_prices(prices: list[float]) -> bytes:
    """Four columns: from close to open, from open to close, and how far high and low lie outside of these."""
    decimals = _find_decimals(prices)
    if decimals is None:
        return write_wholes((_DOUBLES,)) + write_doubles(prices)
    step, steps = _find_steps(prices, decimals)
    opens, highs, lows, closes = (steps[column::4] for column in range(4))
    tops, bottoms = list(map(max, opens, closes)), list(map(min, opens, closes))
    columns = [
        differences(opens, [0, *closes]),
        differences(closes, opens),
        differences(highs, tops),
        differences(bottoms, lows),
    ]
    return write_wholes((1 + decimals, step)) + b"".join(map(write_signed, columns))


def _read_prices(reader: Reader, bars: int) -> list[tuple[float, float, float, float]]:
    scale = _read_scale(reader)
    if scale is None:
        doubles = iter(reader.doubles(4 * bars))
        return list(zip(doubles, doubles, doubles, doubles, strict=True))
    step, unit = scale
    rows = []
    close = 0
    for gap, move, above, below in zip(*(reader.signed(bars) for _ in range(4)), strict=True):
        open_ = close + gap
        close = open_ + move
        high, low = max(open_, close) + above, min(open_, close) - below
        rows.append((open_ * step / unit, high * step / unit, low * step / unit, close * step / unit))
    return rows


def _write_volumes(volumes: list[float]) -> bytes:
    decimals = _find_decimals(volumes)
    if decimals is None:
        return write_wholes((_DOUBLES,)) + write_doubles(volumes)
    step, steps = _find_steps(volumes, decimals)
    return write_wholes((1 + decimals, step)) + write_wholes(steps)


def _read_volumes(reader: Reader, count: int) -> Sequence[float]:
    scale = _read_scale(reader)
    if scale is None:
        return reader.doubles(count)
    step, unit = scale
    return [steps * step / unit for steps in reader.wholes(count)]


def _read_scale(reader: Reader) -> tuple[int, int] | None:
    """The step, and the units that make up 1; None where doubles follow."""
    form = reader.whole()
    if form == _DOUBLES:
        return None
    if form > 1 + _MOST_DECIMALS:
        raise ValueError(f"{form - 1} decimals")
    return reader.whole(), 10 ** (form - 1)


def _find_decimals(numbers: list[float]) -> int | None:
    """The least decimals with which all the numbers can be written and come back as they are, if any."""
    return next((n for n in range(_MOST_DECIMALS + 1) if _all_have_decimals(numbers, 10**n)), None)


def _all_have_decimals(numbers: list[float], unit: int) -> bool:
    # The sign tells -0.0 from 0.0; NaN and infinities fail the comparison. Python divides whole numbers with
    # a single rounding, so that what holds here holds when they are read.
    return all(
        copysign(1.0, number) > 0 and number * unit < _LARGEST and round(number * unit) / unit == number
        for number in numbers
    )


def _find_steps(numbers: list[float], decimals: int) -> tuple[int, list[int]]:
    """The largest step of which all are multiples, in units of the last decimal, and how many each is."""
    units = [round(number * 10**decimals) for number in numbers]
    step = gcd(*units) or 1
    return step, [each // step for each in units]


def _seconds(times: Iterable[str]) -> list[int]:
    return [int(parse_time(time).timestamp()) for time in times]


def _times(seconds: Iterable[int]) -> list[str]:
    return [format_time(_EPOCH + timedelta(seconds=second)) for second in seconds]
