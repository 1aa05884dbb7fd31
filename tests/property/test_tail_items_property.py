from hypothesis import given
from hypothesis import strategies as st

from producer.memory.tail import Tail
from producer.memory.tail_items import NO_BASE, decode_head, encode_base, encode_head, find_base, named_base
from producer.ohlcv import Ohlcv
from stockstream.splits import Split

# Few times and few numbers, so that two tails often share some of them.
TIMES = st.integers(0, 9).map(lambda minute: f"2026-11-20T20:5{minute}:00Z")
PRICES = st.sampled_from([10.0, 10.5])
BARS = st.builds(Ohlcv, PRICES, PRICES, PRICES, PRICES, st.none() | PRICES)
TAILS = st.builds(
    lambda bars, doubtful, forgotten, splits: Tail(dict(sorted(bars.items())), doubtful, forgotten, splits),
    st.dictionaries(TIMES, BARS),
    st.frozensets(TIMES),
    st.booleans(),
    st.sampled_from([(), (Split("2026-11-20T05:00:00Z", 10, 1),)]),
)


@given(TAILS, TAILS)
def test_any_tail_comes_back_from_any_base(tail: Tail, earlier: Tail) -> None:
    item, base = encode_base("IBM|1min", earlier)
    head = encode_head("IBM|1min", 7, tail, base)

    read = NO_BASE if named_base(head) == NO_BASE.digest else find_base(item, named_base(head))

    assert read is not None
    assert tail == decode_head(head, read)
    assert list(tail.bars) == list(decode_head(head, read).bars)
