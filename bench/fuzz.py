"""`make fuzz`: coverage-guided rubbish for the transform, until Firehose would refuse an answer."""

import json
import math
import sys
from base64 import b64decode, b64encode
from pathlib import Path
from typing import Any

import atheris

with atheris.instrument_imports():
    from stockstream.windows import Windows
    from transform.firehose import transform_records

EVENTS = Path(__file__).parents[1] / "events"


def check(data: bytes) -> None:
    """Sends the bytes twice, as a record's data and as the base64 itself, with a good record between."""
    records: list[dict[str, Any]] = [
        {"recordId": "bytes", "data": b64encode(data).decode()},
        GOOD,
        {"recordId": "text", "data": data.decode("latin-1")},
    ]
    entries, _ = transform_records(records, Windows())
    assert [entry["recordId"] for entry in entries] == ["bytes", GOOD["recordId"], "text"]
    assert entries[1]["data"] == EXPECTED
    for record, entry in zip(records, entries, strict=True):
        if entry["result"] == "ProcessingFailed":
            assert entry["data"] == record["data"]
            continue
        assert entry["result"] == "Ok"
        line = b64decode(entry["data"], validate=True)
        assert line.index(b"\n") == len(line) - 1
        for value in json.loads(line).values():
            assert value is None or isinstance(value, str) or math.isfinite(value)


def load(name: str) -> list[dict[str, Any]]:
    """The records of a sample event."""
    records: list[dict[str, Any]] = json.loads((EVENTS / name).read_text(encoding="utf-8"))["records"]
    return records


GOOD = load("firehose-good.json")[0]
EXPECTED = transform_records([GOOD], Windows())[0][0]["data"]

if __name__ == "__main__":
    corpus = Path(__file__).parents[1] / ".hypothesis" / "fuzz"
    corpus.mkdir(parents=True, exist_ok=True)
    for number, record in enumerate(load("firehose-mixed.json")):
        (corpus / f"seed-{number}").write_bytes(b64decode(record["data"]))
    seconds = int(float(sys.argv[1]) * 60)
    atheris.Setup([sys.argv[0], f"-max_total_time={seconds}", "-max_len=8192", str(corpus)], check)
    atheris.Fuzz()
