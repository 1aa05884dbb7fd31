"""What a browser may ask to see."""

from datetime import UTC, datetime

import pytest

from stockstream_operate.page.view_request import Span, ViewRequest, ViewRequestError, parse_view_request

ASKED = {"instrument": "fx:EUR/USD", "interval": "5min", "span": "week"}


def test_a_request_is_read_from_a_query_string() -> None:
    assert parse_view_request(ASKED) == ViewRequest("fx:EUR/USD", "5min", Span.WEEK)


def test_the_shares_of_today_are_asked_for_by_a_1() -> None:
    assert parse_view_request(ASKED | {"adjusted": "1"}).adjusted
    assert not parse_view_request(ASKED | {"adjusted": ""}).adjusted


@pytest.mark.parametrize("text", ["2026-11-20T17:00:00", "2026-11-20T17:00:00Z", "2026-11-20T18:00:00+01:00"])
def test_a_moment_is_utc_unless_it_says_otherwise(text: str) -> None:
    moment = datetime(2026, 11, 20, 17, 0, tzinfo=UTC)

    assert parse_view_request(ASKED | {"known_at": text}).known_at == moment


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"instrument": "x' OR 1=1 --"}, "names no instrument"),
        ({"instrument": ""}, "names no instrument"),
        ({"interval": "2min"}, "'2min' is no interval"),
        ({"span": "year"}, "'year' is no span"),
        ({"known_at": "yesterday"}, "known_at is 'yesterday', and no moment"),
        ({"known_at": "2026-11-20' --"}, "and no moment"),
        ({"known_at": "0001-01-01T00:00:00+14:00"}, "and no moment"),  # before Python's first year, in UTC
        ({"adjusted": "yes"}, "'yes' is no choice of prices"),
        ({"adjusted": "1", "known_at": "2026-11-20T17:00:00"}, "later were not known then"),
    ],
    ids=str,
)
def test_what_makes_no_sense_is_refused_with_a_reason(changed: dict[str, str], told: str) -> None:
    with pytest.raises(ViewRequestError, match=told):
        parse_view_request(ASKED | changed)


@pytest.mark.parametrize("missing", ASKED)
def test_what_is_missing_is_refused(missing: str) -> None:
    with pytest.raises(ViewRequestError):
        parse_view_request({name: text for name, text in ASKED.items() if name != missing})
