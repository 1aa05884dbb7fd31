"""What Firehose demands of an answer, on the events of events/."""

import base64
import json
from pathlib import Path
from typing import Any

import pytest

from stockstream.errors import Reason
from transform.handler import handle
from transform.settings import read_windows

EVENTS = Path(__file__).parents[2] / "events"

BAR_FIELDS = [
    "schema", "id", "as_of", "instrument", "asset_class", "interval", "open_time",
    "open", "high", "low", "close", "volume", "source",
]  # fmt: skip
INDICATORS = [
    "sma_5", "sma_20", "sma_50", "sma_200", "ema_12", "ema_26", "return_1", "return_5", "log_return_1",
    "volatility_20", "bollinger_upper_20", "bollinger_lower_20", "zscore_20", "rsi_14", "vwap_20",
    "macd_12_26_9", "macd_signal_12_26_9", "macd_histogram_12_26_9", "atr_14",
    "spike_20",
]  # fmt: skip


@pytest.fixture(autouse=True)
def _default_windows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SMA_WINDOWS", "5,20,50,200")
    monkeypatch.setenv("EMA_WINDOWS", "12,26")
    read_windows.cache_clear()


def load_event(name: str) -> dict[str, Any]:
    event: dict[str, Any] = json.loads((EVENTS / name).read_text(encoding="utf-8"))
    return event


def documents(answer: dict[str, Any]) -> list[dict[str, Any]]:
    return [
        json.loads(base64.b64decode(record["data"]))
        for record in answer["records"]
        if record["result"] == "Ok"
    ]


@pytest.mark.parametrize("name", [path.name for path in sorted(EVENTS.glob("firehose-*.json"))])
def test_every_record_id_goes_out_once_and_in_order(name: str) -> None:
    event = load_event(name)
    answer = handle(event, None)
    assert [record["recordId"] for record in event["records"]] == [
        record["recordId"] for record in answer["records"]
    ]
    assert {"recordId", "result", "data"} == {key for record in answer["records"] for key in record}


def test_a_document_is_one_line_of_the_fields_of_the_contract_in_their_order() -> None:
    answer = handle(load_event("firehose-good.json"), None)
    for record in answer["records"]:
        line = base64.b64decode(record["data"])
        assert line.endswith(b"}\n")
        assert line.count(b"\n") == 1
        assert [*BAR_FIELDS, "arrived_at", "lookback_bars", *INDICATORS] == list(json.loads(line))


def test_a_full_lookback_leaves_no_indicator_unknown() -> None:
    document = documents(handle(load_event("firehose-good.json"), None))[0]
    assert document["lookback_bars"] == 199
    assert [name for name, value in document.items() if value is None] == []


def test_a_market_without_volume_has_no_vwap() -> None:
    document = documents(handle(load_event("firehose-good.json"), None))[1]
    assert [name for name, value in document.items() if value is None] == ["volume", "vwap_20"]


def test_a_record_without_lookback_is_delivered_without_indicators() -> None:
    document = documents(handle(load_event("firehose-good.json"), None))[3]
    assert document["lookback_bars"] == 0
    assert [name for name, value in document.items() if value is None] == INDICATORS


def test_a_document_says_when_its_record_arrived() -> None:
    arrivals = [
        document["arrived_at"] for document in documents(handle(load_event("firehose-good.json"), None))
    ]
    assert [f"2026-11-20T18:30:00.{ms}Z" for ms in ("000", "037", "074", "111")] == arrivals


def test_a_direct_put_gives_the_documents_of_the_stream() -> None:
    assert handle(load_event("firehose-good.json"), None) == handle(
        load_event("firehose-direct-put.json"), None
    )


def test_each_bad_record_goes_back_untouched() -> None:
    event = load_event("firehose-bad.json")
    answer = handle(event, None)
    assert {"ProcessingFailed"} == {record["result"] for record in answer["records"]}
    assert [record["data"] for record in event["records"]] == [record["data"] for record in answer["records"]]
    assert len(event["records"]) == len(Reason) - 1


def test_bad_records_do_not_touch_their_neighbours() -> None:
    good = documents(handle(load_event("firehose-good.json"), None))
    answer = handle(load_event("firehose-mixed.json"), None)
    results = [record["result"] for record in answer["records"]]
    assert results == ["Ok", "ProcessingFailed"] * 9 + ["Ok"]
    # The mixed event repeats the good records at other times.
    expected = [good[number] | {"arrived_at": None} for number in (0, 1, 2, 3, 0, 1, 2, 3, 0, 0)]
    assert expected == [document | {"arrived_at": None} for document in documents(answer)]


def test_an_empty_batch_has_an_empty_answer() -> None:
    assert handle({"records": []}, None) == {"records": []}
