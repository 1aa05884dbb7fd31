"""Backlogs: how many requests see the bars of a session's part, worked by hand."""

from datetime import UTC, datetime, timedelta

import pytest

from producer.planning.backlog import NEVER, Backlog, MarketState, SessionPart, read_backlog
from producer.planning.ledger import RequestState
from stockstream.instruments import parse_instrument
from stockstream.sessions import Session


@pytest.mark.parametrize(
    ("bars", "closes", "requests"),
    [
        (0, True, 1),  # the last bar is asked for in any case
        (99, True, 1),
        (100, True, 1),  # after the close an answer's hundredth bar is no forming one
        (101, True, 2),
        (390, True, 4),
        (98, False, 0),  # the next day's first request sees them
        (99, False, 0),
        (100, False, 1),
        (1440, False, 14),
    ],
)
def test_a_part_takes_a_request_for_99_bars_and_a_hundredth_after_the_close(
    bars: int, *, closes: bool, requests: int
) -> None:
    assert SessionPart(bars, closes).requests(99) == requests


def backlog(unseen: float, *today: SessionPart, closing_request: int = 0) -> Backlog:
    ibm = parse_instrument("IBM")
    return Backlog(ibm, NEVER, unseen, True, closing_request, today, fails_alone=False)  # noqa: FBT003


# Of a part that closes, the last bar needs no request of its own: 99 for each hundred bars.
@pytest.mark.parametrize(
    ("left", "requests"),
    [
        # 150 are not seen, and an answer shows 100 of them.
        (backlog(150, SessionPart(248, closes=True)), 2),
        (backlog(150, SessionPart(248, closes=True), SessionPart(100, closes=True)), 2 + 1),
        # All can be seen.
        (backlog(50, SessionPart(100, closes=True)), 1),
        (backlog(50, SessionPart(101, closes=True)), 2),
        # The day's parts begin after the close, and the bars before it are a request more.
        (backlog(150, SessionPart(100, closes=True), closing_request=1), 1 + 1),
        (backlog(150, SessionPart(101, closes=True), closing_request=1), 1 + 2),
    ],
)
def test_the_least_requests_leave_out_what_no_answer_shows_any_more(left: Backlog, requests: int) -> None:
    assert left.least_requests(99) == requests


SESSION = Session(datetime(2026, 11, 20, 14, 30, tzinfo=UTC), datetime(2026, 11, 20, 21, 0, tzinfo=UTC))


def market_at(text: str, *today: SessionPart) -> MarketState:
    now = datetime.fromisoformat(f"2026-11-20T{text}:00").replace(tzinfo=UTC)
    return MarketState("XNYS", now, timedelta(minutes=1), SESSION, now < SESSION.closes, today)


def asked(text: str, newest: str | None = None) -> RequestState:
    def moment(each: str) -> datetime:
        return datetime.fromisoformat(f"2026-11-20T{each}:00").replace(tzinfo=UTC)

    return RequestState(asked_at=moment(text), newest=moment(newest) if newest else None)


def test_unseen_bars_belong_to_the_first_part_of_the_day() -> None:
    parts = SessionPart(10, closes=True), SessionPart(120, closes=False)

    left = read_backlog(parse_instrument("IBM"), market_at("14:40", *parts), RequestState())

    assert left.today == (SessionPart(20, closes=True), SessionPart(120, closes=False))


@pytest.mark.parametrize(
    ("now", "state", "request_number"),
    [
        ("21:02", asked("20:55"), 1),
        ("21:25", asked("21:05"), 2),
        ("21:25", asked("21:05", "20:59"), 0),
        ("21:19", asked("21:05"), 0),
        ("21:25", asked("21:20"), 0),
        ("21:30", asked("21:05"), 0),
        # Nothing was answered since the close: hours later it may be.
        ("21:30", asked("20:55"), 1),
        ("23:59", asked("20:55"), 1),
        ("23:59", asked("21:00"), 0),
        ("23:59", RequestState(), 0),
    ],
)
def test_there_are_two_closing_requests(now: str, state: RequestState, request_number: int) -> None:
    assert read_backlog(parse_instrument("IBM"), market_at(now), state).closing_request == request_number


@pytest.mark.parametrize(("hours", "request_number"), [(5.99, 1), (6, 0)])
def test_what_was_not_answered_since_the_close_is_asked_for_until_six_hours_after_it(
    hours: float, request_number: int
) -> None:
    later = market_at("21:02")._replace(now=SESSION.closes + timedelta(hours=hours))

    assert read_backlog(parse_instrument("IBM"), later, asked("20:55")).closing_request == request_number


# London closes at 16:30, and its closing auction brings bars until 16:40. They are shown by 16:57.
LONDON = Session(datetime(2026, 11, 20, 8, 0, tzinfo=UTC), datetime(2026, 11, 20, 16, 30, tzinfo=UTC))


@pytest.mark.parametrize(
    ("now", "state", "request_number"),
    [
        ("16:32", asked("16:25", "16:24"), 1),
        ("16:56", asked("16:35", "16:29"), 0),
        ("16:57", asked("16:35", "16:29"), 2),
        ("16:57", asked("16:35"), 2),
        ("16:57", asked("16:57", "16:29"), 0),
        # A bar that begins with the close or after it is the auction's.
        ("16:57", asked("16:35", "16:30"), 0),
        ("16:57", asked("16:35", "16:35"), 0),
        # There are ten minutes for it.
        ("17:06", asked("16:35", "16:29"), 2),
        ("17:07", asked("16:35", "16:29"), 0),
    ],
)
def test_where_there_is_a_closing_auction_the_second_request_is_for_its_bar(
    now: str, state: RequestState, request_number: int
) -> None:
    moment = datetime.fromisoformat(f"2026-11-20T{now}:00").replace(tzinfo=UTC)
    market = MarketState("XLON", moment, timedelta(minutes=1), LONDON, is_open=False, today=())

    assert read_backlog(parse_instrument("TSCO.LON"), market, state).closing_request == request_number


def test_a_bar_may_show_two_bars_late() -> None:
    assert read_backlog(parse_instrument("IBM"), market_at("15:10"), asked("15:00")).unseen == 12


def test_nothing_is_unseen_of_what_was_never_asked_for_in_a_closed_market() -> None:
    assert read_backlog(parse_instrument("IBM"), market_at("21:10"), RequestState()).unseen == 0


def test_nothing_is_unseen_after_an_answer_from_the_future() -> None:
    assert read_backlog(parse_instrument("IBM"), market_at("15:00"), asked("20:00")).unseen == 0


def test_what_was_asked_for_long_ago_is_two_weeks_behind_at_the_most() -> None:
    # From Friday, 6 November, 15:30 on: 5.5 hours, nine days of 6.5, and one hour.
    hour, month_ago = timedelta(hours=1), datetime(2026, 10, 20, 15, 0, tzinfo=UTC)
    market = market_at("15:30")._replace(bar_length=hour)

    left = read_backlog(parse_instrument("IBM"), market, RequestState(asked_at=month_ago))

    assert left.unseen == 5.5 + 9 * 6.5 + 1
