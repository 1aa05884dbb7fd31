"""Writes docs/*.schema.json, the JSON Schemas of the two contracts, from the code that keeps them.

Run `python docs/schemas.py` after a change of a contract; a test keeps the files current.
"""

import json
from pathlib import Path
from typing import Any

from stockstream.bars import Bar, Lookback
from stockstream.intervals import INTERVALS
from stockstream.records import SCHEMA as BAR_SCHEMA
from stockstream.records import encode_record
from stockstream.windows import Windows
from transform.documents import SCHEMA as DOCUMENT_SCHEMA
from transform.documents import enrich

FOLDER = Path(__file__).parent
DIALECT = "https://json-schema.org/draft/2020-12/schema"

# Its document names the fields, whatever its numbers are.
SAMPLE = Bar(
    "IBM", "equity", "1min", "2026-11-20T20:59:00Z",
    1.0, 1.0, 1.0, 1.0, None, "replay", "2026-11-20T21:00:05.123Z",
)  # fmt: skip

type Schema = dict[str, Any]

TIME = r"^\d{4}-\d{2}-\d{2}T([01]\d|2[0-3]):\d{2}:\d{2}Z$"
INSTANT = r"^\d{4}-\d{2}-\d{2}T([01]\d|2[0-3]):\d{2}:\d{2}\.\d{3}Z$"
PRICE: Schema = {"type": "number", "exclusiveMinimum": 0}
VOLUME: Schema = {"type": ["number", "null"], "minimum": 0}

BAR_FIELDS: dict[str, Schema] = {
    "schema": {},
    "id": {
        "type": "string",
        "pattern": r"^[^|]+\|[^|]+\|[^|]+Z$",
        "description": "instrument|interval|open_time",
    },
    "as_of": {"type": "string", "pattern": INSTANT, "description": "when the provider said so, UTC"},
    "instrument": {"type": "string", "minLength": 1},
    "asset_class": {"enum": ["equity", "fx", "crypto"]},
    "interval": {"enum": list(INTERVALS)},
    "open_time": {"type": "string", "pattern": TIME, "description": "start of the bar, UTC"},
    "open": PRICE,
    "high": PRICE,
    "low": PRICE,
    "close": PRICE,
    "volume": VOLUME,
    "source": {"type": "string", "minLength": 1},
}


def bar_schema(windows: Windows) -> Schema:
    """Contract 1. What compares fields with each other, such as low <= open, no JSON Schema can say."""
    lookback = {
        "type": ["object", "null"],
        "required": ["close", "typical", "volume"],
        "properties": {
            "close": {"type": "array", "items": PRICE, "maxItems": windows.longest_lookback_closes},
            "typical": {"type": "array", "items": PRICE, "maxItems": windows.lookback_bars},
            "volume": {"type": "array", "items": VOLUME, "maxItems": windows.lookback_bars},
        },
    }
    return {
        "$schema": DIALECT,
        "title": BAR_SCHEMA,
        "type": "object",
        "required": list(BAR_FIELDS),
        "properties": BAR_FIELDS | {"schema": {"const": BAR_SCHEMA}, "lookback": lookback},
    }


def document_schema(windows: Windows) -> Schema:
    """Contract 2, with the fields of these windows."""
    unknown: Schema = {"type": ["number", "null"]}
    known = BAR_FIELDS | {
        "schema": {"const": DOCUMENT_SCHEMA},
        "arrived_at": {"type": ["string", "null"], "pattern": INSTANT},
        "lookback_bars": {"type": "integer", "minimum": 0, "maximum": windows.longest_lookback_closes},
        "volatility_20": unknown | {"minimum": 0},
        "rsi_14": unknown | {"minimum": 0, "maximum": 100},
    }
    fields = list(json.loads(enrich(encode_record(SAMPLE, Lookback()), None, windows)))
    return {
        "$schema": DIALECT,
        "title": DOCUMENT_SCHEMA,
        "type": "object",
        "required": fields,
        "properties": {name: known.get(name, unknown) for name in fields},
        "additionalProperties": False,
    }


SCHEMAS = {"bar.v1.schema.json": bar_schema, "enriched.v1.schema.json": document_schema}


if __name__ == "__main__":
    for name, make in SCHEMAS.items():
        (FOLDER / name).write_text(json.dumps(make(Windows()), indent=2) + "\n", encoding="utf-8")
