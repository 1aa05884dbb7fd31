"""Alpaca's pages: the ends of the calendar, and what is kept of many."""

from datetime import UTC, datetime

import pytest

from producer.providers.alpaca_pages import Collected, Page, read_page, read_rows
from producer.providers.provider_errors import (
    KeyRefusedError,
    NotEntitledError,
    ProviderError,
    UnknownInstrumentError,
)
from stockstream.errors import Reason

NUMBERS = {"o": 10.0, "h": 12.0, "l": 9.0, "c": 11.0, "v": 5}


@pytest.mark.parametrize("stamp", ["0001-01-01T00:00:00Z", "9999-12-31T23:59:00Z"])
def test_a_bar_of_the_calendars_first_or_last_year_is_refused(stamp: str) -> None:
    bars, (rejected,) = read_rows([{"t": stamp, **NUMBERS}])

    assert bars == {}
    assert rejected.reason is Reason.BAD_TIME


@pytest.mark.parametrize("stamp", ["0002-01-01T00:00:00Z", "9998-12-31T23:59:00Z"])
def test_a_bar_of_the_years_between_is_read(stamp: str) -> None:
    bars, rejected = read_rows([{"t": stamp, **NUMBERS}])

    assert list(bars) == [stamp]
    assert rejected == []


@pytest.mark.parametrize(("minutes", "kept", "reaches_back"), [(2, [0, 1], True), (3, [1, 2], False)])
def test_where_no_bar_is_left_out_the_answer_reaches_back(
    minutes: int, kept: list[int], *, reaches_back: bool
) -> None:
    now = datetime(2026, 11, 20, 15, 5, tzinfo=UTC)
    times = [f"2026-11-20T15:0{minute}:00Z" for minute in range(minutes)]
    collected = Collected("1min", None, 2)

    collected.add(Page({"AAPL": [{"t": time, **NUMBERS} for time in times]}, None))
    answer = collected.answer("AAPL", now, now, None)

    assert list(answer.bars) == [times[minute] for minute in kept]
    assert answer.reaches_back == reaches_back


def refusal(length: int) -> bytes:
    """What says in an escaped word that a subscription is missing, filled up to a length."""
    body = rb'{"message": "\u0073ubscription does not permit this", "detail": ""}'
    return body[:-2] + (length - len(body)) * b"x" + body[-2:]


@pytest.mark.parametrize(
    ("length", "kind"),
    [(100, NotEntitledError), (64 * 1024, NotEntitledError), (64 * 1024 + 1, KeyRefusedError)],
)
def test_the_words_of_an_error_are_read_without_their_escapes_unless_it_is_very_long(
    length: int, kind: type[ProviderError]
) -> None:
    assert len(refusal(length)) == length

    with pytest.raises(ProviderError) as raised:
        read_page(403, refusal(length))
    assert raised.type is kind


def test_a_message_keeps_its_letters_whatever_their_language() -> None:
    with pytest.raises(UnknownInstrumentError, match="für Zürich") as raised:
        read_page(400, r'{"message": "kein Kurs f\u00fcr Zürich"}'.encode())
    assert str(raised.value) == 'Alpaca: {"message": "kein Kurs für Zürich"}'
