"""The invented market: deterministic, plausible, and with a real market's bad habits."""

import itertools
import statistics
from datetime import UTC, datetime, timedelta

import pytest

from stockstream.bars import INTERVALS
from stockstream.instruments import Instrument, parse_instrument
from stockstream.validation import check_prices, check_volume
from stockstream_local.market import invented as market
from stockstream_local.market.invented import MarketBar

IBM = parse_instrument("IBM")
EURUSD = parse_instrument("fx:EUR/USD")
BTCUSD = parse_instrument("crypto:BTC/USD")
NOW = datetime(2026, 11, 20, 15, 30, 40, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


def shown(moment: datetime, minutes: int = 3000) -> dict[datetime, MarketBar]:
    return {bar.open_time: bar for bar in market.bars(IBM, "1min", moment, minutes)}


@pytest.mark.parametrize("instrument", [IBM, EURUSD, BTCUSD], ids=str)
@pytest.mark.parametrize("interval", INTERVALS)
def test_shows_as_many_valid_bars_as_asked_oldest_first(instrument: Instrument, interval: str) -> None:
    bars = market.bars(instrument, interval, NOW, 100)

    assert len(bars) == 100
    assert all(earlier.open_time < later.open_time for earlier, later in itertools.pairwise(bars))
    for bar in bars:
        check_prices(bar.open, bar.high, bar.low, bar.close)
        check_volume(bar.volume)
        assert bar.open_time.timestamp() % INTERVALS[interval].total_seconds() == 0


def test_the_newest_bar_is_still_forming() -> None:
    early = market.bars(EURUSD, "1min", NOW.replace(second=5), 1)[0]
    late = market.bars(EURUSD, "1min", NOW.replace(second=55), 1)[0]

    assert early.open_time == late.open_time == NOW.replace(second=0)
    assert early.open == late.open
    assert early != late


def test_a_bar_that_starts_now_does_not_exist_yet() -> None:
    newest = market.bars(EURUSD, "1min", NOW.replace(second=0), 1)[0]

    assert newest.open_time == NOW.replace(second=0) - MINUTE


def test_a_finished_bar_changes_only_by_its_one_revision() -> None:
    first_told = {minute: shown(minute + MINUTE, 1).get(minute) for minute in shown(NOW, 600)}
    final = shown(NOW + timedelta(days=1))
    changed = {minute for minute, bar in first_told.items() if bar and bar != final[minute]}

    # 3% of the bars, of which some are too young to have been revised.
    assert 5 <= len(changed) <= 40
    for minute in changed:
        told = [shown(minute + MINUTE + timedelta(seconds=10 * step), 12)[minute] for step in range(40)]
        assert told[0] == told[11] == first_told[minute]  # it stands for two minutes at least
        assert told[-1] == final[minute]
        assert sum(earlier != later for earlier, later in itertools.pairwise(told)) == 1


def test_a_share_has_minutes_without_trades_and_a_pair_has_none() -> None:
    def minutes_spanned(instrument: Instrument) -> float:
        bars = market.bars(instrument, "1min", NOW, 2000)
        return (bars[-1].open_time - bars[0].open_time) / MINUTE + 1

    assert minutes_spanned(EURUSD) == 2000
    assert minutes_spanned(BTCUSD) == 2000
    # One in 25 is left out: 2000 bars take about 2083 minutes.
    assert 2040 <= minutes_spanned(IBM) <= 2130


def test_a_longer_bar_is_its_minutes_merged() -> None:
    start = datetime(2026, 11, 20, 14, 0, tzinfo=UTC)
    minutes = [bar for time, bar in shown(NOW).items() if start <= time < start + timedelta(hours=1)]
    hour = next(bar for bar in market.bars(IBM, "60min", NOW, 3) if bar.open_time == start)

    assert hour == MarketBar(
        start,
        minutes[0].open,
        max(bar.high for bar in minutes),
        min(bar.low for bar in minutes),
        minutes[-1].close,
        sum(bar.volume or 0 for bar in minutes),
    )


def test_each_minute_opens_where_the_one_before_closed() -> None:
    bars = market.bars(EURUSD, "1min", NOW, 1000)
    apart = [later.open - earlier.close for earlier, later in itertools.pairwise(bars)]

    assert max(abs(gap) for gap in apart) < 0.0003
    assert sum(gap == 0 for gap in apart) > 950


@pytest.mark.parametrize(
    ("instrument", "level", "quiet", "wild"),
    [(IBM, 290, 1e-4, 1e-3), (EURUSD, 1.16, 3e-5, 3e-4), (BTCUSD, 97_000, 2e-4, 2e-3)],
    ids=str,
)
def test_prices_wander_as_much_as_real_ones(
    instrument: Instrument, level: float, quiet: float, wild: float
) -> None:
    closes = [bar.close for bar in market.bars(instrument, "1min", NOW, 5000)]
    returns = [later / earlier - 1 for earlier, later in itertools.pairwise(closes)]

    assert quiet < statistics.stdev(returns) < wild
    assert level * 0.85 < min(closes) < max(closes) < level * 1.15


def test_two_instruments_do_not_move_together() -> None:
    one, other = (
        [bar.close for bar in market.bars(parse_instrument(name), "1min", NOW, 500)]
        for name in ("crypto:BTC/USD", "crypto:ETH/USD")
    )

    assert abs(statistics.correlation(one, other)) < 0.9


def test_a_share_rests_in_the_hour_that_a_clock_shows_twice() -> None:
    # New York set its clocks back at 06:00 UTC: 05:30 UTC and 06:30 UTC were both called 01:30.
    after = datetime(2026, 11, 1, 8, 0, tzinfo=UTC)
    hours = {bar.open_time.hour for bar in market.bars(IBM, "1min", after, 300) if bar.open_time.day == 1}

    assert {4, 5, 7} <= hours
    assert 6 not in hours
