from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError, ReadTimeoutError

from stockstream.bar_stream import BarStream, KeyedRecord

REFUSED = "ProvisionedThroughputExceededException"


class FakeKinesis:
    """Takes what `takes` says, and remembers every call."""

    def __init__(self, takes: Callable[[bytes, int], bool] = lambda _record, _call: True) -> None:
        self.takes = takes
        self.calls: list[list[bytes]] = []

    def put_records(self, *, StreamName: str, Records: list[dict[str, Any]]) -> dict[str, Any]:  # noqa: N803 (boto3's)
        assert StreamName == "bars"
        records = [entry["Data"] for entry in Records]
        assert {entry["PartitionKey"] for entry in Records} == {"IBM"}
        self.calls.append(records)
        number = len(self.calls)
        return {
            "Records": [
                {"SequenceNumber": "1", "ShardId": "s"}
                if self.takes(record, number)
                else {"ErrorCode": REFUSED}
                for record in records
            ]
        }


class FailingKinesis(FakeKinesis):
    """Fails the first calls as a whole."""

    def __init__(self, *failures: Exception) -> None:
        super().__init__()
        self.failures = list(failures)

    def put_records(self, *, StreamName: str, Records: list[dict[str, Any]]) -> dict[str, Any]:  # noqa: N803 (boto3's)
        if self.failures:
            raise self.failures.pop(0)
        return super().put_records(StreamName=StreamName, Records=Records)


class Clock:
    """Time that passes only in sleep."""

    def __init__(self) -> None:
        self.seconds = 0.0
        self.pauses: list[float] = []

    def sleep(self, seconds: float) -> None:
        self.seconds += seconds
        self.pauses.append(seconds)


def stream(client: FakeKinesis, clock: Clock, call_seconds: float = 0) -> BarStream:
    return BarStream(
        client,  # type: ignore[arg-type]  # a fake
        "bars",
        warn=lambda *_, **__: None,
        now=lambda: clock.seconds,
        sleep=clock.sleep,
        jitter=lambda limit: limit,
        call_seconds=call_seconds,
    )


def test_puts_only_the_refused_records_again() -> None:
    client = FakeKinesis(takes=lambda record, call: record != b"b" or call == 3)

    acknowledged = stream(client, Clock()).put("IBM", [b"a", b"b", b"c"], deadline=100)

    assert {0, 1, 2} == acknowledged
    assert client.calls == [[b"a", b"b", b"c"], [b"b"], [b"b"]]


def test_waits_longer_each_time_and_not_past_the_deadline() -> None:
    clock = Clock()
    client = FakeKinesis(takes=lambda record, _call: record == b"a")

    acknowledged = stream(client, clock).put("IBM", [b"a", b"b"], deadline=12)

    assert {0} == acknowledged
    assert pytest.approx(clock.pauses) == [0.1, 0.2, 0.4, 0.8, 1.6, 3.2, 5.0]
    assert clock.seconds < 12


class SlowKinesis(FakeKinesis):
    """Takes nothing, and needs a while to say so."""

    def __init__(self, clock: Clock, seconds: float) -> None:
        super().__init__(takes=lambda _record, _call: False)
        self.clock, self.seconds = clock, seconds

    def put_records(self, **call: Any) -> dict[str, Any]:
        self.clock.seconds += self.seconds
        return super().put_records(**call)


@pytest.mark.parametrize(
    ("deadline", "calls"), [(3.9, 0), (4.0, 1), (8.05, 1), (8.15, 2), (12.25, 2), (12.35, 3)]
)
def test_no_call_is_begun_that_may_outlast_the_deadline(deadline: float, calls: int) -> None:
    clock = Clock()
    client = SlowKinesis(clock, seconds=4)

    stream(client, clock, call_seconds=4).put("IBM", [b"a"], deadline)

    # Between two calls are pauses of 0.1 and 0.2 s.
    assert len(client.calls) == calls
    assert clock.seconds <= deadline


def test_no_further_call_of_many_records_is_begun_that_may_outlast_the_deadline() -> None:
    clock = Clock()
    client = SlowKinesis(clock, seconds=4)
    client.takes = lambda _record, _call: True

    taken = stream(client, clock, call_seconds=4).put("IBM", [b"a"] * 1500, deadline=11)

    assert taken == set(range(1000))


def test_a_call_takes_500_records() -> None:
    client = FakeKinesis()

    stream(client, Clock()).put("IBM", [b"a"] * 1001, deadline=1)

    assert [len(call) for call in client.calls] == [500, 500, 1]


def test_a_call_takes_5_mib_with_its_partition_keys() -> None:
    client = FakeKinesis()
    mebibyte = b"a" * (1024 * 1024 - len("IBM"))

    stream(client, Clock()).put("IBM", [mebibyte] * 6, deadline=1)

    assert [len(call) for call in client.calls] == [5, 1]


def test_no_records_are_no_call() -> None:
    client = FakeKinesis()

    assert set() == stream(client, Clock()).put("IBM", [], deadline=1)
    assert client.calls == []


def client_error(code: str, status: int = 400, retries: int = 0) -> ClientError:
    answer: Any = {
        "Error": {"Code": code, "Message": ""},
        "ResponseMetadata": {"HTTPStatusCode": status, "RetryAttempts": retries},
    }
    return ClientError(answer, "PutRecords")


# The codes and statuses of Kinesis' API reference, and what botocore makes of an answer without a code.
@pytest.mark.parametrize(
    "failure",
    [
        client_error("ProvisionedThroughputExceededException"),
        client_error("LimitExceededException"),
        client_error("KMSThrottlingException"),
        client_error("ThrottlingException"),
        client_error("RequestTimeout"),
        client_error("RequestTimeoutException", 408),
        client_error("429", 429),
        client_error("InternalFailure", 500),
        client_error("InternalFailureException", 500),
        client_error("500", 500),
        client_error("502", 502),
        client_error("503", 503),
        client_error("ServiceUnavailable", 503),
        client_error("ServiceUnavailableException", 503),
        # Of which nobody has heard, but the SDK has tried it again by itself.
        client_error("PriorRequestNotComplete", retries=2),
        EndpointConnectionError(endpoint_url="https://kinesis.test"),
        ReadTimeoutError(endpoint_url="https://kinesis.test"),
    ],
    ids=str,
)
def test_a_call_that_fails_as_a_whole_is_put_again(failure: Exception) -> None:
    client = FailingKinesis(failure)

    assert stream(client, Clock()).put("IBM", [b"a", b"b"], deadline=100) == {0, 1}
    assert client.calls == [[b"a", b"b"]]


@pytest.mark.parametrize(
    ("code", "status"),
    [
        ("AccessDeniedException", 400),
        ("AccessDenied", 403),
        ("ResourceNotFoundException", 400),
        ("KMSDisabledException", 400),
        ("KMSInvalidStateException", 400),
        ("ValidationException", 400),
        ("413", 413),
    ],
)
def test_what_the_stream_refuses_for_good_is_left_at_once(code: str, status: int) -> None:
    client, clock = FailingKinesis(client_error(code, status)), Clock()

    assert stream(client, clock).put("IBM", [b"a"], deadline=100) == set()
    assert clock.pauses == []
    assert client.calls == []


def test_what_was_taken_before_the_stream_refused_for_good_counts() -> None:
    class ClosingKinesis(FakeKinesis):
        def put_records(self, **call: Any) -> dict[str, Any]:
            if self.calls:
                raise client_error("AccessDeniedException")
            return super().put_records(**call)

    assert stream(ClosingKinesis(), Clock()).put("IBM", [b"a"] * 501, deadline=100) == set(range(500))


class MixedKinesis:
    """Refuses the first time what `refuses` names, and remembers the key and the data of each record."""

    def __init__(self, refuses: set[bytes]) -> None:
        self.refuses = refuses
        self.calls: list[list[tuple[str, bytes]]] = []

    def put_records(self, *, StreamName: str, Records: list[dict[str, Any]]) -> dict[str, Any]:  # noqa: ARG002, N803 (boto3's)
        self.calls.append([(entry["PartitionKey"], entry["Data"]) for entry in Records])
        results = [{"ErrorCode": REFUSED} if entry["Data"] in self.refuses else {} for entry in Records]
        self.refuses = set()
        return {"Records": results}


def test_records_of_many_instruments_are_one_call_and_each_has_its_own_key_and_result() -> None:
    client, told = MixedKinesis({b"b", b"d"}), []
    clock = Clock()
    mixed = BarStream(
        client,  # type: ignore[arg-type]  # a fake
        "bars",
        warn=lambda message, **particulars: told.append((message, particulars)),
        now=lambda: clock.seconds,
        sleep=clock.sleep,
        jitter=lambda limit: limit,
    )

    records = [KeyedRecord(*each) for each in (("A", b"a"), ("B", b"b"), ("C", b"c"), ("D", b"d"))]
    assert mixed.put_together(records, deadline=100) == {0, 1, 2, 3}

    assert client.calls == [[("A", b"a"), ("B", b"b"), ("C", b"c"), ("D", b"d")], [("B", b"b"), ("D", b"d")]]
    assert told == [("records refused", {"instrument": "B and 1 more", "refused": 2, "errors": [REFUSED]})]
