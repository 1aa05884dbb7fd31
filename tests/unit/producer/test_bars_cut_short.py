"""Bars that the session's end cuts short, and grids that begin with it: each bar comes when it ends.

A run is twenty seconds past each minute. A bar is asked for a minute after its end, and the last one of a
session two minutes after the close. Expected times are worked out by hand, in UTC.
"""

from datetime import UTC, datetime, timedelta

import pytest
from minutes_of_a_producer import Clock, World, utc

from producer.planning.planner import Plan

FREE, PAID = Plan(25, 1), Plan(None, 75)
# London trades from 8:00 to 16:30, New York from 14:30 to 21:00 UTC, on the 27th to 18:00.
# Bombay from 9:15 to 15:30, 3:45 to 10:00 UTC.
DAYS = [
    pytest.param(
        "TSCO.LON", "60min", 20, [*(f"{hour:02}:01" for hour in range(9, 17)), "16:32"], id="London"
    ),
    pytest.param("IBM", "60min", 20, [*(f"{hour}:31" for hour in range(15, 21)), "21:02"], id="New York"),
    pytest.param("IBM", "60min", 27, ["15:31", "16:31", "17:31", "18:02"], id="New York, half a day"),
    pytest.param(
        "INFY.BSE", "60min", 20, [*(f"{hour:02}:46" for hour in range(4, 10)), "10:02"], id="Bombay"
    ),
    pytest.param(
        "INFY.BSE",
        "30min",
        20,
        [
            "04:16",
            "04:46",
            "05:16",
            "05:46",
            "06:16",
            "06:46",
            "07:16",
            "07:46",
            "08:16",
            "08:46",
            "09:16",
            "09:46",
            "10:02",
        ],
        id="Bombay, half hours",
    ),
]


# From when until when the producer runs.
AWAKE = {"TSCO.LON": ((7, 50), (17, 15)), "IBM": ((13, 50), (21, 40)), "INFY.BSE": ((3, 40), (10, 40))}


def run_until_the_evening(world: World, day: int) -> list[datetime]:
    """When each bar of a day came first, after a day before it."""
    (name,) = world.market.times
    begin, end = AWAKE[name]
    for each in (19 if day == 20 else 25, day):
        world.run(utc(each, *begin), utc(each, *end))
    came: dict[str, datetime] = {}
    for record in world.stream.of_instrument(name):
        came.setdefault(record["open_time"], datetime.fromisoformat(record["as_of"]))
    return [moment for open_time, moment in sorted(came.items()) if open_time.startswith(f"2026-11-{day}")]


def moments(day: int, times: list[str]) -> list[datetime]:
    return [datetime.fromisoformat(f"2026-11-{day}T{time}:20").replace(tzinfo=UTC) for time in times]


@pytest.mark.parametrize(("name", "interval", "day", "times"), DAYS)
def test_each_bar_comes_a_minute_after_its_end(name: str, interval: str, day: int, times: list[str]) -> None:
    world = World(name, PAID, (utc(16, 0), utc(28, 0)), interval=interval)

    assert run_until_the_evening(world, day) == moments(day, times)


@pytest.mark.parametrize(("name", "interval", "day", "times"), DAYS)
def test_with_25_requests_a_day_each_bar_comes_within_a_few_minutes(
    name: str, interval: str, day: int, times: list[str]
) -> None:
    world = World(name, FREE, (utc(16, 0), utc(28, 0)), interval=interval)

    came = run_until_the_evening(world, day)

    late = [after - due for after, due in zip(came, moments(day, times), strict=True)]
    # Requests are spread over what is left of the session: a bar is waited for by a tenth of its length more.
    assert max(late) <= timedelta(minutes=6)
    # The last one, which the close cuts short, is not waited for.
    assert late[-1] == timedelta()


@pytest.mark.parametrize("alpaca", [False, True])
def test_bars_that_begin_with_the_clock_come_a_minute_after_their_end_too(*, alpaca: bool) -> None:
    # New York's first bar is that of 14:00 UTC, of which half an hour is traded.
    world = World("IBM", PAID, (utc(16, 0), utc(28, 0)), interval="60min", alpaca=alpaca)
    world.market.times["IBM"] = [each - timedelta(minutes=30) for each in world.market.times["IBM"]]

    times = [*(f"{hour}:01" for hour in range(15, 21)), "21:02"]
    assert run_until_the_evening(world, 20) == moments(20, times)


class BehindClock(Clock):
    """The time of a server whose data is late."""

    def __init__(self, clock: Clock, delay: timedelta) -> None:
        self._clock, self._delay = clock, delay

    @property
    def now(self) -> datetime:  # type: ignore[override]  # it follows another clock
        return self._clock.now - self._delay


@pytest.mark.parametrize("plan", [FREE, PAID], ids=["free", "paid"])
@pytest.mark.parametrize(
    ("name", "day", "auction", "delay", "until"),
    [
        # London's closing auction ends at 16:35, on half a day at 12:35, and Frankfurt's at 17:35, 16:35 UTC.
        ("TSCO.LON", utc(20, 0), "16:35", 0, "16:58"),
        ("TSCO.LON", utc(20, 0), "16:35", 15, "16:58"),
        ("TSCO.LON", utc(20, 0) + timedelta(days=34), "12:35", 15, "12:58"),
        ("MBG.DEX", utc(20, 0), "16:35", 15, "17:03"),
    ],
)
def test_the_closing_auction_comes_on_its_own_day(
    plan: Plan, name: str, day: datetime, auction: str, delay: int, until: str
) -> None:
    hour, minute = map(int, auction.split(":"))
    moment = day + timedelta(hours=hour, minutes=minute)
    world = World(name, plan, (day, day + timedelta(days=1)))
    world.market.times[name].append(moment)
    world.server.clock = BehindClock(world.clock, timedelta(minutes=delay))

    world.run(moment - timedelta(minutes=40), moment + timedelta(minutes=40))

    came = [datetime.fromisoformat(each["as_of"]) for each in world.stream.of_instrument(name)
            if each["open_time"] == f"{moment:%Y-%m-%dT%H:%M:%SZ}"]  # fmt: skip
    assert len(came) == 1
    assert f"{came[0]:%H:%M}" <= until
    assert world.missing(name, moment - timedelta(minutes=40), moment + timedelta(minutes=1)) == []


def test_an_hour_that_has_the_closing_auction_in_it_is_revised_on_its_day() -> None:
    world = World("TSCO.LON", PAID, (utc(16, 0), utc(28, 0)), interval="60min")
    # The bar of 16:00 gets the price of 16:35.
    world.server.revisions[utc(20, 16)] = utc(20, 16, 36), 7.0

    world.run(utc(20, 15, 55), utc(20, 16, 59))

    assert world.stream.documents("TSCO.LON")[utc(20, 16)]["close"] == 7.0
