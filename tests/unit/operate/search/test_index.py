"""The parts of a search index: from contract 2, the sources and the stack's parameters."""

import json
from pathlib import Path

import pytest

from stockstream.windows import Windows
from stockstream_operate.search.index import Wanted, bars_template, list_parts, mapping, pipeline, retention

ROOT = Path(__file__).parents[4]

DOUBLE = {"type": "double"}
KEYWORD = {"type": "keyword"}
INSTANT = {"type": "date", "format": "strict_date_time"}


def test_the_mapping_has_the_types_of_the_contract() -> None:
    texts = ("schema", "id", "instrument", "asset_class", "interval", "source")
    prices = ["open", "high", "low", "close", "volume"]
    averages = ["sma_5", "sma_20", "sma_50", "sma_200", "ema_12", "ema_26", "vwap_20"]
    returns = ["return_1", "return_5", "log_return_1", "volatility_20"]
    bands = ["bollinger_upper_20", "bollinger_lower_20", "zscore_20", "rsi_14"]
    trends = ["macd_12_26_9", "macd_signal_12_26_9", "macd_histogram_12_26_9", "atr_14", "spike_20"]
    numbers = prices + averages + returns + bands + trends

    assert mapping(Windows()) == {
        **dict.fromkeys(texts, KEYWORD),
        **dict.fromkeys(numbers, DOUBLE),
        "lookback_bars": {"type": "integer"},
        "open_time": {"type": "date", "format": "strict_date_time_no_millis"},
        "as_of": INSTANT,
        "arrived_at": INSTANT,
    }


def test_the_averages_are_those_of_the_stack() -> None:
    fields = mapping(Windows(sma=(10,), ema=(9, 100)))

    assert {name for name in fields if name.startswith(("sma_", "ema_"))} == {"sma_10", "ema_9", "ema_100"}
    assert set(mapping(Windows())) - set(fields) == {
        "sma_5", "sma_20", "sma_50", "sma_200", "ema_12", "ema_26",
    }  # fmt: skip


def test_the_template_is_for_the_index_that_is_written_to_and_for_the_months() -> None:
    template = bars_template(Windows(), has_pipelines=True)

    assert template["index_patterns"] == ["bars", "bars-*"]
    assert template["template"]["mappings"]["dynamic"] == "strict"
    assert template["template"]["settings"]["index"] == {
        "number_of_shards": "1",
        "number_of_replicas": "0",
        "default_pipeline": "stockstream-bars",
    }


def test_an_index_on_a_server_without_pipelines_names_none() -> None:
    template = bars_template(Windows(), has_pipelines=False)

    assert "default_pipeline" not in template["template"]["settings"]["index"]


def test_the_pipeline_carries_the_script_of_the_source_and_keeps_what_it_refuses() -> None:
    body = pipeline()

    source = (ROOT / "dashboards" / "index" / "pipeline.painless").read_text(encoding="utf-8")
    assert body["processors"] == [{"script": {"lang": "painless", "source": source}}]
    assert body["on_failure"][0] == {"set": {"field": "_index", "value": "rejected"}}
    assert body["on_failure"][1]["set"] == {
        "field": "rejected_because",
        "value": "{{{_ingest.on_failure_message}}}",
    }


@pytest.mark.parametrize(("days", "age"), [(90, "121d"), (1, "32d")])
def test_a_month_is_kept_until_even_its_last_day_is_old_enough(days: int, age: str) -> None:
    (kept, forgotten) = retention(days)["policy"]["states"]

    assert kept["transitions"] == [{"state_name": "forgotten", "conditions": {"min_index_age": age}}]
    assert forgotten["actions"] == [{"delete": {}}]


def test_nobody_may_write_before_the_pipeline_and_the_template_are_there() -> None:
    names = [part.name for part in list_parts(Wanted(delivery_role_arn="arn:aws:iam::1:role/delivery"))]

    assert names == [
        "retention policy",
        "ingest pipeline",
        "index template",
        "template of refused documents",
        "role of the delivery",
        "who has that role",
    ]
    assert len(list_parts(Wanted())) == 4


def test_an_audit_log_tells_who_was_refused_and_holds_no_document() -> None:
    (part,) = [each for each in list_parts(Wanted(is_audited=True)) if each.name == "audit log"]

    # Where the security plugin's pages say that it is read and written.
    assert part.path == "/_plugins/_security/api/audit"
    assert part.path + part.below == "/_plugins/_security/api/audit/config"
    assert part.body["enabled"] is True
    for layer in ("rest", "transport"):
        assert part.body["audit"][f"enable_{layer}"] is True
        # What is granted would be a line for each request.
        assert part.body["audit"][f"disabled_{layer}_categories"] == ["AUTHENTICATED", "GRANTED_PRIVILEGES"]
    assert part.body["audit"]["log_request_body"] is False
    assert part.body["compliance"] == {"enabled": False}


def test_no_placeholder_is_left_in_what_is_installed() -> None:
    parts = list_parts(Wanted(delivery_role_arn="arn:aws:iam::1:role/delivery"))

    assert [part.name for part in parts if '"@' in json.dumps(part.body)] == []
