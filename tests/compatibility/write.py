"""Writes down what this version writes, for every later version to read: `make compatibility`.

A folder is a version's. It is written anew until the version is released, and stays as it is from then on.
"""

import json
import random
import runpy
import shutil
import subprocess
import sys
from base64 import b64encode
from datetime import UTC, date, datetime, timedelta
from importlib.metadata import version
from pathlib import Path
from typing import Any

import boto3
from delivered_files import write_file, write_parquet
from lasting import list_stores
from moto import mock_aws

from alert.notice_ledger import NoticeTable
from producer.memory.instrument_table import InstrumentTable
from producer.memory.ledger_item import LedgerItem
from producer.memory.tail import Tail
from producer.ohlcv import Ohlcv
from producer.planning.ledger import Ledger, RequestState
from stockstream.windows import Windows
from stockstream_generate.template_file import ROOT, read_template
from transform.documents import enrich

HERE = Path(__file__).parent
NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
TABLE, NOTICES = "instruments", "notices"


def make_table(client: Any, name: str, key: str) -> None:
    """A table with a key, as the template has it."""
    client.create_table(
        TableName=name,
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[{"AttributeName": key, "AttributeType": "S"}],
        KeySchema=[{"AttributeName": key, "KeyType": "HASH"}],
    )


def write_records(folder: Path) -> None:
    """Records, their documents, a lake of both formats, and each bar as its readers must see it."""
    events = runpy.run_path(str(ROOT / "events" / "generate.py"))
    encode_last, make_bars = events["encode_last"], events["make_bars"]
    share, pair = make_bars("IBM", 276.0, 4, 240), make_bars("fx:EUR/USD", 1.0871, 5, 30)
    records = [
        *(encode_last(share[:count]) for count in (1, 2, 22, 40, 200)),
        encode_last(pair),
        encode_last(make_bars("crypto:BTC/USD", 91_250.0, 2, 8)),
    ]
    # The newest bar once more, as the provider revised it an hour later.
    bare = json.loads(encode_last(share[:40]))
    records.append(json.dumps(bare | {"close": bare["high"], "as_of": "2026-11-20T23:00:00.000Z"}).encode())
    # A third party's, without a look-back.
    records.append(json.dumps({name: value for name, value in bare.items() if name != "lookback"}).encode())
    lines = [enrich(record, "2026-11-20T23:30:00.000Z", Windows()) for record in records]
    documents = [json.loads(line) for line in lines]
    (folder / "records.jsonl").write_bytes(b"".join(record + b"\n" for record in records))
    (folder / "documents.jsonl").write_bytes(b"".join(lines))
    write_file(folder / "lake", "2026-11-20", "a", documents[:-2])
    write_parquet(folder / "lake", "2026-11-20", "b", documents[-2:])
    shown: dict[str, Any] = {}
    # Of two that are known since one moment, the one with the longer look-back is shown.
    for each in sorted(documents, key=lambda document: (document["as_of"], document["lookback_bars"])):
        shown[each["id"]] = each
    write_json(folder / "shown.json", shown)


def write_memory(folder: Path) -> None:
    """The tables' items, and what is in them."""
    chance = random.Random(20261120)
    # Too many for the head alone: it stands on a base.
    bars = {
        f"{NOON + timedelta(minutes=minute):%Y-%m-%dT%H:%M:%SZ}": Ohlcv(
            221.17, 221.3, 221.0, round(221 + chance.random() / 4, 2), float(chance.randint(1, 10**6))
        )
        for minute in range(160)
    }
    before = Tail(dict(list(bars.items())[:158]), forgotten=True)
    tail = Tail(bars, doubtful=frozenset(list(bars)[-1:]), forgotten=True)
    ledger = Ledger(
        day=date(2026, 11, 20),
        spent=17,
        stopped_until=NOON + timedelta(hours=3),
        instruments={
            "IBM": RequestState(
                asked_at=NOON, newest=NOON, failures=2, failed_at=NOON, sent_until=NOON, reported=True
            ),
            "fx:EUR/USD": RequestState(),
        },
        unanswered=3,
        unanswered_at=NOON,
        history={"IBM|1min|2026-10": NOON},
    )
    with mock_aws():
        client = boto3.client("dynamodb", region_name="us-east-1")
        make_table(client, TABLE, "key")
        make_table(client, NOTICES, "notice_key")
        table = InstrumentTable(client, TABLE)
        table.write_tail("IBM", "1min", tail, table.write_tail("IBM", "1min", before, 0).version)
        LedgerItem(client, TABLE, "alphavantage").write(ledger, NOON, 0)
        notices = NoticeTable(NOTICES, client, NOON.timestamp)
        for key in ("sent", "held"):
            notices.claim(key, (NOON + timedelta(minutes=1)).timestamp())
        notices.confirm("sent")
        items = {name: client.scan(TableName=name)["Items"] for name in (TABLE, NOTICES)}
    write_json(folder / "tables.json", items)
    write_json(
        folder / "remembered.json",
        {
            "bars": {time: list(numbers) for time, numbers in tail.bars.items()},
            "doubtful": sorted(tail.doubtful),
            "forgotten": tail.forgotten,
            "ledger": ledger.to_dict(),
        },
    )


def write_json(path: Path, value: dict[str, Any]) -> None:
    """A JSON object, a line for each of its keys, with bytes as `{"base64": ...}`."""

    def as_text(data: bytes) -> dict[str, str]:
        return {"base64": b64encode(data).decode()}

    lines = [f"{json.dumps(key)}: {json.dumps(each, default=as_text)}" for key, each in value.items()]
    path.write_text("{\n" + ",\n".join(lines) + "\n}\n", encoding="utf-8")


def is_released(tag: str) -> bool:
    """Whether the repository has the tag."""
    command = ["git", "tag", "--list", tag]
    asked = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)  # noqa: S603 (fixed words)
    return bool(asked.stdout.strip())


def main() -> None:
    """Writes the folder of the version that pyproject.toml names.

    Raises:
        SystemExit: that version is out.
    """
    number = version("stockstream")
    if is_released(f"v{number}"):
        sys.exit(
            f"compatibility: v{number} is released, and what it wrote stays as it is. "
            "Give pyproject.toml the next version first, and run `make setup`."
        )
    folder = HERE / number
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    write_records(folder)
    write_memory(folder)
    template = read_template()
    write_json(folder / "stores.json", list_stores(template))
    write_json(
        folder / "parameters.json",
        {
            name: parameter["Default"]
            for name, parameter in template["Parameters"].items()
            if "Default" in parameter
        },
    )
    print(f"wrote {folder.relative_to(ROOT)}")  # noqa: T201 (what a command says)


if __name__ == "__main__":
    main()
