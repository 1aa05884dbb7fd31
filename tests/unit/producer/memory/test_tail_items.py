import gc

from producer.memory.tail import Tail
from producer.memory.tail_items import (
    NO_BASE,
    WRITE_UNIT_BYTES,
    decode_head,
    encode_base,
    encode_head,
    find_base,
    fits_one_unit,
    named_base,
)
from producer.ohlcv import Ohlcv

ONE, TWO, THREE, FOUR = (f"2026-11-20T20:5{minute}:00Z" for minute in range(4))
BAR = Ohlcv(10.0, 12.0, 9.0, 11.0, 100.0)
REVISED = BAR._replace(close=10.5)
_, BASE = encode_base("IBM|1min", Tail(dict.fromkeys((ONE, TWO, THREE), BAR)))


def test_a_head_and_its_base_make_the_tail() -> None:
    tail = Tail({TWO: BAR, THREE: REVISED, FOUR: BAR}, frozenset({THREE}), forgotten=True)

    head = encode_head("IBM|1min", 7, tail, BASE)

    assert tail == decode_head(head, BASE)
    assert named_base(head) == BASE.digest
    assert head["oldest"] == {"S": TWO}


def test_a_late_bar_takes_its_place_between_the_bars_of_the_base() -> None:
    _, base = encode_base("IBM|1min", Tail({ONE: BAR, THREE: BAR}))

    head = encode_head("IBM|1min", 7, Tail({ONE: BAR, TWO: REVISED, THREE: BAR}), base)

    assert list(decode_head(head, base).bars) == [ONE, TWO, THREE]


def test_a_head_takes_no_more_for_what_its_base_holds() -> None:
    long = {f"2026-11-20T{hour:02}:{minute:02}:00Z": BAR for hour in range(10, 15) for minute in range(60)}
    _, base = encode_base("IBM|1min", Tail(long))

    head = encode_head("IBM|1min", 7, Tail(long), base)

    assert head["changes"] == encode_head("IBM|1min", 7, Tail(), NO_BASE)["changes"]
    assert Tail(long) == decode_head(head, base)


def test_a_head_stands_alone_where_the_tail_lacks_a_bar_of_the_base() -> None:
    tail = Tail({ONE: BAR, THREE: BAR})

    head = encode_head("IBM|1min", 7, tail, BASE)

    assert named_base(head) == NO_BASE.digest
    assert tail == decode_head(head, NO_BASE)


def test_a_head_stands_alone_where_all_of_the_base_is_forgotten() -> None:
    tail = Tail({FOUR: BAR}, forgotten=True)

    head = encode_head("IBM|1min", 7, tail, BASE)

    assert named_base(head) == NO_BASE.digest
    assert tail == decode_head(head, NO_BASE)


def test_the_head_of_an_empty_tail_stands_alone() -> None:
    head = encode_head("IBM|1min", 7, Tail(), BASE)

    assert named_base(head) == NO_BASE.digest
    assert Tail() == decode_head(head, NO_BASE)


def test_only_the_named_base_is_taken_for_it() -> None:
    item, base = encode_base("IBM|1min", Tail({ONE: BAR}))
    damaged = item | {"bars": {"B": item["bars"]["B"][:-1] + b"\x00"}}

    assert base == find_base(item, base.digest)
    assert find_base(item, BASE.digest) is None
    assert find_base(damaged, base.digest) is None
    assert find_base(None, base.digest) is None


def test_a_unit_is_1024_bytes_of_names_and_values() -> None:
    # Each of the three attributes counts with one byte more than its name and value.
    overhead = len("key" + "IBM") + len("version" + "7") + len("changes") + 3
    room = WRITE_UNIT_BYTES - overhead

    def item(length: int) -> dict[str, object]:
        return {"key": {"S": "IBM"}, "version": {"N": "7"}, "changes": {"B": bytes(length)}}

    assert WRITE_UNIT_BYTES == 1024
    assert fits_one_unit(item(room))
    assert not fits_one_unit(item(room + 1))


def test_of_an_items_bases_only_the_newest_stays_decoded_in_memory() -> None:
    marked = BAR._replace(volume=77_777.0)
    for number in range(50):
        _, base = encode_base("IBM|1min", Tail({ONE: marked._replace(open=10 + number / 100)}))
        assert base.bars() is base.bars()  # one run decodes it once

    # isinstance would ask a weak reference for the class of what is gone.
    kept = [each for each in gc.get_objects() if type(each) is Ohlcv and each.volume == 77_777.0]
    assert [each.open for each in kept if each is not marked] == [10.49]
