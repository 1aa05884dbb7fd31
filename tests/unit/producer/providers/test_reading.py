"""What is read out of a provider's JSON."""

import json
import tracemalloc
from collections.abc import Callable
from contextlib import suppress

import pytest

from producer.providers.alpaca_pages import read_page
from producer.providers.provider_errors import ProviderError
from producer.providers.reading import parse_json, read_object, read_ohlcv, show_fields
from stockstream.errors import Reason, RecordError

PRICES = ("o", "h", "l", "c")


def test_a_whole_number_that_no_float_holds_is_no_price() -> None:
    with pytest.raises(RecordError) as refused:
        read_ohlcv({"o": 10, "h": 10**400, "l": 9, "c": 11}, PRICES, "v")
    assert refused.value.reason is Reason.BAD_PRICE


MEGABYTE = 1024 * 1024


@pytest.mark.parametrize(
    "make_body",
    [
        lambda: b'{"bars":[' + b"[]," * (5 * MEGABYTE) + b"0]}",
        lambda: b'{"bars":[' + b'{"a":{}},' * (MEGABYTE) + b"0]}",
        lambda: b"{" + b",".join(b'"%x":1.5' % number for number in range(MEGABYTE)) + b"}",
        lambda: b'{"bars":[' + b"1.1," * (4 * MEGABYTE) + b"0]}",
        lambda: b'{"bars":"' + b"x" * (15 * MEGABYTE) + "😀".encode() + b'"}',
        ('{"bars":"' + "x" * (15 * MEGABYTE) + '\\ud83d\\ude00"}').encode,
    ],
    ids=["lists", "objects", "names", "numbers", "a letter", "an escaped letter"],
)
@pytest.mark.parametrize(
    "read", [read_object, lambda body, _subject: read_page(500, body)], ids=["bars", "error"]
)
def test_whatever_json_comes_fits_beside_the_producer(
    make_body: Callable[[], bytes], read: Callable[[bytes, str], object]
) -> None:
    body = make_body()
    tracemalloc.start()
    try:
        with suppress(ProviderError):
            read(body, "IBM")
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    # A function of 256 MB has 150 left, 16 of which the answer takes; beside it stands what was read before.
    assert peak < 100 * MEGABYTE


def test_the_longest_answers_that_providers_give_are_read() -> None:
    bar = {"t": "2026-11-20T20:59:00Z", "o": 1.5, "h": 1.5, "l": 1.5, "c": 1.5, "v": 1.5, "n": 1, "vw": 1.5}

    answer = read_object(
        json.dumps({"bars": {"BTC/USD": [bar] * 31 * 1440}, "next_page_token": None}).encode(), ""
    )

    assert len(answer["bars"]["BTC/USD"]) == 44_640


@pytest.mark.parametrize("fields", [{}, {"v": None}, {"v": ""}, {"v": "  "}], ids=str)
def test_a_volume_that_is_missing_or_blank_costs_the_volume_and_not_the_bar(
    fields: dict[str, object],
) -> None:
    numbers = read_ohlcv({"o": 10, "h": 12, "l": 9, "c": 11} | fields, PRICES, "v")

    assert numbers == (10.0, 12.0, 9.0, 11.0, None)


@pytest.mark.parametrize("volume", ["-", "n/a", True, []], ids=str)
def test_a_volume_that_is_no_number_is_an_error(volume: object) -> None:
    with pytest.raises(RecordError) as refused:
        read_ohlcv({"o": 10, "h": 12, "l": 9, "c": 11, "v": volume}, PRICES, "v")
    assert refused.value.reason is Reason.BAD_TYPE


def test_an_answer_holds_half_a_million_values_at_the_most() -> None:
    most = b"[" + 499_999 * b"0," + b"0]"

    assert len(parse_json(most)) == 500_000
    with pytest.raises(ValueError, match="more than 500,000 values"):
        parse_json(most[:-1] + b",0]")


@pytest.mark.parametrize("foreign", ["é".encode(), b"\\u00e9"])
def test_beyond_a_megabyte_an_answer_is_ascii(foreign: bytes) -> None:
    def text(length: int, within: bytes) -> bytes:
        return b'"' + within + (length - len(within) - 2) * b"x" + b'"'

    megabyte = 1024 * 1024
    assert parse_json(text(megabyte, foreign)).startswith("é")
    with pytest.raises(ValueError, match="more than 1,048,576 bytes, and not all are ASCII"):
        parse_json(text(megabyte + 1, foreign))
    assert len(parse_json(text(megabyte + 1, b"x"))) == megabyte - 1


def test_of_fields_that_are_nested_too_deeply_nothing_is_shown() -> None:
    fields: object = {}
    for _ in range(100_000):
        fields = [fields]

    assert show_fields(fields) == ""
