"""Price moves: small tables of closes, and percentages worked by hand."""

from datetime import UTC, datetime, timedelta

import pytest

from producer.ohlcv import Ohlcv
from producer.publishing.price_moves import NO_WATCH, PriceMove, PriceWatch
from stockstream.instruments import parse_instrument
from stockstream.times import format_time

IBM, EURO, COIN = map(parse_instrument, ("IBM", "fx:EUR/USD", "crypto:BTC/USD"))
OPEN = datetime(2026, 11, 20, 14, 30, tzinfo=UTC)
WATCH = PriceWatch(percent=5, bars=2)


def closes(*prices: float, start: datetime = OPEN, minutes: int = 1) -> dict[str, Ohlcv]:
    return {
        format_time(start + timedelta(minutes=minutes * number)): Ohlcv(price, price, price, price, 1.0)
        for number, price in enumerate(prices)
    }


def find(
    bars: dict[str, Ohlcv], watch: PriceWatch = WATCH, *, new: int = 1, after: timedelta = timedelta()
) -> PriceMove | None:
    newest = sorted(bars)[-new:]
    now = datetime.fromisoformat(newest[-1]) + timedelta(minutes=1) + after
    return watch.find_move(IBM, "1min", bars, newest, now)


def test_a_move_goes_from_one_close_to_another_some_bars_later() -> None:
    move = find(closes(100.0, 90.0, 93.0))

    assert move == PriceMove(-7.0, 100.0, 93.0, "2026-11-20T14:31:00Z", "2026-11-20T14:33:00Z")


def test_a_move_ends_with_the_session_that_cuts_its_last_bar_short() -> None:
    # New York's bars of an hour, from its opening on: the last one, of 20:30 UTC, ends at 21:00.
    bars = closes(100.0, 90.0, 93.0, start=datetime(2026, 11, 20, 18, 30, tzinfo=UTC), minutes=60)

    move = WATCH.find_move(IBM, "60min", bars, list(bars)[-1:], datetime(2026, 11, 20, 21, 2, tzinfo=UTC))

    assert move == PriceMove(-7.0, 100.0, 93.0, "2026-11-20T19:30:00Z", "2026-11-20T21:00:00Z")


def test_of_several_new_bars_the_greatest_move_counts_up_or_down() -> None:
    # 100 -> 104 is +4, 100 -> 90 is -10, 104 -> 110 is +5.8.
    move = find(closes(100.0, 100.0, 104.0, 90.0, 110.0), new=3)

    assert move is not None
    assert (move.change_percent, move.to_price) == (-10.0, 90.0)


def test_a_bar_that_has_been_seen_before_is_no_news() -> None:
    bars = closes(100.0, 100.0, 150.0, 100.0, 150.0)

    move = find(bars, new=2)

    # Neither 100 -> 150 of the third bar, nor a bar that came again.
    assert move is not None
    assert (move.from_price, move.to_price) == (100.0, 100.0)
    assert WATCH.find_move(IBM, "1min", bars, [], OPEN) is None


def test_an_opening_gap_is_no_move() -> None:
    evening = closes(100.0, 100.0, start=datetime(2026, 11, 19, 20, 58, tzinfo=UTC))

    assert find(evening | closes(120.0)) is None
    assert find(evening | closes(120.0, 121.0)) is None
    move = find(evening | closes(120.0, 121.0, 126.0))
    assert move is not None
    assert move.change_percent == 5.0


def test_a_lunch_break_is_a_gap_too() -> None:
    shanghai = parse_instrument("600104.SHH")
    # 11:28 to 11:30 and 13:00 in Shanghai.
    bars = closes(10.0, 10.0, start=datetime(2026, 11, 20, 3, 28, tzinfo=UTC))
    afternoon = datetime(2026, 11, 20, 5, 0, tzinfo=UTC)
    bars |= closes(12.0, start=afternoon)

    assert WATCH.find_move(shanghai, "1min", bars, [format_time(afternoon)], afternoon) is None


def test_a_coin_has_no_gaps() -> None:
    saturday = datetime(2026, 11, 21, 23, 59, tzinfo=UTC)
    bars = closes(100.0, 101.0, 110.0, start=saturday)

    move = WATCH.find_move(COIN, "1min", bars, bars, saturday + timedelta(minutes=3))

    assert move is not None
    assert move.change_percent == 10.0


@pytest.mark.parametrize(("minutes", "is_news"), [(0, True), (119, True), (120, True), (121, False)])
def test_what_ended_more_than_two_hours_ago_is_history(minutes: int, is_news: bool) -> None:  # noqa: FBT001
    move = find(closes(100.0, 90.0, 93.0), after=timedelta(minutes=minutes))

    assert (move is not None) == is_news


def test_long_bars_are_history_after_two_hours_too() -> None:
    saturday = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
    bars = closes(100.0, 90.0, 93.0, start=saturday, minutes=60)
    ended = saturday + timedelta(hours=3)
    newest = [max(bars)]

    assert WATCH.find_move(COIN, "60min", bars, newest, ended + timedelta(minutes=120)) is not None
    assert WATCH.find_move(COIN, "60min", bars, newest, ended + timedelta(minutes=121)) is None


def test_a_bar_without_enough_bars_before_it_has_no_move() -> None:
    assert find(closes(100.0, 200.0), new=2) is None


def test_only_what_is_watched_is_looked_at() -> None:
    bars = closes(100.0, 90.0, 93.0)

    assert find(bars, PriceWatch(5, 2, frozenset({"MSFT"}))) is None
    assert find(bars, PriceWatch(5, 2, frozenset({"IBM"}))) is not None


def test_of_a_watch_without_a_threshold_nothing_is_looked_at() -> None:
    bars = closes(100.0, 100.0, 100.0, 100.0, 100.0, 150.0)

    assert find(bars, PriceWatch(percent=0, bars=5)) is None
    assert find(bars, NO_WATCH) is None


def test_a_move_goes_over_five_bars_unless_a_watch_says_otherwise() -> None:
    # From the first close to the sixth: 5 of 100. Over four bars it would be a fall from 140, over six none.
    move = find(closes(100.0, 140.0, 140.0, 140.0, 140.0, 105.0), PriceWatch(percent=5))

    assert move is not None
    assert (move.change_percent, move.from_price) == (5.0, 100.0)


@pytest.mark.parametrize(
    ("change", "is_large"), [(4.99, False), (5.0, True), (-5.0, True), (-4.99, False), (40.0, True)]
)
def test_a_move_is_large_from_the_threshold_on(change: float, is_large: bool) -> None:  # noqa: FBT001
    assert WATCH.is_large(PriceMove(change, 1.0, 1.0, "", "")) == is_large


def test_pairs_are_watched_while_their_market_is_open() -> None:
    sunday = datetime(2026, 11, 22, 22, 0, tzinfo=UTC)  # the currency market's week begins
    friday = closes(1.0, 1.0, start=datetime(2026, 11, 20, 21, 58, tzinfo=UTC))
    bars = friday | closes(1.2, start=sunday)

    assert WATCH.find_move(EURO, "1min", bars, [format_time(sunday)], sunday) is None
