"""What to send of a month: small tables of minutes, each plan written out by hand."""

from collections.abc import Iterable

from producer.memory.tail import Tail
from producer.ohlcv import Ohlcv
from producer.publishing.history import plan_history
from producer.publishing.publication import Cause, Publication
from stockstream.windows import Windows

# 199 closes stand before a bar at the most, whatever the windows are.
WINDOWS = Windows(sma=(2,), ema=(2,))
NEW, LATE, REVISED, REPEATED = Cause.NEW, Cause.LATE, Cause.REVISED, Cause.REPEATED


def at(minute: int) -> str:
    return f"2026-11-20T{10 + minute // 60}:{minute % 60:02}:00Z"


def bars(minutes: Iterable[int]) -> dict[str, Ohlcv]:
    return {at(minute): Ohlcv(minute, minute, minute, minute, 1.0) for minute in minutes}


def causes(publications: list[Publication]) -> dict[str, Cause]:
    return {each.open_time: each.cause for each in publications}


def times(publications: list[Publication]) -> list[str]:
    return [each.open_time for each in publications]


def test_a_hole_is_filled_and_what_looked_back_over_it_is_sent_again() -> None:
    tail = Tail(bars([10, 11, 13, 14]), forgotten=True)

    plan = plan_history(bars(range(5, 15)), {}, tail, WINDOWS)

    assert plan.older == [at(minute) for minute in range(5, 10)]
    assert causes(plan.within) == {
        at(10): REPEATED, at(11): REPEATED, at(12): LATE, at(13): REPEATED, at(14): REPEATED,
    }  # fmt: skip
    assert plan.within[2].lookback.close == [5, 6, 7, 8, 9, 10, 11]
    # What lies before is remembered until all this is sent.
    assert sorted(plan.tail.bars) == [at(minute) for minute in (*range(5, 12), 13, 14)]


def test_nothing_is_older_than_a_tail_that_begins_with_what_is_known() -> None:
    month = bars(range(10, 15)) | {at(14): Ohlcv(99, 99, 99, 99, 1.0)}

    plan = plan_history(month, {}, Tail(bars([10, 11, 13, 14])), WINDOWS)

    assert plan.older == []
    assert causes(plan.within) == {
        at(10): REPEATED, at(11): REPEATED, at(12): LATE, at(13): REPEATED, at(14): REVISED,
    }  # fmt: skip
    assert plan.within[-1].numbers.close == 99


def test_a_month_that_ends_with_the_tails_first_bar_gives_it_its_look_back() -> None:
    plan = plan_history(bars(range(5, 11)), {}, Tail(bars([10, 11, 12])), WINDOWS)

    assert plan.older == [at(minute) for minute in range(5, 10)]
    assert causes(plan.within) == {at(10): REPEATED, at(11): REPEATED, at(12): REPEATED}
    assert plan.within[0].lookback.close == [5, 6, 7, 8, 9]


def test_a_month_before_the_tail_touches_nothing_within_it() -> None:
    tail = Tail(bars([10, 11, 12]))

    plan = plan_history(bars(range(5, 10)), {}, tail, WINDOWS)

    assert causes(list(plan.older_publications(WINDOWS))) == {at(minute): NEW for minute in range(5, 10)}
    assert (plan.tail, plan.within) == (tail, [])


def test_what_a_filled_hole_pushes_out_of_the_tail_is_sent_as_older() -> None:
    # 299 bars are remembered: 100, and 199 for their look-back. With the hole's there are 300.
    tail = Tail(bars([*range(250), *range(251, 300)]), forgotten=True)

    plan = plan_history(bars(range(300)), {}, tail, WINDOWS)

    assert plan.older == [at(0)]
    # The tail's first 199, which may have lacked bars, and all that follow the hole.
    assert times(plan.within) == [at(minute) for minute in (*range(1, 200), *range(250, 300))]


def test_what_is_newer_than_the_tail_is_left_to_the_next_run() -> None:
    plan = plan_history(bars(range(5, 20)), {}, Tail(bars([10, 11, 12])), WINDOWS)

    assert times(plan.within) == [at(10), at(11), at(12)]


def test_a_month_goes_on_from_where_it_stopped_and_looks_back_over_what_was_sent() -> None:
    plan = plan_history(bars(range(5, 10)), bars([3, 4]), Tail(bars([10])), WINDOWS, at(7))

    older = list(plan.older_publications(WINDOWS))
    assert times(older) == plan.older == [at(7), at(8), at(9)]
    assert older[0].lookback.close == [3, 4, 5, 6]
