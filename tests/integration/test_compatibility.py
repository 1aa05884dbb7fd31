"""What earlier versions wrote: this one reads it, and an update to it replaces nothing that holds data."""

import json
import math
import re
from base64 import b64decode
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from jsonschema import Draft202012Validator
from lasting import at
from moto import mock_aws

from alert.notice_ledger import Claim, NoticeTable
from producer.memory.instrument_table import InstrumentTable
from producer.memory.ledger_item import LedgerItem
from producer.memory.tail import Tail
from producer.ohlcv import Ohlcv
from stockstream.windows import Windows
from stockstream_generate.template_file import ROOT, read_template
from stockstream_operate.lake.engine import LakeEngine
from transform.documents import enrich

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

VERSIONS = sorted(path.parent for path in (ROOT / "tests" / "compatibility").glob("*/records.jsonl"))
TEMPLATE = read_template()
KEYS = {"instruments": "key", "notices": "notice_key"}


@pytest.fixture(params=VERSIONS, ids=lambda path: path.name)
def written(request: pytest.FixtureRequest) -> Path:
    folder: Path = request.param
    return folder


def load(path: Path) -> Any:
    def restore(value: dict[str, Any]) -> Any:
        return b64decode(value["base64"]) if value.keys() == {"base64"} else value

    return json.loads(path.read_text(encoding="utf-8"), object_hook=restore)


def lines(path: Path) -> list[bytes]:
    return path.read_bytes().splitlines()


@pytest.fixture
def tables(written: Path) -> Iterator["DynamoDBClient"]:
    with mock_aws():
        client = boto3.client("dynamodb", region_name="us-east-1")
        for name, items in load(written / "tables.json").items():
            client.create_table(
                TableName=name,
                BillingMode="PAY_PER_REQUEST",
                AttributeDefinitions=[{"AttributeName": KEYS[name], "AttributeType": "S"}],
                KeySchema=[{"AttributeName": KEYS[name], "KeyType": "HASH"}],
            )
            for item in items:
                client.put_item(TableName=name, Item=item)
        yield client


def test_there_is_what_a_version_wrote() -> None:
    assert VERSIONS


def is_as_told(told: object, now: object) -> bool:
    if isinstance(told, float) and isinstance(now, int | float):
        # Of a difference of averages the last digits are those of the averages.
        return math.isclose(told, now, rel_tol=1e-9, abs_tol=1e-9)
    return told == now


def test_a_record_becomes_the_document_that_it_became(written: Path) -> None:
    schema = json.loads((ROOT / "docs" / "bar.v1.schema.json").read_text(encoding="utf-8"))
    records, documents = lines(written / "records.jsonl"), lines(written / "documents.jsonl")
    assert len(records) == len(documents) > 5

    for record, line in zip(records, documents, strict=True):
        Draft202012Validator(schema).validate(json.loads(record))
        told = json.loads(line)
        now = json.loads(enrich(record, told["arrived_at"], Windows()))
        assert {
            name: (value, now.get(name))
            for name, value in told.items()
            if not is_as_told(value, now.get(name))
        } == {}


def test_the_lakes_views_show_its_bars(written: Path) -> None:
    with LakeEngine(written / "lake") as lake:
        columns, rows = lake.query("SELECT * FROM bars_latest")
    shown = {row["id"]: row for row in (dict(zip(columns, row, strict=True)) for row in rows)}
    expected = load(written / "shown.json")

    assert shown.keys() == expected.keys()
    for bar, document in expected.items():
        for name in document.keys() - {"schema", "open_time", "as_of", "arrived_at"}:
            assert is_as_told(document[name], shown[bar][name]), f"{bar}: {name}"
        for name in ("open_time", "as_of", "arrived_at"):
            assert datetime.fromisoformat(document[name]).replace(tzinfo=None) == shown[bar][name]


def test_the_producer_remembers_what_it_had_sent_and_goes_on(written: Path, tables: "DynamoDBClient") -> None:
    told = load(written / "remembered.json")

    assert any("base" in item for item in load(written / "tables.json")["instruments"])
    table = InstrumentTable(tables, "instruments")
    tail, number = table.read_tail("IBM", "1min")
    assert {time: list(numbers) for time, numbers in tail.bars.items()} == told["bars"]
    assert sorted(tail.doubtful) == told["doubtful"]
    assert tail.forgotten == told["forgotten"]

    later = Tail(tail.bars | {"2026-11-20T23:00:00Z": Ohlcv(1.0, 1.0, 1.0, 1.0, None)}, forgotten=True)
    assert table.write_tail("IBM", "1min", later, number).tail == later
    assert InstrumentTable(tables, "instruments").read_tail("IBM", "1min").tail == later


def test_the_ledger_still_knows_what_was_asked_and_spent(written: Path, tables: "DynamoDBClient") -> None:
    told = load(written / "remembered.json")["ledger"]

    read = LedgerItem(tables, "instruments", "alphavantage").read()
    now = read.ledger.to_dict()
    assert {name: now[name] for name in told if name != "instruments"} == {
        name: told[name] for name in told if name != "instruments"
    }
    assert now["instruments"].keys() == told["instruments"].keys()
    for name, state in told["instruments"].items():
        assert {key: now["instruments"][name][key] for key in state} == state
    LedgerItem(tables, "instruments", "alphavantage").write(
        read.ledger.spend(1), read.held_until, read.version
    )


def test_nobody_is_told_twice(tables: "DynamoDBClient") -> None:
    noon = datetime.fromisoformat("2026-11-20T12:00:30Z").timestamp()
    ledger = NoticeTable("notices", tables, lambda: noon)

    assert ledger.claim("sent", noon + 60) is Claim.SENT
    assert ledger.claim("held", noon + 60) is Claim.HELD
    assert ledger.claim("new", noon + 60) is Claim.GRANTED


def test_an_update_replaces_and_removes_nothing_that_holds_data(written: Path) -> None:
    resources = TEMPLATE["Resources"]

    for name, told in load(written / "stores.json").items():
        assert name in resources, f"{name} would be removed"
        resource = resources[name]
        assert (resource["Type"], resource.get("Condition")) == (told["type"], told["condition"]), name
        assert {policy: resource.get(policy) for policy in told["policies"]} == told["policies"], name
        # AWS may come to know of more that replaces; what was known then is held to.
        now = {path: at(resource["Properties"], path.split("/")) for path in told["fixed"]}
        assert now == told["fixed"], f"{name} would be replaced"


def test_a_parameter_that_a_stack_has_set_is_still_there_and_takes_the_same(written: Path) -> None:
    parameters = TEMPLATE["Parameters"]

    for name, value in load(written / "parameters.json").items():
        assert name in parameters
        assert value in parameters[name].get("AllowedValues", [value])
        assert re.fullmatch(parameters[name].get("AllowedPattern", "(?s).*"), str(value)), name
