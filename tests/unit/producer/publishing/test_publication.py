"""The window of each test is drawn as `time: close`; look-backs are written out by hand."""

from producer.memory.tail import Tail
from producer.ohlcv import Ohlcv
from producer.publishing.publication import (
    Cause,
    Publication,
    advance,
    alters_the_past,
    comparable_bars,
    plan_publications,
)
from stockstream.windows import Windows

# Smoothed averages want 199 closes before a bar, so that this is the shortest look-back there is.
WINDOWS = Windows(sma=(2,), ema=(2,))


def flat(close: float, volume: float | None = 1.0) -> Ohlcv:
    return Ohlcv(close, close, close, close, volume)


def bars(*closes: float) -> dict[str, Ohlcv]:
    return {at(minute): flat(close) for minute, close in enumerate(closes)}


def at(minute: int) -> str:
    return f"2026-11-20T{10 + minute // 60}:{minute % 60:02}:00Z"


def sent(shown: dict[str, Ohlcv], tail: Tail | None = None) -> Tail:
    """The tail after a run in which the stream took everything."""
    tail = tail or Tail()
    publications = plan_publications(shown, tail, WINDOWS)
    return advance(tail, publications, range(len(publications)), WINDOWS)


def summary(publications: list[Publication]) -> list[tuple[str, Cause, list[float]]]:
    return [(each.open_time, each.cause, each.lookback.close) for each in publications]


def test_sends_everything_the_first_time_each_bar_with_those_before_it() -> None:
    publications = plan_publications(bars(10, 11, 12), Tail(), WINDOWS)

    assert [
        (at(0), Cause.NEW, []),
        (at(1), Cause.NEW, [10]),
        (at(2), Cause.NEW, [10, 11]),
    ] == summary(publications)


def test_sends_nothing_twice() -> None:
    assert plan_publications(bars(10, 11), sent(bars(10, 11)), WINDOWS) == []


def test_completes_the_lookback_from_the_tail_when_the_provider_shows_less() -> None:
    shown = {at(2): flat(12)}

    publications = plan_publications(shown, sent(bars(10, 11)), WINDOWS)

    assert [(at(2), Cause.NEW, [10, 11])] == summary(publications)


def test_sends_a_revised_bar_again_and_the_later_ones_whose_lookback_holds_it() -> None:
    publications = plan_publications(bars(10, 99, 12), sent(bars(10, 11, 12)), WINDOWS)

    assert [(at(1), Cause.REVISED, [10]), (at(2), Cause.REPEATED, [10, 99])] == summary(publications)


def test_sends_a_late_bar_and_the_later_ones_that_now_follow_it() -> None:
    first = bars(10, 11, 12)
    late = first.pop(at(1))

    publications = plan_publications({**first, at(1): late}, sent(first), WINDOWS)

    assert [(at(1), Cause.LATE, [10]), (at(2), Cause.REPEATED, [10, 11])] == summary(publications)


def test_a_revised_close_reaches_as_far_as_the_lookback_of_closes() -> None:
    closes = [float(minute) for minute in range(1, 221)]
    revised = [closes[0] + 100, *closes[1:]]

    publications = plan_publications(bars(*revised), sent(bars(*closes)), WINDOWS)

    # 199 closes stand before a bar: the bars 1 to 199 have bar 0 in their look-back, bar 200 has not.
    assert [at(minute) for minute in range(200)] == [each.open_time for each in publications]


def test_a_revised_high_reaches_as_far_as_the_lookback_of_true_ranges() -> None:
    shown = bars(*(float(minute) for minute in range(1, 221)))
    revised = shown | {at(1): Ohlcv(2, 9, 2, 2, 1.0)}

    publications = plan_publications(revised, sent(shown), WINDOWS)

    # 198 true ranges stand before a bar: bar 1 itself, and the bars 2 to 199.
    assert [at(minute) for minute in range(1, 200)] == [each.open_time for each in publications]
    # From 2 to 9, the close before being 1: 8.
    assert publications[1].lookback.true_range == [8]
    assert publications[-1].lookback.true_range[0] == 8


def test_the_true_ranges_take_the_step_from_the_close_before_and_the_first_bar_has_none() -> None:
    shown = {at(0): flat(10), at(1): Ohlcv(12, 13, 11.5, 12, 1), at(2): Ohlcv(9, 10, 8, 9, 1), at(3): flat(9)}

    publications = plan_publications(shown, Tail(), WINDOWS)

    # 13 - 10, 12 - 8
    assert [each.lookback.true_range for each in publications] == [[], [], [3], [3, 4]]


def test_a_revised_volume_reaches_as_far_as_the_lookback_of_volumes() -> None:
    closes = [float(minute) for minute in range(1, 41)]
    shown = bars(*closes)
    shown[at(0)] = flat(1.0, volume=7.0)

    publications = plan_publications(shown, sent(bars(*closes)), WINDOWS)

    # 19 volumes stand before a bar.
    assert [at(minute) for minute in range(20)] == [each.open_time for each in publications]


def test_a_revised_open_is_in_no_lookback() -> None:
    shown = {at(0): Ohlcv(10, 12, 9, 11, 1), at(1): flat(11)}
    revised = {**shown, at(0): Ohlcv(10.5, 12, 9, 11, 1)}

    assert [at(0)] == [each.open_time for each in plan_publications(revised, sent(shown), WINDOWS)]


def test_what_the_stream_refused_is_sent_again() -> None:
    publications = plan_publications(bars(10, 11, 12), Tail(), WINDOWS)
    tail = advance(Tail(), publications, {0, 2}, WINDOWS)

    assert [(at(1), Cause.REPEATED, [10])] == summary(plan_publications(bars(10, 11, 12), tail, WINDOWS))


def test_a_refused_bar_is_sent_again_even_if_the_provider_has_dropped_it() -> None:
    publications = plan_publications(bars(10, 11), Tail(), WINDOWS)
    tail = advance(Tail(), publications, {1}, WINDOWS)

    assert [(at(0), Cause.REPEATED, [])] == summary(plan_publications({at(1): flat(11)}, tail, WINDOWS))


def test_a_change_that_is_taken_back_after_a_crash_is_sent_as_it_was() -> None:
    before = sent(bars(10, 11))
    change = plan_publications(bars(99, 11), before, WINDOWS)
    in_doubt = advance(before, change, (), WINDOWS)  # written before the put; the crash comes after the put

    assert alters_the_past(change)
    assert [
        (at(0), Cause.REVISED, []),
        (at(1), Cause.REPEATED, [10]),
    ] == summary(plan_publications(bars(10, 11), in_doubt, WINDOWS))


def test_new_bars_alone_need_no_note_before_they_are_put() -> None:
    assert not alters_the_past(plan_publications(bars(10, 11), sent(bars(10)), WINDOWS))


def test_remembers_a_full_lookback_before_all_that_a_provider_shows() -> None:
    many = {f"2026-11-{day:02}T{hour:02}:00:00Z": flat(day) for day in range(1, 29) for hour in range(24)}

    tail = sent(many)

    assert len(tail.bars) == 299  # 100 shown, and 199 closes before the oldest of them
    assert tail.forgotten
    assert max(many) == tail.newest


def test_the_first_bar_that_is_no_longer_remembered_is_noted() -> None:
    # 100 that a provider shows, and 199 closes before the oldest of them.
    whole, one_more = (sent(bars(*(float(close) for close in range(1, 1 + count)))) for count in (299, 300))

    assert (whole.oldest, whole.forgotten) == (at(0), False)
    assert (one_more.oldest, one_more.forgotten) == (at(1), True)


def test_a_new_bar_by_itself_looks_back_over_the_tail_as_far_as_any_indicator_does() -> None:
    tail = Tail({at(minute): flat(minute) for minute in range(1, 300)})

    (publication,) = plan_publications({at(300): flat(300)}, tail, WINDOWS)

    # 199 closes, and the 198 steps between them.
    assert publication.lookback.close == [float(close) for close in range(101, 300)]
    assert publication.lookback.true_range == 198 * [1.0]


def test_what_is_older_than_the_memory_is_lookback_and_not_news() -> None:
    tail = Tail(bars={at(5): flat(15)}, forgotten=True)

    publications = plan_publications({at(4): flat(14), at(5): flat(15), at(6): flat(16)}, tail, WINDOWS)

    assert [(at(6), Cause.NEW, [14, 15])] == summary(publications)


def test_keeps_what_is_in_doubt_however_old_it_is() -> None:
    many = {f"2026-11-{day:02}T{hour:02}:00:00Z": flat(day) for day in range(1, 29) for hour in range(24)}
    publications = plan_publications(many, Tail(), WINDOWS)

    tail = advance(Tail(), publications, set(range(1, len(publications))), WINDOWS)

    assert [min(many)] == [each.open_time for each in plan_publications(many, tail, WINDOWS)]


def test_a_bar_before_all_that_a_new_tail_holds_is_late() -> None:
    tail = Tail(bars={at(5): flat(15)})

    publications = plan_publications({at(4): flat(14), at(5): flat(15)}, tail, WINDOWS)

    assert publications[0].cause is Cause.LATE


def minutes(first: int, after: int) -> dict[str, Ohlcv]:
    return {at(minute): flat(minute + 1) for minute in range(first, after)}


def test_of_a_long_answer_all_of_the_tail_is_compared_that_has_a_whole_lookback() -> None:
    # The tail holds the bars of 300 to 599, and a look-back is 199 bars.
    tail = Tail(minutes(300, 600), forgotten=True)

    # From 101 on its first bar has a whole look-back, and what is older than the tail is for that alone.
    assert comparable_bars(minutes(101, 601), tail, WINDOWS) == minutes(101, 601)
    # From 102 on it lacks one.
    assert comparable_bars(minutes(102, 601), tail, WINDOWS) == minutes(102, 300) | minutes(301, 601)
    # From within the tail on, its own first 199 bars are all that there is.
    assert comparable_bars(minutes(400, 601), tail, WINDOWS) == minutes(499, 601)


def test_what_is_new_goes_on_however_little_a_long_answer_shows() -> None:
    tail = Tail(minutes(10, 20), forgotten=True)

    assert comparable_bars(minutes(15, 25), tail, WINDOWS) == minutes(19, 25)
    assert comparable_bars(minutes(15, 20), tail, WINDOWS) == minutes(19, 20)


def test_of_a_tail_that_forgot_nothing_all_is_compared_and_nothing_older_is_sent() -> None:
    assert comparable_bars(minutes(0, 25), Tail(minutes(10, 20)), WINDOWS) == minutes(10, 25)
    assert comparable_bars(minutes(0, 25), Tail(), WINDOWS) == minutes(0, 25)
