"""Whether a market is open, and until when. The exchanges' own hours, worked by hand into UTC."""

from datetime import UTC, datetime

import pytest

from stockstream_operate.page.market_hours import find_market_hours, say_market_hours


@pytest.mark.parametrize(
    ("instrument", "hours", "now", "words"),
    [
        # New York in winter, five hours behind: 9:30 to 16:00.
        ("IBM", "regular", "2026-11-25T14:29:59", "Closed until 14:30 UTC"),
        ("IBM", "regular", "2026-11-25T14:30:00", "Open until 21:00 UTC"),
        ("IBM", "regular", "2026-11-25T20:59:59", "Open until 21:00 UTC"),
        # Thanksgiving is a holiday, and the day after ends at 13:00.
        ("IBM", "regular", "2026-11-25T21:00:00", "Closed until Fri 27 Nov, 14:30 UTC"),
        ("IBM", "regular", "2026-11-27T15:00:00", "Open until 18:00 UTC"),
        ("IBM", "regular", "2026-11-28T12:00:00", "Closed until Mon 30 Nov, 14:30 UTC"),
        ("IBM", "extended", "2026-11-25T22:00:00", "Open until Thu 26 Nov, 01:00 UTC"),
        # In summer London is an hour ahead.
        ("TSCO.LON", "regular", "2026-07-01T07:30:00", "Open until 15:30 UTC"),
        # Shanghai's lunch, from 11:30 to 13:00, is eight hours ahead.
        ("600104.SHH", "regular", "2026-11-25T04:00:00", "Closed until 05:00 UTC"),
        # The week of currencies, from Sunday to Friday at 17:00 in New York.
        ("fx:EUR/USD", "regular", "2026-11-28T12:00:00", "Closed until Sun 29 Nov, 22:00 UTC"),
        ("fx:EUR/USD", "regular", "2026-11-30T12:00:00", "Open until Fri 4 Dec, 22:00 UTC"),
        ("crypto:BTC/USD", "regular", "2026-11-28T12:00:00", "Always open"),
        ("IBM", "always", "2026-11-28T12:00:00", "Always open"),
    ],
)
def test_says_until_when_it_is_open_or_closed(instrument: str, hours: str, now: str, words: str) -> None:
    moment = datetime.fromisoformat(now).replace(tzinfo=UTC)

    market = find_market_hours(instrument, hours, moment)
    assert market is not None
    assert say_market_hours(market, moment) == words


def test_of_an_exchange_without_a_calendar_nothing_is_said() -> None:
    assert find_market_hours("7203.TYO", "regular", datetime(2026, 11, 25, tzinfo=UTC)) is None
