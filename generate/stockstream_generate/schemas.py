"""The JSON Schemas of the two contracts, from the table of fields."""

import json
from typing import Any

from stockstream.fields import (
    BAR_FIELDS,
    COUNT,
    DOCUMENT_SCHEMA,
    INSTANT,
    TEXT,
    TIME,
    Field,
    list_fields,
    lookback_lengths,
)
from stockstream.intervals import INTERVALS
from stockstream.records import SCHEMA as RECORD_SCHEMA
from stockstream.windows import Windows

DIALECT = "https://json-schema.org/draft/2020-12/schema"

type Schema = dict[str, Any]

TYPES: dict[str, Schema] = {
    COUNT: {"type": "integer"},
    TEXT: {"type": "string", "minLength": 1},
    TIME: {"type": "string", "pattern": r"^\d{4}-\d{2}-\d{2}T([01]\d|2[0-3]):\d{2}:\d{2}Z$"},
    INSTANT: {"type": "string", "pattern": r"^\d{4}-\d{2}-\d{2}T([01]\d|2[0-3]):\d{2}:\d{2}\.\d{3}Z$"},
}
# What a schema can say of these beyond what the table does.
FORMS: dict[str, Schema] = {
    "id": {"type": "string", "pattern": r"^[^|]+\|[^|]+\|[^|]+Z$"},
    "asset_class": {"enum": ["equity", "fx", "crypto"]},
    "interval": {"enum": list(INTERVALS)},
}
PRICES: Schema = {"type": "number", "exclusiveMinimum": 0}
AMOUNTS: Schema = {"type": "number", "minimum": 0}
COLUMN_ITEMS = {
    "close": PRICES,
    "typical": PRICES,
    "volume": AMOUNTS | {"type": ["number", "null"]},
    "true_range": AMOUNTS,
}


def bar_schema(windows: Windows) -> Schema:
    """Contract 1. What compares fields with each other, such as low <= open, no JSON Schema can say."""
    lookback = {
        "type": ["object", "null"],
        "required": ["close", "typical", "volume"],
        "properties": {
            name: {"type": "array", "items": COLUMN_ITEMS[name], "maxItems": length}
            for name, length in lookback_lengths(windows).items()
        },
    }
    properties = {field.name: _property(field) for field in BAR_FIELDS}
    return {
        "$schema": DIALECT,
        "title": RECORD_SCHEMA,
        "type": "object",
        "required": list(properties),
        "properties": properties | {"schema": {"const": RECORD_SCHEMA}, "lookback": lookback},
    }


def document_schema(windows: Windows) -> Schema:
    """Contract 2, with the fields of these windows."""
    properties = {field.name: _property(field) for field in list_fields(windows)}
    properties["lookback_bars"]["maximum"] = lookback_lengths(windows)["close"]
    return {
        "$schema": DIALECT,
        "title": DOCUMENT_SCHEMA,
        "type": "object",
        "required": list(properties),
        "properties": properties | {"schema": {"const": DOCUMENT_SCHEMA}},
        "additionalProperties": False,
    }


def write_schema(schema: Schema) -> str:
    """The text of its file."""
    return json.dumps(schema, indent=2) + "\n"


def _property(field: Field) -> Schema:
    schema = dict(FORMS.get(field.name) or TYPES.get(field.unit) or {"type": "number"})
    if field.null:
        schema["type"] = [schema["type"], "null"]
    if field.low is not None:
        schema["exclusiveMinimum" if field.above_low else "minimum"] = field.low
    if field.high is not None:
        schema["maximum"] = field.high
    return schema | {"description": field.words.replace("`", "")}
