"""How long bars are overdue: moments and allowances worked by hand."""

from datetime import UTC, date, datetime, timedelta

import pytest

from producer.markets.watchlist import Watchlist
from producer.planning.ledger import Ledger, RequestState
from producer.planning.overdue import ExpectedLag, longest_pause, measure_overdue, usual_quiet
from producer.planning.planner import Plan
from stockstream.instruments import parse_instrument
from stockstream.times import format_time

MINUTE = timedelta(minutes=1)
# Together with the two bars that a bar takes to show, a quarter of an hour is explained.
LAG = ExpectedLag(pause=3 * MINUTE, delay=10 * MINUTE)


def at(text: str, day: str = "2026-11-20") -> datetime:
    """A moment of a day of trading in New York, where 14:30 to 21:00 UTC is the session."""
    return datetime.fromisoformat(f"{day}T{text}").replace(tzinfo=UTC)


def overdue(now: datetime, **known: RequestState) -> float | None:
    """In minutes, of equities in New York; `TSCO_LON` is TSCO.LON."""
    asked = {name.replace("_", "."): each for name, each in known.items()}
    instruments = [parse_instrument(name) for name in asked]
    measured = measure_overdue(
        Watchlist(tuple(instruments), "1min", "regular"), Ledger(instruments=asked), LAG, now
    )
    return None if measured is None else measured / MINUTE


def bar(open_time: str, **more: timedelta) -> RequestState:
    return RequestState(asked_at=at(open_time), newest=at(open_time), **more)  # type: ignore[arg-type]  # quiet alone


@pytest.mark.parametrize(("now", "late"), [("15:05", 0), ("15:16", 0), ("15:21", 5), ("16:01", 45)])
def test_bars_are_overdue_beyond_what_the_plan_and_its_delay_explain(now: str, late: float) -> None:
    # The bar of 15:00 ended at 15:01.
    assert overdue(at(now), IBM=bar("15:00")) == late


def test_the_night_is_nobodys_delay() -> None:
    yesterday = RequestState(newest=at("20:59", "2026-11-19"))

    assert overdue(at("14:45"), IBM=yesterday) == 0
    assert overdue(at("14:50"), IBM=yesterday) == 5


@pytest.mark.parametrize(
    "now",
    [
        at("14:29"),
        at("21:00"),
        at("16:00", "2026-11-21"),  # a Saturday
        at("16:00", "2026-11-26"),  # Thanksgiving
        at("18:00", "2026-11-27"),  # the day after it, which ends at 13:00 in New York
    ],
)
def test_nothing_is_overdue_while_the_market_is_closed(now: datetime) -> None:
    assert overdue(now, IBM=RequestState(newest=at("15:00", "2026-11-19"))) is None


CHRISTMAS = Watchlist((parse_instrument("fx:EUR/USD"),), "1min", "regular")


def missing_since(now: datetime, newest: datetime) -> float | None:
    """In minutes, of EUR/USD."""
    ledger = Ledger(instruments={"fx:EUR/USD": RequestState(newest=newest)})
    measured = measure_overdue(CHRISTMAS, ledger, LAG, now)
    return None if measured is None else measured / MINUTE


@pytest.mark.parametrize(("eve", "hour"), [("2026-12-24", 18), ("2026-12-31", 22)])
def test_on_a_holiday_no_bar_of_a_currency_is_missing_and_after_it_all_are(eve: str, hour: int) -> None:
    # 13:00 in New York is 18:00 UTC; Christmas and New Year's Day are Fridays, so that the week ends then.
    last = at(f"{hour - 1}:50", eve)
    day = (last + timedelta(days=1)).date().isoformat()

    assert missing_since(at(f"{hour - 1}:59", eve), last) == 0
    assert missing_since(at(f"{hour}:00", eve), last) is None
    assert missing_since(at("12:00", day), last) is None
    assert missing_since(at("23:30", day), last) is None


def test_the_week_goes_on_an_hour_after_a_holiday_in_its_middle() -> None:
    # In 2024 Christmas was a Wednesday. The currency market is missed again from 18:00 in New York on.
    last = at("21:50", "2024-12-24")

    assert missing_since(at("22:59", "2024-12-25"), last) is None
    assert missing_since(at("23:15", "2024-12-25"), last) == 0
    assert missing_since(at("23:20", "2024-12-25"), last) == 5


def test_where_one_instrument_has_new_bars_the_others_had_no_trades() -> None:
    assert overdue(at("17:00"), IBM=bar("16:58"), TINY=bar("14:31")) == 0


def test_where_all_have_stopped_the_silence_of_the_one_that_is_traded_most_counts() -> None:
    tiny = bar("15:20", quiet=25 * MINUTE)

    # 15:31 and the quarter of an hour.
    assert overdue(at("15:51"), IBM=bar("15:30"), TINY=tiny) == 5


def test_what_is_traded_seldom_may_be_silent_for_twice_its_usual_silence() -> None:
    # 15:01, the quarter of an hour, and twice 12 minutes.
    assert overdue(at("15:40"), TINY=bar("15:00", quiet=12 * MINUTE)) == 0
    assert overdue(at("15:45"), TINY=bar("15:00", quiet=12 * MINUTE)) == 5


def test_a_coin_with_a_bar_each_third_hour_is_overdue_after_six_hours_and_not_before() -> None:
    coin = parse_instrument("crypto:BTC/USD")
    quiet = usual_quiet("always", each_third_hour(10), "1min")
    ledger = Ledger(instruments={coin.name: bar("15:00", quiet=quiet)})
    watchlist = Watchlist((coin,), "1min", "regular")

    # 15:01, the quarter of an hour, and twice 2 hours and 59 minutes.
    assert quiet == 179 * MINUTE
    assert measure_overdue(watchlist, ledger, LAG, at("21:14")) == timedelta()
    assert measure_overdue(watchlist, ledger, LAG, at("21:19")) == 5 * MINUTE


def test_each_open_market_counts_and_the_worst_is_told() -> None:
    # London is open until 16:30 UTC.
    assert overdue(at("16:00"), IBM=bar("15:58"), TSCO_LON=bar("15:00")) == 44
    assert overdue(at("16:30"), IBM=bar("16:28"), TSCO_LON=bar("15:00")) == 0


def test_nobody_waits_for_what_has_never_been_asked_for() -> None:
    assert overdue(at("17:00"), IBM=RequestState()) is None


def test_what_has_failed_from_the_beginning_is_overdue_since_then() -> None:
    assert overdue(at("17:00"), IBM=RequestState(failed_at=at("16:40"), failures=5)) == 5


@pytest.mark.parametrize(
    ("names", "plan", "together", "minutes"),
    [
        # 390 bars in New York and 510 in London.
        (["IBM", "TSCO.LON"], Plan(25, 1), 1, 900 / 25),
        (["IBM"], Plan(25, 1), 1, 390 / 25),
        (["IBM"], Plan(None, 75), 1, 1),
        # A request takes both along, and for most of the day only one of them is open.
        (["IBM", "TSCO.LON"], Plan(25, 1), 100, 900 / 25),
        (["IBM", "MSFT"], Plan(25, 1), 100, 390 / 25),
        (["IBM", "MSFT", "BAC"], Plan(25, 1), 1, 3 * 390 / 25),
        (["crypto:BTC/USD"], Plan(25, 1), 1, 1440 / 25),
        (["IBM", "MSFT", "BAC"], Plan(None, 1), 1, 3),
        (["IBM", "MSFT", "BAC"], Plan(None, 2), 1, 2),
        # The day allows more than the minutes do.
        (["IBM", "MSFT", "BAC"], Plan(100_000, 1), 1, 3),
    ],
)
def test_the_longest_pause_is_two_fifths_more_than_days_and_minutes_allow(
    names: list[str], plan: Plan, together: int, minutes: float
) -> None:
    instruments = tuple(map(parse_instrument, names))

    pause = longest_pause(
        Watchlist(instruments, "1min", "regular"),
        plan._replace(instruments_per_request=together),
        date(2026, 11, 20),
    )
    assert pause / MINUTE == pytest.approx(1.4 * minutes)


def test_the_fullest_day_of_a_week_counts() -> None:
    ibm = Watchlist((parse_instrument("IBM"),), "1min", "regular")

    # Saturday before Thanksgiving; and Thanksgiving itself.
    for day in (date(2026, 11, 21), date(2026, 11, 26)):
        assert longest_pause(ibm, Plan(25, 1), day) == 1.4 * 390 / 25 * MINUTE


@pytest.mark.parametrize("day", [date(2026, 9, 30), date(2026, 10, 1)])
def test_a_week_has_seven_days(day: date) -> None:
    # Shanghai closes from 1 to 7 October, and New York's midnight lies in its lunch: a quota day has its own
    # date's afternoon, 120 minutes, and the morning of the next. Half of 30 September and 7 October is left.
    shanghai = Watchlist((parse_instrument("600104.SHH"),), "1min", "regular")

    assert longest_pause(shanghai, Plan(25, 1), day) == 1.4 * 120 / 25 * MINUTE


def test_a_coin_waits_for_what_the_closes_of_shares_leave_of_a_days_requests() -> None:
    shares = (parse_instrument(f"S{number}") for number in range(24))
    watchlist = Watchlist((*shares, parse_instrument("crypto:BTC/USD")), "15min", "regular")

    # 24 of them come after the shares' close. The last is the coin's, which waits until 99 bars are unseen.
    assert longest_pause(watchlist, Plan(25, 5), date(2026, 11, 20)) == timedelta(hours=24, minutes=45)
    # Of 200 there are enough for all of them to be spread.
    spread = 1.4 * (24 * 6.5 + 24) / 200 * timedelta(hours=1)
    assert longest_pause(watchlist, Plan(200, 5), date(2026, 11, 20)) == spread


@pytest.mark.parametrize(
    ("shares", "coins", "interval", "requests_per_day", "minutes"),
    [
        # Each share takes one after its close, which brings the last bar: of 26 it waits for 25. A second one
        # after the close is kept for each, or for as many as the day has left: 16 of 40, and 24 of 60. Of the
        # 60, the coin's 12 would be more than it needs.
        (24, 0, "15min", 40, 25 * 15),
        (24, 1, "15min", 60, 25 * 15),
        # 53 are too few for one after each 95 bars. With two for each share, 195 bars apart, the coin has 5.
        (24, 1, "1min", 53, 1440 / 5),
        # Each 95 bars, 1,000 shares take 5 each, and 19 coins 288. The other 999 are kept for the closes.
        (1000, 19, "1min", 6287, 99),
    ],
)
def test_few_requests_are_as_far_apart_as_those_that_are_kept_for_the_closes_leave_them(
    shares: int, coins: int, interval: str, requests_per_day: int, minutes: float
) -> None:
    names = [f"S{number}" for number in range(shares)] + [f"crypto:C{number}/USD" for number in range(coins)]
    watchlist = Watchlist(tuple(map(parse_instrument, names)), interval, "regular")

    pause = longest_pause(watchlist, Plan(requests_per_day, 75), date(2026, 11, 20))

    assert pause / MINUTE == minutes


def each_third_hour(bars: int) -> list[str]:
    newest = datetime(2026, 11, 20, 15, tzinfo=UTC)
    return [format_time(newest - number * timedelta(hours=3)) for number in range(bars)]


@pytest.mark.parametrize(
    ("times", "minutes"),
    [
        pytest.param([], 0, id="nothing is known"),
        pytest.param(["15:00"], 30, id="one bar tells nothing"),
        pytest.param(["15:00", "15:01", "15:02"], 0, id="no gap"),
        pytest.param(["15:00", "15:02", "15:03"], 1, id="a gap before the last bar but one"),
        pytest.param(["15:00", "15:01", "15:03"], 1, id="a gap after it"),
        pytest.param(["15:00", "19:00"], 239, id="one gap is all that is known"),
        pytest.param(["15:00", "16:00", "19:00"], 59, id="the shorter one of two"),
        pytest.param(["15:00", "15:01", "15:09", "15:12"], 7, id="a short silence counts that came once"),
        # The gaps are 240, 90 and 59 minutes, and then as many and one of 70 more.
        pytest.param(["14:59", "15:59", "17:30", "21:31"], 59, id="the third longest of three"),
        pytest.param(["14:59", "15:59", "17:10", "18:41", "22:42"], 70, id="the third longest of four"),
        pytest.param(["15:00", "15:01", "15:02", "15:03", "19:04"], 30, id="a lone outage is half an hour"),
        pytest.param(["15:00", "15:01", "15:02", "15:03", "17:04", "19:05"], 30, id="and so are two of them"),
    ],
)
def test_the_usual_silence_is_one_that_has_come_three_times(times: list[str], minutes: int) -> None:
    open_times = [f"2026-11-20T{time}:00Z" for time in times]

    assert usual_quiet("always", open_times, "1min") == minutes * MINUTE


def test_the_night_is_no_silence() -> None:
    # 2 minutes before the close, and 3 after the opening.
    assert usual_quiet("XNYS", ["2026-11-19T20:57:00Z", "2026-11-20T14:33:00Z"], "1min") == 5 * MINUTE


def test_a_holiday_of_currencies_is_no_silence() -> None:
    # 13:00 in New York on Christmas Eve is 18:00 UTC. A minute before it, and three after 23:00 the next day.
    times = ["2024-12-24T17:58:00Z", "2024-12-25T23:03:00Z"]

    assert usual_quiet("currencies", times, "1min") == 4 * MINUTE


def test_only_the_bars_that_an_answer_can_hold_tell_how_silent_a_market_is() -> None:
    old = ["2026-11-20T14:30:00Z"]
    new = [f"2026-11-20T{15 + minute // 60}:{minute % 60:02}:00Z" for minute in range(99)]

    assert usual_quiet("XNYS", [*old, *new[1:]], "1min") == 30 * MINUTE
    assert usual_quiet("XNYS", [*old, *new], "1min") == timedelta()
