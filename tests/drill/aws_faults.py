"""Faults between the producer and AWS: each call may fail, and a fault leaves what it would leave in AWS.

They are put where botocore hands a request to the network, so that its own retries meet them as in life.
"""

import json
import random
from collections import Counter
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from functools import partial
from http import HTTPStatus
from typing import Any

from botocore.awsrequest import AWSPreparedRequest, AWSResponse
from botocore.client import BaseClient
from botocore.compat import HTTPHeaders
from botocore.exceptions import ConnectionClosedError, ReadTimeoutError
from clock import Clock
from moto.core.models import botocore_stubber
from quick_aws import QUICK, QuickAws

# How many of ten thousand calls meet with each fault.
RATES = {
    "no connection": 30,  # nothing was done
    "answer lost": 60,  # it was done, and the client sees an error
    "never answered": 20,  # nothing was done, and the client waits as long as it does
    "throttled": 60,
    "internal error": 30,
    "killed before": 6,
    "killed after": 6,
    "overtaken": 6,  # the process hangs until its lease is over, and another one runs meanwhile
}
CALLED = ("kinesis", "dynamodb", "ssm", "s3")
SERVICES = tuple(f"at a call of {service}" for service in CALLED)
# A service whose port takes connections for minutes and answers none.
HUNG = tuple(f"{service} hangs" for service in CALLED)
# In a burst, of a hundred calls.
BURST_RATE = 70
# Of ten thousand calls that put records: those that are taken in part, where there are several, and those
# that are answered with each of the errors that waiting may make good.
PARTIAL_RATE, PUT_ERROR_RATE = 150, 25
PUT_ERRORS = {
    "put answered 400, throttled": (400, "LimitExceededException"),
    "put answered 408": (408, "RequestTimeout"),
    "put answered 429": (429, "TooManyRequests"),
    "put answered 500": (500, "InternalFailureException"),
    "put answered 503": (503, "ServiceUnavailable"),
}
# Of ten thousand calls that update items: those of whose statements some fail.
STATEMENTS_RATE = 300
STATEMENTS_FAIL = "some statements of a call fail"
# What the SDK sends again once its answer was lost, and which must know that it has been done.
REPEATED = "conditional write repeated after a lost answer"
TAIL_FAILS = "one tail unreachable"
CONDITIONAL = {"PutItem", "TransactWriteItems", "BatchExecuteStatement"}
# With less time than this a run may leave a put to the next one.
_SECONDS_TO_PUT_AGAIN = 20

THROTTLED = {
    "dynamodb": (400, "ProvisionedThroughputExceededException"),
    "kinesis": (400, "ProvisionedThroughputExceededException"),
    "ssm": (400, "ThrottlingException"),
    "s3": (503, "SlowDown"),
    "lambda": (429, "TooManyRequestsException"),
}


_LONG_AGO = datetime.min.replace(tzinfo=UTC)


class Killed(BaseException):
    """The process ends here. No `except Exception` sees it, as none would see kill -9."""


class Faults:
    """What goes wrong in AWS.

    Args:
        aws: what answers the calls that get through, of the table and of the stream; moto answers others.
        chance: draws what happens.
        times: how much more often than RATES say.
        clock: which goes on while a client waits.
        overtake: runs another process to its end.

    Attributes:
        calm: whether nothing goes wrong.
        alone: whether the process is one of an operator's, whom no run overtakes.
        counts: how often each fault took place.
        burst_until: until when most calls are throttled.
        hung_until: until when no call of a service is answered, by its name.
        lost_tail: the key of a tail that the table fails for, and until when.
        services: how often each service failed.
        reproaches: what the producer should have done otherwise.
        written: when each item of the table was written for the first time, by its key.
        moments: each call before or after which a process was killed, and how often.
        killed_at: when.
    """

    def __init__(
        self,
        aws: QuickAws,
        chance: random.Random,
        times: int,
        clock: Clock,
        overtake: Callable[[], None],
    ) -> None:
        self._aws = aws
        self._chance = chance
        self._rates = {fault: times * rate for fault, rate in RATES.items()}
        self._put_error_rate = times * PUT_ERROR_RATE
        self._clock = clock
        self._overtake = overtake
        self._overtaken = False
        self._dead = False
        self._stored = self._refused = 0
        # A put that was refused in passing, and a conditional write whose answer was lost.
        self._deadline = 0.0
        self._to_put_again = ""
        self._lost_write: object = None
        self.calm = self.alone = False
        self.burst_until = _LONG_AGO
        self.hung_until = dict.fromkeys(CALLED, _LONG_AGO)
        self.lost_tail = "", _LONG_AGO
        self.counts: Counter[str] = Counter()
        self.services: Counter[str] = Counter()
        self.written: dict[str, datetime] = {}
        self.moments: Counter[str] = Counter()
        self.killed_at: list[datetime] = []
        self.reproaches: list[str] = []

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

    def begin(self, deadline: float) -> None:
        """A run begins, which must have ended at a moment of the clock's seconds."""
        self._deadline = deadline
        self._to_put_again = ""

    def meet(self, client: BaseClient) -> None:
        """Puts the faults before a client's calls."""
        client.meta.events.unregister("before-send", botocore_stubber)
        client.meta.events.register("before-send", partial(self._send, client))  # type: ignore[arg-type]  # it may answer

    def _send(
        self, client: BaseClient, event_name: str, request: AWSPreparedRequest, **_more: Any
    ) -> AWSResponse | None:
        _, service, operation = event_name.split(".")
        if self._dead:
            raise Killed  # what other threads of the process were about to do
        self._look_for_the_repetition(operation, request)
        fault = self._draw(service, operation, request)
        if fault:
            self.counts[fault] += 1
            if fault != TAIL_FAILS:
                self.services[f"at a call of {service}"] += 1
        self._break_off(client, fault, operation, request)
        if refusal := self._refuse(fault, service, request):
            return refusal
        if fault == "some refused":
            return self._refuse_some(request)
        if fault == STATEMENTS_FAIL:
            return self._fail_some(request)
        if fault == "overtaken":
            self._run_another()
        answer = self._pass_on(event_name, request)
        if operation == "PutRecords":
            self._stored += len(_body(request)["Records"])
        self._note_written(operation, request, answer)
        self._lose(fault, operation, request)
        return answer

    def _pass_on(self, event_name: str, request: AWSPreparedRequest) -> AWSResponse | None:
        """What AWS answers."""
        _, service, operation = event_name.split(".")
        if service not in QUICK:
            answered: AWSResponse | None = botocore_stubber(event_name, request)
            return answered
        status, body = self._aws.answer(operation, _body(request))
        return _answer(request, status, body)

    def _break_off(
        self, client: BaseClient, fault: str | None, operation: str, request: AWSPreparedRequest
    ) -> None:
        """What goes wrong before anybody has answered."""
        if fault in {"never answered", *HUNG}:
            config: Any = client.meta.config
            self._clock.let_go_by(config.connect_timeout + config.read_timeout)
            raise ReadTimeoutError(endpoint_url=request.url)
        if fault == "no connection":
            raise ConnectionClosedError(endpoint_url=request.url)
        if fault == "killed before":
            self._kill(f"before {operation}")

    def _refuse(self, fault: str | None, service: str, request: AWSPreparedRequest) -> AWSResponse | None:
        """The error that is the answer; None where there is another."""
        if fault in PUT_ERRORS:
            self._to_put_again = fault
            return _error(request, service, *PUT_ERRORS[fault])
        if fault in {"throttled", "throttled in a burst"}:
            return _error(request, service, *THROTTLED[service])
        if fault in {"internal error", TAIL_FAILS}:
            return _error(request, service, 500, "InternalError" if service == "s3" else "InternalFailure")
        return None

    def _note_written(self, operation: str, request: AWSPreparedRequest, answer: AWSResponse | None) -> None:
        if operation in {"PutItem", "TransactWriteItems"} and answer and answer.status_code == HTTPStatus.OK:
            body = _body(request)
            puts = [each["Put"] for each in body.get("TransactItems", ())] or [body]
            for put in puts:
                self.written.setdefault(put["Item"]["key"]["S"], self._clock.now)

    def _lose(self, fault: str | None, operation: str, request: AWSPreparedRequest) -> None:
        """What goes wrong once the call has done its work."""
        if fault == "answer lost":
            self._lost_write = request.body if operation in CONDITIONAL else None
            raise ReadTimeoutError(endpoint_url=request.url)
        if fault == "killed after":
            self._kill(f"after {operation}")

    def _look_for_the_repetition(self, operation: str, request: AWSPreparedRequest) -> None:
        """What was refused in passing is put again, and what was lost is written again."""
        has_time = self._clock.seconds + _SECONDS_TO_PUT_AGAIN < self._deadline
        if self._to_put_again and operation != "PutRecords" and has_time and not self.alone:
            self.reproaches.append(f"{self._clock.now}: {self._to_put_again}, and it was not put again")
        self._to_put_again = ""
        if self._lost_write and self._lost_write == request.body:
            self.counts[REPEATED] += 1
        self._lost_write = None

    def _draw(self, service: str, operation: str, request: AWSPreparedRequest) -> str | None:
        if self.calm:
            return None
        if fault := self._lasting(service, request):
            return fault
        if operation == "PutRecords" and (fault := self._draw_put(request)):
            return fault
        if operation == "BatchExecuteStatement" and self._chance.randrange(10_000) < STATEMENTS_RATE:
            return STATEMENTS_FAIL
        drawn = self._chance.randrange(10_000)
        for fault, rate in self._rates.items():
            if drawn < rate:
                # One process overtakes another, and nobody overtakes it.
                return None if (self._overtaken or self.alone) and fault == "overtaken" else fault
            drawn -= rate
        return None

    def _lasting(self, service: str, request: AWSPreparedRequest) -> str | None:
        """The fault that lasts for a while, and that this call meets."""
        now, (tail, until) = self._clock.now, self.lost_tail
        if now < self.hung_until.get(service, now):
            return f"{service} hangs"
        if service == "dynamodb" and now < until and f'"{tail}"'.encode() in _bytes(request):
            return TAIL_FAILS
        if now < self.burst_until and self._chance.randrange(100) < BURST_RATE:
            return "throttled in a burst"
        return None

    def _draw_put(self, request: AWSPreparedRequest) -> str | None:
        drawn = self._chance.randrange(10_000)
        if drawn < self._put_error_rate * len(PUT_ERRORS):
            return list(PUT_ERRORS)[drawn // self._put_error_rate]
        is_taken_in_part = drawn >= 10_000 - PARTIAL_RATE and len(_body(request)["Records"]) > 1
        return "some refused" if is_taken_in_part else None

    def _kill(self, moment: str) -> None:
        self.moments[moment] += 1
        self.killed_at.append(self._clock.now)
        self._dead = True
        raise Killed

    def _run_another(self) -> None:
        self._overtaken, deadline = True, self._deadline
        try:
            self._overtake()
        finally:
            # Its end is not the end of the one that hangs.
            self._overtaken, self._dead = False, False
            self.begin(deadline)

    def _refuse_some(self, request: AWSPreparedRequest) -> AWSResponse:
        """PutRecords takes a part: 200, and each record has its own result."""
        records = _body(request)["Records"]
        refused = set(self._chance.sample(range(len(records)), self._chance.randint(1, len(records) - 1)))
        some = [each for place, each in enumerate(records) if place not in refused]
        taken = iter(self._aws.answer("PutRecords", {"Records": some}).body["Records"])
        self._stored += len(some)
        self._refused += len(refused)
        error = {"ErrorCode": "ProvisionedThroughputExceededException", "ErrorMessage": "Rate exceeded"}
        results = [error if place in refused else next(taken) for place in range(len(records))]
        return _answer(request, 200, {"FailedRecordCount": len(refused), "Records": results})

    def _fail_some(self, request: AWSPreparedRequest) -> AWSResponse:
        """BatchExecuteStatement runs a part: 200, and each statement has its own result."""
        statements = _body(request)["Statements"]
        failed = set(self._chance.sample(range(len(statements)), self._chance.randint(1, len(statements))))
        some = [each for place, each in enumerate(statements) if place not in failed]
        run = iter(self._aws.answer("BatchExecuteStatement", {"Statements": some}).body["Responses"])
        code = self._chance.choice(["ThrottlingError", "InternalServerError", "TransactionConflict"])
        error = {"Error": {"Code": code, "Message": code}}
        responses = [error if place in failed else next(run) for place in range(len(statements))]
        return _answer(request, 200, {"Responses": responses})


def _bytes(request: AWSPreparedRequest) -> bytes:
    body = request.body
    assert isinstance(body, bytes)  # in this protocol
    return body


def _body(request: AWSPreparedRequest) -> dict[str, Any]:
    parsed: dict[str, Any] = json.loads(_bytes(request))
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
