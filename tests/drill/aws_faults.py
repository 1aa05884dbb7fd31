"""Faults between the producer and AWS: each call may fail, and a fault leaves what it would leave in AWS.

They are put where botocore hands a request to the network, so that its own retries meet them as in life.
"""

import json
import random
from collections import Counter
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
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
SERVICES = tuple(f"at a call of {service}" for service in ("kinesis", "dynamodb", "ssm", "s3"))
# In a burst, of a hundred calls.
BURST_RATE = 70
# Of the calls that put several records, how many are taken in part.
PARTIAL_RATE = 150


THROTTLED = {
    "dynamodb": (400, "ProvisionedThroughputExceededException"),
    "kinesis": (400, "ProvisionedThroughputExceededException"),
    "ssm": (400, "ThrottlingException"),
    "s3": (503, "SlowDown"),
    "lambda": (429, "TooManyRequestsException"),
}


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
        burst_until: until when most calls are throttled.
        services: how often each service failed.
        written: when each item of the table was written for the first time, by its key.
        moments: each call before or after which a process was killed, and how often.
        killed_at: when.
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
        self._stored = self._refused = 0
        self.calm = self.alone = False
        self.burst_until = datetime.min.replace(tzinfo=UTC)
        self.counts: Counter[str] = Counter()
        self.services: Counter[str] = Counter()
        self.written: dict[str, datetime] = {}
        self.moments: Counter[str] = Counter()
        self.killed_at: list[datetime] = []

    @property
    def is_dead(self) -> bool:
        """Whether the process was killed."""
        return self._dead

    def take_puts(self) -> tuple[int, int]:
        """How many records the stream has stored and how many it has refused since this was asked last."""
        taken = self._stored, self._refused
        self._stored = self._refused = 0
        return taken

    def revive(self) -> None:
        """A new process begins."""
        self._dead = False

    def meet(self, client: BaseClient) -> None:
        """Puts the faults before a client's calls; moto answers what gets through."""
        client.meta.events.unregister("before-send", botocore_stubber)  # type: ignore[arg-type]  # it is called
        client.meta.events.register("before-send", self._send)  # type: ignore[arg-type]  # it may answer

    def _send(self, event_name: str, request: AWSPreparedRequest, **_more: Any) -> AWSResponse | None:
        _, service, operation = event_name.split(".")
        if self._dead:
            raise Killed  # what other threads of the process were about to do
        fault = self._draw(operation, request)
        if fault:
            self.counts[fault] += 1
            self.services[f"at a call of {service}"] += 1
        match fault:
            case "no connection":
                raise ConnectionClosedError(endpoint_url=request.url)
            case "throttled" | "throttled in a burst":
                return _error(request, service, *THROTTLED[service])
            case "internal error":
                return _error(
                    request, service, 500, "InternalError" if service == "s3" else "InternalFailure"
                )
            case "some refused":
                return self._refuse_some(event_name, request)
            case "killed before":
                self._kill(f"before {operation}")
            case "overtaken":
                self._run_another()
        answer = botocore_stubber(event_name, request)
        if operation == "PutRecords":
            self._stored += len(_body(request)["Records"])
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
        if self._now() < self.burst_until and self._chance.randrange(100) < BURST_RATE:
            return "throttled in a burst"
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
                return None if (self._overtaken or self.alone) and fault == "overtaken" else fault
            drawn -= rate
        return None

    def _kill(self, moment: str) -> None:
        self.moments[moment] += 1
        self.killed_at.append(self._now())
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
        self._stored += len(body["Records"])
        self._refused += len(refused)
        taken = iter(json.loads(answer.content)["Records"])
        error = {"ErrorCode": "ProvisionedThroughputExceededException", "ErrorMessage": "Rate exceeded"}
        results = [error if place in refused else next(taken) for place in range(len(records))]
        return _answer(request, 200, {"FailedRecordCount": len(refused), "Records": results})


def _body(request: AWSPreparedRequest) -> dict[str, Any]:
    parsed: dict[str, Any] = json.loads(request.body)  # type: ignore[arg-type]  # bytes, in this protocol
    return parsed


def _error(request: AWSPreparedRequest, service: str, status: int, code: str) -> AWSResponse:
    if service == "s3":
        body = f"<?xml version='1.0'?><Error><Code>{code}</Code><Message>{code}</Message></Error>"
        headers = HTTPHeaders.from_dict({"Content-Type": "application/xml"})
        return AWSResponse(request.url, status, headers, _Raw(body.encode()))
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
