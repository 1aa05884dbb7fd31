"""The world of the soak, in a process of its own: an AWS and a market that the functions reach over HTTP.

What they keep is not in the memory that is measured. They answer only what the producer asks, and fail now
and then, since what an error leaves behind is where a process grows.

    python tests/soak/soak_world.py      prints its address, and ends when its standard input does
"""

import json
import math
import sys
from base64 import b64decode
from collections import Counter
from collections.abc import Mapping
from datetime import UTC, datetime
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Lock, Thread
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from stockstream.instrument_file import INSTRUMENT_FILE
from stockstream.instruments import Instrument
from stockstream_local.market.invented import MarketBar
from stockstream_local.market.replay import InventedMarket

# Each of so many requests to the market is answered by 503, and of each of so many calls the stream refuses
# a record. So many answers are what one connection is good for.
MARKET_FAILS, STREAM_REFUSES, ANSWERS_OF_A_CONNECTION = 60, 90, 500

type Item = dict[str, dict[str, str]]
type Json = dict[str, Any]


class ShortMarket(InventedMarket):
    """Shows no more than what a rereading needs: each of its bars is worked out when it is shown."""

    def bars_at(self, instrument: Instrument, interval: str, now: datetime, count: int) -> list[MarketBar]:
        """At most a thousand."""
        return super().bars_at(instrument, interval, now, min(count, 1_000))


class Refusal(Exception):  # noqa: N818 (it is DynamoDB's answer)
    """DynamoDB answers so, and nothing was written."""

    def __init__(self, kind: str, **more: object) -> None:
        super().__init__(kind)
        self.answer = {"__type": f"com.amazonaws.dynamodb.v20120810#{kind}", "message": kind, **more}


class SmallAws:
    """One table, one stream, one parameter.

    Attributes:
        items: of the table, by their keys.
        sizes: of the items, in bytes.
        records: what the stream took, in base64.
        counts: how often what was asked, and what failed.
    """

    def __init__(self) -> None:
        self.items: dict[str, Item] = {}
        self.sizes: dict[str, int] = {}
        self._most = self._largest = 0
        self.records: list[str] = []
        self.counts: Counter[str] = Counter()
        self._lock = Lock()

    def call(self, operation: str, sent: Json) -> Json:
        """The answer to a call.

        Raises:
            Refusal: a condition does not hold.
        """
        with self._lock:
            self.counts[operation] += 1
            answer: Json = getattr(self, f"_{operation}")(sent)
            return answer

    def take_records(self) -> list[str]:
        """What has come since the last call."""
        with self._lock:
            taken, self.records = self.records, []
            return taken

    def measure_table(self) -> Json:
        """How many items there are, and since the last call the most bytes of all and of one."""
        with self._lock:
            measured = {"items": len(self.items), "table": self._most, "largest": self._largest}
            self._most, self._largest = sum(self.sizes.values()), max(self.sizes.values())
            return measured

    def _store(self, item: Item) -> None:
        key = item["key"]["S"]
        self.items[key], self.sizes[key] = item, size_of(item)
        self._most = max(self._most, sum(self.sizes.values()))
        self._largest = max(self._largest, self.sizes[key])

    def _GetParameter(self, _sent: Json) -> Json:  # noqa: N802 (AWS's name)
        return {"Parameter": {"Name": "key", "Value": "a-key", "Type": "SecureString"}}

    def _PutRecords(self, sent: Json) -> Json:  # noqa: N802
        records = sent["Records"]
        refused = self.counts["PutRecords"] % STREAM_REFUSES == 0
        self.counts["records refused"] += refused
        self.records += [each["Data"] for each in records[: len(records) - refused]]
        results: list[Json] = [{"SequenceNumber": "1", "ShardId": "s"}] * (len(records) - refused)
        too_much = {"ErrorCode": "ProvisionedThroughputExceededException", "ErrorMessage": "too much"}
        return {"FailedRecordCount": int(refused), "Records": [*results, *[too_much] * refused]}

    def _GetItem(self, sent: Json) -> Json:  # noqa: N802
        item = self.items.get(sent["Key"]["key"]["S"])
        return {} if item is None else {"Item": item}

    def _BatchGetItem(self, sent: Json) -> Json:  # noqa: N802
        ((table, asked),) = sent["RequestItems"].items()
        found = [self.items.get(key["key"]["S"]) for key in asked["Keys"]]
        return {"Responses": {table: [each for each in found if each]}, "UnprocessedKeys": {}}

    def _PutItem(self, sent: Json) -> Json:  # noqa: N802
        if not self._holds(sent):
            raise Refusal("ConditionalCheckFailedException", Item=self._stored(sent))
        self._store(sent["Item"])
        return {}

    def _TransactWriteItems(self, sent: Json) -> Json:  # noqa: N802
        puts = [each["Put"] for each in sent["TransactItems"]]
        if not all(map(self._holds, puts)):
            reasons = [
                {"Code": "None"}
                if self._holds(put)
                else {"Code": "ConditionalCheckFailed", "Item": self._stored(put)}
                for put in puts
            ]
            raise Refusal("TransactionCanceledException", CancellationReasons=reasons)
        for put in puts:
            self._store(put["Item"])
        return {}

    def _holds(self, put: Json) -> bool:
        """Whether the condition of a put holds: each that the producer writes is about the version."""
        version = self._stored(put).get("version")
        read = put.get("ExpressionAttributeValues", {}).get(":read")
        holds: dict[str | None, bool] = {
            None: True,
            "attribute_not_exists(version)": version is None,
            "version = :read": version == read,
            "attribute_not_exists(version) OR version = :read": version in (None, read),
        }
        return holds[put.get("ConditionExpression")]

    def _stored(self, put: Json) -> Item:
        return self.items.get(put["Item"]["key"]["S"], {})


class World:
    """All that answers, and the time.

    Args:
        instruments: what the file of instruments lists.
    """

    def __init__(self, instruments: str) -> None:
        self.now = datetime(2026, 1, 1, tzinfo=UTC)
        self.aws = SmallAws()
        self._market = ShortMarket()
        self._file = instruments.replace(",", "\n").encode()

    def ask_market(self, query: str) -> tuple[HTTPStatus, bytes]:
        """What the market answers now."""
        counts = self.aws.counts
        counts["market"] += 1
        if counts["market"] % MARKET_FAILS == 0:
            counts["market failed"] += 1
            return HTTPStatus.SERVICE_UNAVAILABLE, b"{}"
        return HTTPStatus.OK, self._market.answer(dict(parse_qsl(query)), self.now)

    def read_file(self, unless: str | None) -> tuple[HTTPStatus, bytes]:
        """The list of instruments, unless it is known."""
        return (HTTPStatus.NOT_MODIFIED, b"") if unless == ETAG else (HTTPStatus.OK, self._file)

    def measure(self) -> Json:
        """How large the table was since the last call, and what took place so far."""
        return {**self.aws.measure_table(), "counts": self.aws.counts}


ETAG = '"1"'


def size_of(item: Item) -> int:
    """The size of an item: its names and values; a number takes a byte for two digits, and one more."""
    sizes = {
        "S": lambda value: len(value.encode()),
        "N": lambda value: math.ceil(len(value) / 2) + 1,
        "B": lambda value: len(b64decode(value)),
    }
    return sum(
        len(name) + sizes[kind](value) for name, typed in item.items() for kind, value in typed.items()
    )


class Handler(BaseHTTPRequestHandler):
    """What answers over HTTP."""

    protocol_version = "HTTP/1.1"
    # Head and body are two writes, of which the second would wait for the first one's receipt: 40 ms.
    disable_nagle_algorithm = True
    world: World
    answers = 0

    def do_GET(self) -> None:
        """The market, the table as it was, or the list of instruments."""
        parts = urlsplit(self.path)
        if parts.path == "/query":
            self._send(*self.world.ask_market(parts.query))
        elif parts.path == "/table":
            self._send_json(self.world.measure())
        elif parts.path.endswith(f"/{INSTRUMENT_FILE}"):
            self._send(*self.world.read_file(self.headers["If-None-Match"]), ETag=ETAG)
        else:
            self._send(HTTPStatus.NOT_FOUND, b"")

    def do_PUT(self) -> None:
        """Takes the time, and gives the records that have come since."""
        self.world.now = datetime.fromisoformat(self._body().decode())
        self._send_json({"records": self.world.aws.take_records()})

    def do_POST(self) -> None:
        """AWS, in JSON."""
        operation = self.headers["X-Amz-Target"].rpartition(".")[2]
        try:
            self._send_json(self.world.aws.call(operation, json.loads(self._body())))
        except Refusal as refusal:
            self._send(HTTPStatus.BAD_REQUEST, json.dumps(refusal.answer).encode())

    def _body(self) -> bytes:
        return self.rfile.read(int(self.headers["Content-Length"]))

    def _send_json(self, answer: Mapping[str, Any]) -> None:
        self._send(HTTPStatus.OK, json.dumps(answer).encode())

    def _send(self, status: HTTPStatus, body: bytes, **headers: str) -> None:
        self.answers += 1
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        if status != HTTPStatus.NOT_MODIFIED:
            self.send_header("Content-Length", str(len(body)))
        if self.answers == ANSWERS_OF_A_CONNECTION:
            self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 (http.server's name)
        """Says nothing."""


def main(instruments: str) -> None:
    """Serves until standard input ends."""
    handler = type("WorldHandler", (Handler,), {"world": World(instruments)})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    Thread(target=server.serve_forever, daemon=True).start()
    sys.stdout.write(f"http://127.0.0.1:{server.server_port}\n")
    sys.stdout.flush()
    sys.stdin.read()


if __name__ == "__main__":
    main(sys.argv[1])
