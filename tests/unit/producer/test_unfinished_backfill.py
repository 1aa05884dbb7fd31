"""A month that one run cannot send goes on where it stopped; a month before the first bar is an empty one."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from minutes_of_a_producer import MINUTE, Refusal, World, close_of, utc

from producer.planning.planner import Plan
from stockstream.errors import InstrumentError
from stockstream.instruments import parse_instrument

BTC, IBM = parse_instrument("crypto:BTC/USD"), parse_instrument("IBM")
OCTOBER, NOVEMBER = datetime(2026, 10, 1, tzinfo=UTC), utc(1, 0)
COINS_MONTH = 31 * 1440


def coins_world(until: datetime = NOVEMBER) -> World:
    """In late November, with a coin that had a bar in each minute from the 29th of September on."""
    world = World(BTC.name, Plan(None, 10), (datetime(2026, 9, 29, tzinfo=UTC), until), alpaca=True)
    world.clock.now = utc(20, 12)
    return world


@pytest.mark.slow
def test_a_coins_month_goes_on_where_the_stream_had_no_more_room() -> None:
    world = coins_world()
    told = []
    for _ in range(4):
        world.stream.room = 14_000
        told.append(world.producer.backfill([BTC], "2026-10", seconds=3600)[BTC.name])

    # 14,000 minutes are 9 days, 17 hours and 20 minutes.
    assert [each["sent"] for each in told] == [14_000, 14_000, 14_000, COINS_MONTH - 42_000]
    assert [each.get("from") for each in told] == [
        "2026-10-10T17:20:00Z",
        "2026-10-20T10:40:00Z",
        "2026-10-30T04:00:00Z",
        None,
    ]
    assert [each.get("left") for each in told] == [COINS_MONTH - 14_000, COINS_MONTH - 28_000, 2_640, None]
    assert told[0]["reason"] == (
        "the run's time or the stream did not suffice; start the backfill again, and it goes on from there"
    )
    assert list(told[3]) == ["sent"]
    # Each bar once, and each look-back whole, also where a run began.
    assert len(world.stream.records) == COINS_MONTH
    assert world.missing(BTC.name, OCTOBER, NOVEMBER) == []
    first_of_the_second = world.stream.documents(BTC.name)[OCTOBER + 14_000 * MINUTE]
    assert first_of_the_second["lookback"]["close"] == [
        close_of(OCTOBER + number * MINUTE) for number in range(14_000 - 199, 14_000)
    ]


def test_a_month_that_was_sent_to_its_end_begins_anew_when_it_is_asked_for_again() -> None:
    world = coins_world(OCTOBER + timedelta(days=2))
    for room, sent in ((2_000, 2_000), (9_000, 880), (9_000, 2_880)):
        world.stream.room = room
        assert world.producer.backfill([BTC], "2026-10", seconds=3600)[BTC.name]["sent"] == sent


def test_another_month_has_its_own_beginning() -> None:
    world = coins_world(OCTOBER + timedelta(days=2))
    world.stream.room = 2_000
    world.producer.backfill([BTC], "2026-10", seconds=3600)
    world.stream.room = 9_000

    # The 29th and the 30th.
    assert world.producer.backfill([BTC], "2026-09", seconds=3600) == {BTC.name: {"sent": 2_880}}
    assert world.producer.backfill([BTC], "2026-10", seconds=3600) == {BTC.name: {"sent": 880}}


def test_what_no_time_is_left_for_is_told_and_asks_for_nothing() -> None:
    world = coins_world()

    assert world.producer.backfill([BTC], "2026-10", seconds=1) == {
        BTC.name: {
            "sent": 0,
            "reason": "the run had no time for it; start the backfill again, and it goes on from there",
        }
    }
    assert world.server.asked == []


def test_pages_that_break_off_send_what_came_and_the_next_backfill_goes_on_with_its_last_bar() -> None:
    until = OCTOBER + timedelta(days=1)
    world = coins_world(until)
    world.server.page_bars = 1_000

    def second_page_of_october(asked: dict[str, str]) -> Refusal | None:
        is_october = asked["start"].startswith("2026-10")
        return ConnectionError() if is_october and asked.get("page_token") == "1000" else None

    world.server.refuse = second_page_of_october
    told = world.producer.backfill([BTC], "2026-10", seconds=3600)[BTC.name]
    world.server.refuse = lambda _asked: None

    assert told["sent"] == 1_000
    assert "no answer" in str(told["reason"])
    # A day has 1,440 bars. The last bar of the first page is sent once more.
    assert world.producer.backfill([BTC], "2026-10", seconds=3600)[BTC.name]["sent"] == 441
    assert world.missing(BTC.name, OCTOBER, until) == []


def newly_listed(*, alpaca: bool) -> World:
    """A share whose first bar is that of Thursday 2026-10-15, 14:30 UTC, an hour after New York's opening."""
    world = World("IBM", Plan(None, 10), (OCTOBER, utc(28, 0)), alpaca=alpaca)
    times = world.market.times["IBM"]
    world.market.times["IBM"] = [each for each in times if each >= datetime(2026, 10, 15, 14, 30, tzinfo=UTC)]
    world.clock.now = utc(20, 19)
    return world


INVALID = b'{"Error Message": "Invalid API call. Please retry or visit the documentation"}'
META = b'"Meta Data": {"2. Symbol": "IBM", "4. Interval": "1min", "6. Time Zone": "US/Eastern"}'
EMPTY = b"{" + META + b', "Time Series (1min)": {}}'


@pytest.mark.parametrize("no_bars", [None, INVALID, EMPTY], ids=["no body", "invalid call", "empty series"])
def test_the_first_month_of_a_share_is_sent_though_there_is_none_before_it(
    caplog: pytest.LogCaptureFixture, no_bars: bytes | None
) -> None:
    world = newly_listed(alpaca=False)
    world.server.refuse = lambda asked: no_bars if asked.get("month") == "2026-09" else None

    # 12 sessions of 390 bars from the 15th to the 30th, less an hour.
    assert world.producer.backfill([IBM], "2026-10", seconds=3600) == {"IBM": {"sent": 12 * 390 - 60}}
    assert world.broken_lookbacks("IBM") == []
    assert [each.message for each in caplog.records] == ["no bars before the month"]


def test_and_so_it_is_on_alpaca(caplog: pytest.LogCaptureFixture) -> None:
    world = newly_listed(alpaca=True)

    assert world.producer.backfill([IBM], "2026-10", seconds=3600) == {"IBM": {"sent": 12 * 390 - 60}}
    assert world.broken_lookbacks("IBM") == []
    assert [each.message for each in caplog.records] == ["no bars before the month"]


@pytest.mark.parametrize("refusal", [INVALID, b"{}"])
def test_a_month_that_has_no_bars_itself_is_a_failure(refusal: bytes) -> None:
    world = newly_listed(alpaca=False)
    world.server.refuse = lambda asked: refusal if asked.get("month") == "2026-10" else None

    told = world.producer.backfill([IBM], "2026-10", seconds=3600)["IBM"]

    assert told["sent"] == 0
    assert str(told["reason"]).startswith("IBM: ")


def test_two_months_are_asked_for_a_second_apart() -> None:
    world = World("IBM,MSFT", Plan(None, 10), (utc(16, 0), utc(28, 0)))
    world.clock.now = utc(20, 19)

    world.producer.backfill(world.instruments, "2026-11", seconds=3600)

    moments = [moment for moment, _ in world.server.asked]
    apart = [after - before for before, after in pairwise(moments)]
    assert len(apart) == 3
    assert all(timedelta(seconds=1) < each < timedelta(seconds=2) for each in apart)


def test_a_share_of_an_exchange_without_a_calendar_is_refused_before_it_is_asked_for() -> None:
    world = World("IBM", Plan(None, 10), (OCTOBER, utc(28, 0)))

    with pytest.raises(InstrumentError, match=r"no calendar says when \.TYO trades"):
        world.producer.backfill([parse_instrument("7203.TYO")], "2026-10", seconds=3600)

    assert world.server.asked == []
    assert world.ledger_item.page.version == 0
