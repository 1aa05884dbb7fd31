"""Look-backs over splits; the numbers are worked by hand."""

from producer.memory.tail import Tail
from producer.ohlcv import Ohlcv
from producer.publishing.publication import Cause, advance, plan_publications, with_splits
from producer.publishing.restating import RestatedLookbacks, restate
from stockstream.splits import Split
from stockstream.windows import Windows

WINDOWS = Windows(sma=(2,), ema=(2,))


def at(minute: int) -> str:
    return f"2026-11-{20 + minute // 600}T{10 + minute // 60 % 10}:{minute % 60:02}:00Z"


def flat(close: float, volume: float | None = 100.0) -> Ohlcv:
    return Ohlcv(close, close, close, close, volume)


TEN_FOR_ONE, ONE_FOR_TWO = Split(at(2), 10, 1), Split(at(3), 1, 2)
#  minute:  0     1   |10:1|   2   |1:2|   3    4
CLOSES = (2000.0, 2100.0, 220.0, 440.0, 450.0)
BARS = {at(minute): flat(close) for minute, close in enumerate(CLOSES)}


def test_prices_fall_and_the_volume_grows() -> None:
    assert restate(Ohlcv(20.0, 22.0, 18.0, 21.0, 7.0), [TEN_FOR_ONE]) == Ohlcv(2.0, 2.2, 1.8, 2.1, 70.0)
    assert restate(flat(2.0, None), [TEN_FOR_ONE, ONE_FOR_TWO]) == flat(0.4, None)


def test_each_bar_looks_back_in_its_own_shares() -> None:
    lookbacks = RestatedLookbacks(list(BARS), list(BARS.values()), [TEN_FOR_ONE, ONE_FOR_TWO], WINDOWS)

    assert [lookbacks.before(position).close for position in range(5)] == [
        [],
        [2000.0],
        [200.0, 210.0],
        [400.0, 420.0, 440.0],
        [400.0, 420.0, 440.0, 440.0],
    ]
    assert lookbacks.before(4).volume == [500.0, 500.0, 50.0, 100.0]
    assert lookbacks.before(4).true_range == [20.0, 20.0, 0.0]


def test_the_second_bar_looks_back_in_new_shares_too() -> None:
    lookbacks = RestatedLookbacks([at(0), at(1)], [flat(100.0), flat(51.0)], [Split(at(1), 2, 1)], WINDOWS)

    assert lookbacks.before(1).close == [50.0]


def sent(shown: dict[str, Ohlcv], *splits: Split) -> Tail:
    publications = plan_publications(shown, Tail(), WINDOWS, splits)
    return advance(with_splits(Tail(), splits), publications, range(len(publications)), WINDOWS)


def test_a_split_that_was_known_sends_nothing_again() -> None:
    assert plan_publications(BARS, sent(BARS, TEN_FOR_ONE), WINDOWS, [TEN_FOR_ONE]) == []


def test_a_split_that_becomes_known_sends_what_looks_back_over_it_again() -> None:
    publications = plan_publications(BARS, sent(BARS), WINDOWS, [TEN_FOR_ONE])

    assert [(each.open_time, each.cause, each.lookback.close) for each in publications] == [
        (at(2), Cause.REPEATED, [200.0, 210.0]),
        (at(3), Cause.REPEATED, [200.0, 210.0, 220.0]),
        (at(4), Cause.REPEATED, [200.0, 210.0, 220.0, 440.0]),
    ]
    assert [each.numbers for each in publications] == list(BARS.values())[2:]


def test_a_split_that_is_refused_afterwards_sends_them_as_they_were() -> None:
    refused = Split(TEN_FOR_ONE.at, 1, 1)

    publications = plan_publications(BARS, sent(BARS, TEN_FOR_ONE), WINDOWS, [refused])

    assert [each.lookback.close for each in publications] == [
        [2000.0, 2100.0],
        [2000.0, 2100.0, 220.0],
        [2000.0, 2100.0, 220.0, 440.0],
    ]


def test_a_split_reaches_199_bars_after_it() -> None:
    many = {at(minute): flat(100.0 + minute) for minute in range(299)}

    publications = plan_publications(many, sent(many), WINDOWS, [Split(at(50), 2, 1)])

    # Bar 248 looks back on 49 to 247, and 249 on 50 to 248.
    assert [each.open_time for each in publications] == [at(minute) for minute in range(50, 249)]


def test_bars_whose_whole_look_back_is_forgotten_are_not_sent_again_with_a_shorter_one() -> None:
    many = {at(minute): flat(100.0 + minute) for minute in range(400)}
    tail = sent(many)
    assert (tail.oldest, tail.forgotten) == (at(101), True)

    publications = plan_publications({at(400): flat(1.0)}, tail, WINDOWS, [Split(at(150), 2, 1)])

    # Of the bars 150 to 348 those from 300 on have the 199 before them in the tail: 101 to 299.
    again = [each for each in publications if each.cause is Cause.REPEATED]
    assert [each.open_time for each in again] == [at(minute) for minute in range(300, 349)]
    assert {len(each.lookback.close) for each in again} == {199}


def test_the_tail_forgets_a_split_with_the_bars_before_it() -> None:
    many = {at(minute): flat(100.0 + minute) for minute in range(400)}

    assert sent(many, Split(at(101), 2, 1)).splits == ()
    assert sent(many, Split(at(102), 2, 1), Split(at(500), 3, 1)).splits == (
        Split(at(102), 2, 1),
        Split(at(500), 3, 1),
    )
