"""The pure core on whole batches."""

import json
from base64 import b64decode, b64encode
from typing import Any

import pytest
from stream_record import RECORD

from stockstream.errors import Reason
from stockstream.windows import Windows
from transform.answers import ANSWER_GOAL
from transform.firehose import transform_records

SMALL = RECORD | {"volume": None}


def wrap(data: bytes, number: int = 0) -> dict[str, Any]:
    return {
        "recordId": f"{49658123456789 + number}",
        "approximateArrivalTimestamp": 1795208405123,
        "data": b64encode(data).decode(),
    }


def wrap_small(count: int, **fields: object) -> list[dict[str, Any]]:
    return [wrap(json.dumps(SMALL | fields).encode(), number) for number in range(count)]


def results(entries: list[dict[str, str]]) -> dict[str, int]:
    names = [entry["result"] for entry in entries]
    return {name: names.count(name) for name in sorted(set(names))}


def test_a_document_holds_its_bar_and_when_it_arrived() -> None:
    entries, rejections = transform_records(wrap_small(1), Windows((2,), (3,)))
    assert rejections == []
    assert json.loads(b64decode(entries[0]["data"])) == SMALL | {
        "schema": "enriched.v1",
        "arrived_at": "2026-11-20T21:00:05.123Z",
        "lookback_bars": 0,
        "sma_2": None,
        "ema_3": None,
        "return_1": None,
        "return_5": None,
        "log_return_1": None,
        "volatility_20": None,
        "bollinger_upper_20": None,
        "bollinger_lower_20": None,
        "zscore_20": None,
        "rsi_14": None,
        "vwap_20": None,
        "macd_12_26_9": None,
        "macd_signal_12_26_9": None,
        "macd_histogram_12_26_9": None,
        "atr_14": None,
        "spike_20": None,
    }


def test_the_fields_are_named_after_the_windows() -> None:
    entries, _ = transform_records(wrap_small(1), Windows((7, 3), (9,)))
    names = list(json.loads(b64decode(entries[0]["data"])))
    assert [name for name in names if name[:4] in {"sma_", "ema_"}] == ["sma_7", "sma_3", "ema_9"]


@pytest.mark.parametrize("position", [0, 500, 999])
def test_a_poison_record_among_a_thousand_costs_one_record(position: int) -> None:
    records = wrap_small(1000)
    records[position]["data"] = "####"
    entries, rejections = transform_records(records, Windows())
    assert results(entries) == {"Ok": 999, "ProcessingFailed": 1}
    assert [(record_id, error.reason) for record_id, error in rejections] == [
        (records[position]["recordId"], Reason.MALFORMED_JSON)
    ]
    assert entries[position]["data"] == "####"


def test_ten_thousand_small_records_have_an_answer_that_fits() -> None:
    records = wrap_small(10_000)
    # Firehose sends no request past 6 MB.
    assert 4_000_000 < len(json.dumps({"records": records})) < ANSWER_GOAL
    entries, rejections = transform_records(records, Windows())
    assert [entry["recordId"] for entry in entries] == [record["recordId"] for record in records]
    assert ANSWER_GOAL - 2_000 < len(json.dumps({"records": entries})) <= ANSWER_GOAL
    assert {error.reason for _, error in rejections} == {Reason.TOO_LARGE}
    assert results(entries)["ProcessingFailed"] == len(rejections)


def test_what_has_no_room_goes_back_untouched() -> None:
    records = wrap_small(9_000)
    entries, rejections = transform_records(records, Windows())
    refused = {record_id for record_id, _ in rejections}
    assert 0 < len(refused) < len(records)
    for record, entry in zip(records, entries, strict=True):
        if record["recordId"] in refused:
            assert (entry["result"], entry["data"]) == ("ProcessingFailed", record["data"])
        else:
            assert entry["result"] == "Ok"


def test_a_record_of_a_mebibyte_is_delivered() -> None:
    data = json.dumps(SMALL | {"note": ""}).encode()
    data = data[:-2] + b"x" * (1024 * 1024 - len(data)) + data[-2:]
    assert len(data) == 1024 * 1024
    entries, _ = transform_records([wrap(data)], Windows())
    assert results(entries) == {"Ok": 1}


def test_four_bad_records_of_a_mebibyte_go_back() -> None:
    records = [wrap(b"x" * 1024 * 1024, number) for number in range(4)]
    entries, _ = transform_records(records, Windows())
    assert results(entries) == {"ProcessingFailed": 4}
    assert [entry["data"] for entry in entries] == [record["data"] for record in records]


def test_an_empty_batch_has_no_entries() -> None:
    assert transform_records([], Windows()) == ([], [])


def test_a_character_that_base64_lacks_is_not_skipped() -> None:
    record = wrap_small(1)[0]
    broken = record | {"data": "*" + record["data"]}

    entries, ((_, error),) = transform_records([broken], Windows())

    assert entries == [{"recordId": record["recordId"], "result": "ProcessingFailed", "data": broken["data"]}]
    assert str(error) == "MALFORMED_JSON: the data is not base64"
