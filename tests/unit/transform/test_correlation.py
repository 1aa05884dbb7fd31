"""Correlation ids: the same from a record and from its document, and nothing from rubbish."""

import json
from base64 import b64encode
from collections.abc import Callable
from typing import Any

import pytest

from stockstream.windows import Windows
from transform.correlation import read_correlation_id
from transform.firehose import transform_records

BAR = {"instrument": "fx:EUR/USD", "interval": "5min", "as_of": "2026-11-20T21:00:05.123Z"}


def encode(value: object) -> str:
    return b64encode(json.dumps(value).encode()).decode()


def test_an_answer_is_named_by_instrument_interval_and_the_moment_it_came() -> None:
    assert read_correlation_id(encode(BAR)) == "fx:EUR/USD|5min|2026-11-20T21:00:05.123Z"


def test_a_record_and_its_document_name_the_same_answer(load_event: Callable[[str], dict[str, Any]]) -> None:
    records = load_event("firehose-good")["records"]
    entries, _ = transform_records(records, Windows())

    named = [read_correlation_id(record["data"]) for record in records]
    assert None not in named
    assert [read_correlation_id(entry["data"]) for entry in entries] == named


@pytest.mark.parametrize(
    "data",
    [
        "*",
        f"*{encode(BAR)}",
        b64encode(b"no JSON").decode(),
        encode(["IBM"]),
        encode({}),
        encode(BAR | {"instrument": 1}),
        encode(BAR | {"instrument": "a text that has no place in a log"}),
        encode(BAR | {"interval": "2min"}),
        encode(BAR | {"interval": ["1min"]}),
        encode(BAR | {"as_of": "yesterday"}),
        encode(BAR | {"as_of": None}),
    ],
)
def test_what_is_no_bar_names_nothing(data: str) -> None:
    assert read_correlation_id(data) is None
