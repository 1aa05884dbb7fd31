"""docs/*.schema.json say what the code does."""

import json
from base64 import b64decode
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from stockstream.errors import RecordError
from stockstream.fields import lookback_lengths
from stockstream.records import decode_record
from stockstream.windows import Windows
from transform.firehose import transform_records

ROOT = Path(__file__).parents[2]


def load_schema(name: str) -> dict[str, Any]:
    schema: dict[str, Any] = json.loads((ROOT / "docs" / name).read_text(encoding="utf-8"))
    return schema


def load_records(name: str) -> list[dict[str, Any]]:
    records: list[dict[str, Any]] = json.loads((ROOT / "events" / name).read_text(encoding="utf-8"))[
        "records"
    ]
    return records


BAR = jsonschema.Draft202012Validator(load_schema("bar.v1.schema.json"))
DOCUMENT = jsonschema.Draft202012Validator(load_schema("enriched.v1.schema.json"))
BAR_FIELDS: list[str] = load_schema("bar.v1.schema.json")["required"]
FIELDS: list[str] = load_schema("enriched.v1.schema.json")["required"]
FREE_TEXTS = {"instrument", "source"}
BARS = [json.loads(b64decode(record["data"])) for record in load_records("firehose-good.json")]
ENTRIES = transform_records(load_records("firehose-good.json"), Windows())[0]
DOCUMENTS = [json.loads(b64decode(entry["data"])) for entry in ENTRIES]


@pytest.mark.parametrize("validator", [BAR, DOCUMENT], ids=["bar.v1", "enriched.v1"])
def test_the_files_are_schemas(validator: jsonschema.Draft202012Validator) -> None:
    validator.check_schema(validator.schema)


@pytest.mark.parametrize("bar", BARS)
def test_the_sample_records_are_valid(bar: dict[str, Any]) -> None:
    BAR.validate(bar)


@pytest.mark.parametrize("document", DOCUMENTS)
def test_their_documents_are_valid(document: dict[str, Any]) -> None:
    DOCUMENT.validate(document)
    assert list(document) == FIELDS


WRONG: list[Any] = [True, [], {}, -1, "", "soon", "2026-11-20T24:00:00Z"]


# Any text names a source; and that an instrument's name has a form is beyond the schema.
@pytest.mark.parametrize(
    ("name", "value"),
    [(name, value) for name in BAR_FIELDS for value in (WRONG[:5] if name in FREE_TEXTS else WRONG)],
)
def test_what_the_schema_of_the_bar_refuses_the_decoder_refuses(name: str, value: object) -> None:
    bar = BARS[0] | {name: value}
    assert not BAR.is_valid(bar)
    with pytest.raises(RecordError):
        decode_record(json.dumps(bar).encode(), lookback_lengths(Windows()))


@pytest.mark.parametrize("name", FIELDS)
def test_a_document_without_one_of_its_fields_is_invalid(name: str) -> None:
    document = dict(DOCUMENTS[0])
    del document[name]
    assert not DOCUMENT.is_valid(document)


OTHER_TYPES: list[Any] = ["NaN", True, [], {}]


@pytest.mark.parametrize(
    ("name", "value"),
    [(name, value) for name in FIELDS for value in OTHER_TYPES[name in FREE_TEXTS :]],
)
def test_a_document_with_another_type_is_invalid(name: str, value: object) -> None:
    assert not DOCUMENT.is_valid(DOCUMENTS[0] | {name: value})


def test_a_document_with_another_field_is_invalid() -> None:
    assert not DOCUMENT.is_valid(DOCUMENTS[0] | {"sma_9": 1.0})
