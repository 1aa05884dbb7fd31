import json
import zlib
from contextlib import suppress
from datetime import UTC

from hypothesis import given
from hypothesis import strategies as st

from producer.memory.tail import Tail
from producer.memory.tail_codec import UnreadableTailError, decode_tail, encode_tail
from producer.ohlcv import Ohlcv
from stockstream.splits import Split

TIMES = st.datetimes(timezones=st.just(UTC)).map(
    lambda moment: moment.replace(tzinfo=None, microsecond=0).isoformat() + "Z"
)


PARTS = st.none() | st.booleans() | st.floats() | st.text() | st.lists(st.lists(st.floats() | st.text()))
JSON = st.dictionaries(st.sampled_from(["times", "columns", "doubtful", "forgotten", "splits"]), PARTS).map(
    lambda document: json.dumps(document).encode()
)


# A ratio has five digits on each side at the most.
SHARES = st.integers(1, 99_999)
SPLITS = st.lists(st.builds(Split, TIMES, SHARES, SHARES)).map(tuple)


def decimals(most: int) -> st.SearchStrategy[float]:
    """Ohlcv as markets write them, with so many decimals at most."""
    return st.integers(0, 10**12).map(lambda number: number / 10**most)


def tails(numbers: st.SearchStrategy[float]) -> st.SearchStrategy[Tail]:
    bars = st.builds(Ohlcv, numbers, numbers, numbers, numbers, st.none() | numbers)
    return st.builds(Tail, st.dictionaries(TIMES, bars), st.frozensets(TIMES), st.booleans(), SPLITS)


@given(tails(st.floats()))
def test_any_floats_come_back_to_the_last_bit(tail: Tail) -> None:
    restored = decode_tail(encode_tail(tail))

    # repr tells -0.0 from 0.0, is the same for NaN, and shows the order of the bars.
    assert (repr(tail.bars), tail.doubtful, tail.forgotten) == (
        repr(restored.bars),
        restored.doubtful,
        restored.forgotten,
    )


@given(st.integers(0, 8).flatmap(lambda most: tails(decimals(most))))
def test_any_prices_of_a_market_come_back_to_the_last_bit(tail: Tail) -> None:
    assert tail == decode_tail(encode_tail(tail))


@given(st.binary() | (st.binary() | JSON).map(zlib.compress))
def test_other_bytes_raise_nothing_but_the_named_error(data: bytes) -> None:
    with suppress(UnreadableTailError):
        decode_tail(data)
