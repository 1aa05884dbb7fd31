"""Faults between the producer and AWS: each call may fail, and a fault leaves what it would leave in AWS.

They are put where botocore hands a request to the network, so that its own retries meet them as in life.
"""

import json
import random
from collections import Counter
from collections.abc import Callable, Mapping
from datetime import datetime
from http import HTTPStatus
from typing import Any

from botocore.awsrequest import AWSPreparedRequest, AWSResponse
from botocore.client import BaseClient
from botocore.compat import HTTPHeaders
from botocore.exceptions import ConnectionClosedError, ReadTimeoutError
from moto.core.models import botocore_stubber

# How many of ten thousand calls meet with each fault.
RATES = {
    "no connection": 30,  # nothing was done
    "answer lost": 60,  # it was done, and the client sees an error
    "throttled": 60,
    "internal error": 30,
    "killed before": 6,
    "killed after": 6,
    "overtaken": 6,  # the process hangs until its lease is over, and another one runs meanwhile
}
# Of the calls that put several records, how many are taken in part.
PARTIAL_RATE = 150


class Killed(BaseException):
    """The process ends here. No `except Exception` sees it, as none would see kill -9."""


class Faults:
    """What goes wrong in AWS.

    Args:
        chance: draws what happens.
        times: how much more often than RATES say.
        now: the clock.
        overtake: runs another process to its end.

    Attributes:
        calm: whether nothing goes wrong.
        counts: how often each fault took place.
        written: when each item of the table was written for the first time, by its key.
        moments: each call before or after which a process was killed, and how often.
    """

    def __init__(
        self, chance: random.Random, times: int, now: Callable[[], datetime], overtake: Callable[[], None]
    ) -> None:
        self._chance = chance
        self._rates = {fault: times * rate for fault, rate in RATES.items()}
        self._now = now
        self._overtake = overtake
        self._overtaken = False
        self._dead = False
        self.calm = False
        self.counts: Counter[str] = Counter()
        self.written: dict[str, datetime] = {}
        self.moments: Counter[str] = Counter()

    def revive(self) -> None:
        """A new process begins."""
        self._dead = False

    def meet(self, client: BaseClient) -> None:
        """Puts the faults before a client's calls; moto answers what gets through."""
        client.meta.events.unregister("before-send", botocore_stubber)  # type: ignore[arg-type]  # it is called
        client.meta.events.register("before-send", self._send)  # type: ignore[arg-type]  # it may answer

    def _send(self, event_name: str, request: AWSPreparedRequest, **_more: Any) -> AWSResponse | None:
        operation = event_name.rpartition(".")[2]
        if self._dead:
            raise Killed  # what other threads of the process were about to do
        fault = self._draw(operation, request)
        if fault:
            self.counts[fault] += 1
        match fault:
            case "no connection":
                raise ConnectionClosedError(endpoint_url=request.url)
            case "throttled":
                return _error(request, 400, "ProvisionedThroughputExceededException")
            case "internal error":
                return _error(request, 500, "InternalFailure")
            case "some refused":
                return self._refuse_some(event_name, request)
            case "killed before":
                self._kill(f"before {operation}")
            case "overtaken":
                self._run_another()
        answer = botocore_stubber(event_name, request)
        self._note_written(operation, request, answer)
        self._lose(fault, operation, request)
        return answer

    def _note_written(self, operation: str, request: AWSPreparedRequest, answer: AWSResponse | None) -> None:
        if operation in {"PutItem", "TransactWriteItems"} and answer and answer.status_code == HTTPStatus.OK:
            body = _body(request)
            puts = [each["Put"] for each in body.get("TransactItems", ())] or [body]
            for put in puts:
                self.written.setdefault(put["Item"]["key"]["S"], self._now())

    def _lose(self, fault: str | None, operation: str, request: AWSPreparedRequest) -> None:
        """What goes wrong once the call has done its work."""
        if fault == "answer lost":
            raise ReadTimeoutError(endpoint_url=request.url)
        if fault == "killed after":
            self._kill(f"after {operation}")

    def _draw(self, operation: str, request: AWSPreparedRequest) -> str | None:
        if self.calm:
            return None
        drawn = self._chance.randrange(10_000)
        if (
            operation == "PutRecords"
            and len(_body(request)["Records"]) > 1
            and drawn >= 10_000 - PARTIAL_RATE
        ):
            return "some refused"
        for fault, rate in self._rates.items():
            if drawn < rate:
                # One process overtakes another, and nobody overtakes it.
                return None if self._overtaken and fault == "overtaken" else fault
            drawn -= rate
        return None

    def _kill(self, moment: str) -> None:
        self.moments[moment] += 1
        self._dead = True
        raise Killed

    def _run_another(self) -> None:
        self._overtaken = True
        try:
            self._overtake()
        finally:
            # Its end is not the end of the one that hangs.
            self._overtaken, self._dead = False, False

    def _refuse_some(self, event_name: str, request: AWSPreparedRequest) -> AWSResponse | None:
        """PutRecords takes a part: 200, and each record has its own result."""
        body = _body(request)
        records = body["Records"]
        refused = set(self._chance.sample(range(len(records)), self._chance.randint(1, len(records) - 1)))
        body["Records"] = [each for place, each in enumerate(records) if place not in refused]
        request.body = json.dumps(body).encode()
        request.headers["Content-Length"] = str(len(request.body))
        answer = botocore_stubber(event_name, request)
        assert answer
        taken = iter(json.loads(answer.content)["Records"])
        error = {"ErrorCode": "ProvisionedThroughputExceededException", "ErrorMessage": "Rate exceeded"}
        results = [error if place in refused else next(taken) for place in range(len(records))]
        return _answer(request, 200, {"FailedRecordCount": len(refused), "Records": results})


def _body(request: AWSPreparedRequest) -> dict[str, Any]:
    parsed: dict[str, Any] = json.loads(request.body)  # type: ignore[arg-type]  # bytes, in this protocol
    return parsed


def _error(request: AWSPreparedRequest, status: int, code: str) -> AWSResponse:
    return _answer(request, status, {"__type": code, "message": code})


class _Raw:
    """A body as urllib3 hands it over."""

    def __init__(self, content: bytes) -> None:
        self._content = content

    def stream(self, **_options: object) -> list[bytes]:
        """The whole of it."""
        return [self._content]


def _answer(request: AWSPreparedRequest, status: int, body: Mapping[str, Any]) -> AWSResponse:
    headers = HTTPHeaders.from_dict({"Content-Type": "application/x-amz-json-1.1"})
    return AWSResponse(request.url, status, headers, _Raw(json.dumps(body).encode()))
