"""Files as Firehose lays them out: gzip JSON lines or Parquet, a folder for each day of arrival."""

import gzip
import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import duckdb

_SCHEMA = Path(__file__).parents[2] / "docs" / "enriched.v1.schema.json"
DOCUMENT: dict[str, Any] = dict.fromkeys(json.loads(_SCHEMA.read_text(encoding="utf-8"))["properties"])


def document(
    open_time: str,
    close: float = 100.0,
    *,
    as_of: str | None = None,
    instrument: str = "IBM",
    interval: str = "1min",
    **fields: object,
) -> dict[str, Any]:
    """A document of contract 2.

    Args:
        open_time: `2026-11-20T14:30:00Z`.
        close: also its other prices.
        as_of: the moment of open_time, if it is not given.
        instrument: IBM is an equity; fx: and crypto: say what they are.
        interval: any.
        fields: any others; those that are not given are null.
    """
    asset_class, colon, _ = instrument.partition(":")
    known = as_of or open_time.replace("Z", ".000Z")
    return DOCUMENT | {
        "schema": "enriched.v1",
        "id": f"{instrument}|{interval}|{open_time}",
        "as_of": known,
        "instrument": instrument,
        "asset_class": asset_class if colon else "equity",
        "interval": interval,
        "open_time": open_time,
        **dict.fromkeys(("open", "high", "low", "close"), close),
        "volume": 1000.0,
        "source": "replay",
        "arrived_at": known,
        "lookback_bars": 0,
        **fields,
    }


def write_file(lake: Path, day: str, name: str, documents: Iterable[Mapping[str, Any]]) -> Path:
    """Writes one file of documents below a day of arrival (`2026-11-20`)."""
    return write_lines(lake, day, name, b"".join(json.dumps(each).encode() + b"\n" for each in documents))


def write_lines(lake: Path, day: str, name: str, lines: bytes) -> Path:
    """Writes one file of lines that are documents already."""
    path = lake / "bars" / f"dt={day}" / f"{name}.json.gz"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(gzip.compress(lines, mtime=0))
    return path


def write_parquet(lake: Path, day: str, name: str, documents: list[dict[str, Any]]) -> Path:
    """Writes one file of documents as Firehose converts them: texts stay texts, what is null has its type."""
    path = lake / "bars-parquet" / f"dt={day}" / f"{name}.parquet"
    path.parent.mkdir(parents=True, exist_ok=True)
    plain = path.with_suffix(".json")
    plain.write_text("".join(json.dumps(each) + "\n" for each in documents), encoding="utf-8")
    texts = {name for each in documents for name, value in each.items() if isinstance(value, str)}
    types = {name: "VARCHAR" if name in texts else "DOUBLE" for each in documents for name in each}
    types |= {"lookback_bars": "INTEGER"}
    with duckdb.connect() as database:
        database.read_json(str(plain), columns=types).write_parquet(str(path), compression="snappy")
    plain.unlink()
    return path
