"""What looks like a split; the quotients are worked by hand."""

from datetime import UTC, datetime

import pytest

from producer.ohlcv import Ohlcv
from producer.publishing.split_suspicions import SplitSuspicion, suspect_split
from stockstream.instruments import parse_instrument
from stockstream.splits import Split

NOW = datetime(2026, 11, 30, 15, 0, tzinfo=UTC)
CLOSE, OPEN = "2026-11-27T17:59:00Z", "2026-11-30T14:30:00Z"  # New York's half day, and Monday


def suspect(
    closed: float,
    opened: float,
    *splits: Split,
    name: str = "IBM",
    before: str = CLOSE,
    after: str = OPEN,
) -> str | None:
    """The ratio that is suspected where a day closed and the next one opened so."""
    bars = {
        before: Ohlcv(closed, closed, closed, closed, 1.0),
        after: Ohlcv(opened, opened, opened, opened, 1.0),
    }
    found = suspect_split(parse_instrument(name), bars, {after}, splits, NOW)
    return found.ratio if found else None


@pytest.mark.parametrize(
    ("closed", "opened", "ratio"),
    [
        (2500.0, 250.0, "10:1"),
        (2500.0, 243.0, "10:1"),  # and 2.8 % down over night: 10.29
        (300.0, 200.0, "3:2"),
        (100.0, 50.0, "2:1"),
        (100.0, 52.5, "2:1"),  # 1.905
        (100.0, 52.7, None),  # 1.898 is 5.1 % from 2
        (140.0, 7.0, "20:1"),
        (100.0, 2.0, "50:1"),
        (102.0, 2.0, "50:1"),  # there is no 51:1
        (2.0, 16.0, "1:8"),
        (2.0, 3.0, "2:3"),
        (100.0, 80.0, None),  # 5:4, and a bad day
        (100.0, 100.0, None),
    ],
)
def test_a_small_whole_ratio_is_suspected(closed: float, opened: float, ratio: str | None) -> None:
    assert suspect(closed, opened) == ratio


def test_the_first_bar_of_the_day_is_compared_with_the_last_one_before() -> None:
    flat = dict.fromkeys(["2026-11-27T17:58:00Z", "2026-11-30T14:31:00Z"], Ohlcv(1.0, 1.0, 1.0, 1.0, 1.0))
    bars = flat | {CLOSE: Ohlcv(40.0, 41.0, 39.0, 40.5, 1.0), OPEN: Ohlcv(8.1, 9.0, 8.0, 8.8, 1.0)}

    assert suspect_split(parse_instrument("IBM"), bars, {OPEN, "2026-11-30T14:31:00Z"}, [], NOW) == (
        SplitSuspicion("5:1", "2026-11-30", 40.5, 8.1, OPEN)
    )
    assert suspect_split(parse_instrument("IBM"), bars, {"2026-11-30T14:31:00Z"}, [], NOW) is None
    assert suspect_split(parse_instrument("IBM"), bars, set(), [], NOW) is None


@pytest.mark.parametrize("said", [Split("2026-11-30T05:00:00Z", 10, 1), Split("2026-11-30T05:00:00Z", 1, 1)])
def test_of_what_a_person_has_confirmed_or_refused_nobody_is_told(said: Split) -> None:
    assert suspect(2500.0, 250.0, said) is None
    assert suspect(2500.0, 250.0, Split(OPEN, said.new, said.old)) is None
    # The bar that begins at the moment of a split is in new shares already.
    assert suspect(2500.0, 250.0, Split(CLOSE, said.new, said.old)) == "10:1"
    assert suspect(2500.0, 250.0, Split("2026-11-20T05:00:00Z", said.new, said.old)) == "10:1"


@pytest.mark.parametrize(
    ("name", "before", "after", "ratio"),
    [
        pytest.param("IBM", "2026-11-30T15:00:00Z", "2026-11-30T15:01:00Z", None, id="within a day"),
        # 19:59 and 4:00 in New York are one day in UTC.
        pytest.param("IBM", "2026-11-30T00:59:00Z", "2026-11-30T09:00:00Z", "10:1", id="extended hours"),
        # 9:15 in Bombay is the day after that of 23:00 in UTC.
        pytest.param("TCS.BSE", "2026-11-27T09:59:00Z", "2026-11-30T03:45:00Z", "10:1", id="elsewhere"),
        pytest.param("crypto:BTC/USD", CLOSE, OPEN, None, id="a coin"),
        pytest.param("fx:EUR/USD", CLOSE, OPEN, None, id="a pair"),
        pytest.param("IBM", "2026-11-16T14:30:00Z", OPEN, "10:1", id="after two weeks"),
        pytest.param("IBM", "2026-11-16T14:29:00Z", OPEN, None, id="after more than two weeks"),
        pytest.param("IBM", "2026-11-13T20:59:00Z", "2026-11-16T15:00:00Z", "10:1", id="two weeks ago"),
        pytest.param("IBM", "2026-11-13T20:59:00Z", "2026-11-16T14:59:00Z", None, id="before that"),
        pytest.param("IBM", "2026-10-27T15:00:00Z", "2026-10-28T15:00:00Z", None, id="old news"),
    ],
)
def test_it_is_from_one_day_of_trading_shares_to_the_next(
    name: str, before: str, after: str, ratio: str | None
) -> None:
    assert suspect(2500.0, 250.0, name=name, before=before, after=after) == ratio


def test_of_several_jumps_the_newest_is_told() -> None:
    closes = {
        "2026-11-25T20:59:00Z": 600.0,
        "2026-11-27T17:58:00Z": 300.0,
        "2026-11-27T17:59:00Z": 300.0,
        OPEN: 100.0,
        "2026-11-30T14:31:00Z": 100.0,
    }
    bars = {time: Ohlcv(close, close, close, close, 1.0) for time, close in closes.items()}

    found = suspect_split(parse_instrument("IBM"), bars, set(bars), [], NOW)

    assert found == SplitSuspicion("3:1", "2026-11-30", 300.0, 100.0, OPEN)


def test_a_fall_to_a_fifth_is_one_of_80_percent() -> None:
    assert SplitSuspicion("5:1", "2026-11-30", 40.0, 8.0, OPEN).change_percent == -80.0
