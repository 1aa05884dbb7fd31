"""A market and AWS in a process of its own, so that a measured process holds its clients and nothing else.

The market answers after LATENCY_SECONDS, as a provider over the internet does, and AWS after AWS_SECONDS.
"""

import base64
import json
import re
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from multiprocessing import get_context
from multiprocessing.connection import Connection
from typing import Any
from urllib.parse import parse_qs, urlsplit

from stockstream_local.loopback import LoopbackServer

LATENCY_SECONDS = 0.3
AWS_SECONDS = 0.005
NOW = datetime(2026, 11, 20, 20, 0, 30, tzinfo=UTC)
STAMPS = [NOW.replace(second=0) - timedelta(minutes=minute) for minute in range(-2, 101)]


class StandIn(LoopbackServer):
    """Shows a hundred bars of whatever it is asked for, in both providers' forms; keeps what AWS is given."""

    def __init__(self) -> None:
        super().__init__()
        self._items: dict[str, Any] = {}
        self._calls: Counter[str] = Counter()

    def respond(self, method: str, target: str, body: bytes) -> tuple[HTTPStatus, bytes]:
        """An answer, after the time that it takes."""
        if method == "GET" and target.startswith("/calls"):
            calls, self._calls = self._calls, Counter()
            return HTTPStatus.OK, json.dumps(calls).encode()
        if method == "GET":
            time.sleep(LATENCY_SECONDS)
            asked = {name: values[0] for name, values in parse_qs(urlsplit(target).query).items()}
            answer = _alpaca(asked) if "symbols" in asked else _alphavantage(asked)
            return HTTPStatus.OK, json.dumps(answer).encode()
        if target.startswith("/kept"):
            # The items of one instrument, for each of many.
            kept = json.loads(body)
            for name in kept["names"]:
                for item in kept["items"]:
                    key = item["key"]["S"].replace("NAME", name)
                    self._items[key] = item | {"key": {"S": key}}
            return HTTPStatus.OK, b"{}"
        time.sleep(AWS_SECONDS)
        return HTTPStatus.OK, json.dumps(self._aws(json.loads(body))).encode()

    def _aws(self, asked: dict[str, Any]) -> dict[str, Any]:
        match asked:
            case {"Records": records}:
                self._calls["PutRecords"] += 1
                return {
                    "FailedRecordCount": 0,
                    "Records": [
                        {"SequenceNumber": "4960" + "0" * 52, "ShardId": "shardId-000000000000"}
                        for _ in records
                    ],
                }
            case {"Key": {"key": {"S": key}}}:
                self._calls["GetItem"] += 1
                return {"Item": self._items[key]} if key in self._items else {}
            case {"RequestItems": requested}:
                self._calls["BatchGetItem"] += 1
                ((table, wanted),) = requested.items()
                keys = [each["key"]["S"] for each in wanted["Keys"]]
                found = [self._items[key] for key in keys if key in self._items]
                return {"Responses": {table: found}, "UnprocessedKeys": {}}
            case {"Item": item}:
                self._calls["PutItem"] += 1
                self._items[item["key"]["S"]] = item
            case {"Statements": statements}:
                self._calls["BatchExecuteStatement"] += 1
                for statement in statements:
                    # UPDATE "instruments" SET "version"=? ... WHERE "key"=? AND "version"=?
                    *values, key, _ = statement["Parameters"]
                    names = re.findall(r'SET "(\w+)"', statement["Statement"])
                    self._items[key["S"]] |= dict(zip(names, values, strict=True))
                return {"Responses": [{"TableName": "instruments"}] * len(statements)}
            case {"TransactItems": items}:
                self._calls["TransactWriteItems"] += 1
                for each in items:
                    self._items[each["Put"]["Item"]["key"]["S"]] = each["Put"]["Item"]
        return {}


def _alphavantage(asked: dict[str, str]) -> dict[str, object]:
    meta = {"2. Symbol": asked["symbol"], "6. Time Zone": "UTC"}
    names = ("1. open", "2. high", "3. low", "4. close", "5. volume")
    series = {
        f"{stamp:%Y-%m-%d %H:%M:%S}": dict(zip(names, map(str, numbers(stamp)), strict=True))
        for stamp in STAMPS
    }
    return {"Meta Data": meta, "Time Series (1min)": series}


def _alpaca(asked: dict[str, str]) -> dict[str, object]:
    start = datetime.fromisoformat(asked["start"])
    end = datetime.fromisoformat(asked["end"]) if "end" in asked else STAMPS[0]
    stamps = [stamp for stamp in reversed(STAMPS) if start <= stamp <= end]
    bars = [
        {"t": f"{stamp:%Y-%m-%dT%H:%M:%SZ}", **dict(zip("ohlcv", numbers(stamp), strict=True))}
        for stamp in stamps
    ]
    return {"bars": dict.fromkeys(asked["symbols"].split(","), bars), "next_page_token": None}


def numbers(stamp: datetime) -> tuple[float, float, float, float, int]:
    """Open, high, low, close and volume of a minute: made up, the same each time, with two digits."""
    minute = int(stamp.timestamp()) // 60
    close = round(100 + minute * 7919 % 1009 / 100, 2)
    return close, round(close + 0.11, 2), round(close - 0.13, 2), close, minute * 104729 % 99991


@contextmanager
def stand_in() -> Iterator[str]:
    """The address of a stand-in that runs until the end of `with`."""
    ours, its = (context := get_context("spawn")).Pipe()
    process = context.Process(target=_serve, args=(its,), daemon=True)
    process.start()
    try:
        yield ours.recv()
    finally:
        ours.send("end")
        process.join()


def _serve(pipe: Connection) -> None:
    with StandIn() as server:
        pipe.send(server.url)
        pipe.recv()


def encoded(item: dict[str, Any]) -> dict[str, Any]:
    """An item as DynamoDB's wire has it."""
    return {
        name: {
            kind: base64.b64encode(value).decode() if kind == "B" else value for kind, value in typed.items()
        }
        for name, typed in item.items()
    }
