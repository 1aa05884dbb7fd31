"""Putting records into the Kinesis stream, and knowing which of them it took."""

import random
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from http import HTTPStatus
from typing import TYPE_CHECKING, NamedTuple

from botocore.exceptions import ClientError, HTTPClientError
from botocore.exceptions import ConnectionError as BotoConnectionError

if TYPE_CHECKING:
    from mypy_boto3_kinesis import KinesisClient
    from mypy_boto3_kinesis.type_defs import PutRecordsRequestEntryTypeDef

# What one PutRecords takes: https://docs.aws.amazon.com/kinesis/latest/APIReference/API_PutRecords.html
CALL_RECORDS = 500
CALL_BYTES = 5 * 1024 * 1024

# In an error's code: AWS answers a throttled call, or one that timed out, with HTTP 400, as it does a wrong
# one.
_PASSING_WORDS = ("Throttl", "Exceeded", "Timeout")

FIRST_PAUSE_SECONDS = 0.1
LONGEST_PAUSE_SECONDS = 5.0


class KeyedRecord(NamedTuple):
    """A record, and the partition key that chooses its shard."""

    partition_key: str
    data: bytes


class _RefusedError(Exception):
    """The stream refuses this call, and would refuse a repetition."""


class BarStream:
    """The stream that carries bars.

    Args:
        client: boto3's Kinesis client.
        name: the stream's name.
        warn: logs each refusal: a constant message, and its details as keyword arguments.
        now: a clock that never goes back, in seconds.
        sleep: waits so many seconds.
        jitter: a random number from 0 to its argument.
        call_seconds: how long one call takes at the most. A call that could outlast the deadline is not made;
            with 0 the first one always is.

    Attributes:
        refusal: the code of the newest refusal; empty if there was none.
    """

    def __init__(
        self,
        client: "KinesisClient",
        name: str,
        warn: Callable[..., None],
        now: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
        jitter: Callable[[float], float] = lambda limit: random.uniform(0, limit),  # noqa: S311 (no secret hangs on it)
        call_seconds: float = 0.0,
    ) -> None:
        self._client = client
        self._name = name
        self._warn = warn
        self._now = now
        self._sleep = sleep
        self._jitter = jitter
        self._call_seconds = call_seconds
        self.refusal = ""

    def put(self, partition_key: str, records: Sequence[bytes], deadline: float) -> set[int]:
        """Puts records of one instrument, as put_together does.

        Args:
            partition_key: one for all, so that an instrument's bars stay on one shard.
            records: what to put.
            deadline: when to give up, on the clock that never goes back.
        """
        return self.put_together([KeyedRecord(partition_key, record) for record in records], deadline)

    def put_together(self, records: Sequence[KeyedRecord], deadline: float) -> set[int]:
        """Puts records, again and again until all are taken, the time is up, or the stream refuses for good.

        Args:
            records: what to put, of any instruments.
            deadline: when to give up, on the clock that never goes back.

        Returns:
            The positions in records of what the stream acknowledged.
        """
        waiting = set(range(len(records)))
        pause = FIRST_PAUSE_SECONDS
        while True:
            for call in list(_calls(sorted(waiting), records)):
                if self._call_seconds and self._now() + self._call_seconds > deadline:
                    return set(range(len(records))) - waiting
                try:
                    waiting -= self._put_call(records, call)
                except _RefusedError:
                    return set(range(len(records))) - waiting
            # Full jitter: https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/
            seconds = self._jitter(pause)
            if not waiting or self._now() + seconds + self._call_seconds >= deadline:
                return set(range(len(records))) - waiting
            self._sleep(seconds)
            pause = min(2 * pause, LONGEST_PAUSE_SECONDS)

    def _put_call(self, records: Sequence[KeyedRecord], call: list[int]) -> set[int]:
        """Puts what fits into one call; the positions of what was taken.

        Raises:
            _RefusedError: a repetition will not help.
        """
        entries: list[PutRecordsRequestEntryTypeDef] = [
            {"Data": records[position].data, "PartitionKey": records[position].partition_key}
            for position in call
        ]
        instrument = _whose(records[position] for position in call)
        try:
            answer = self._client.put_records(StreamName=self._name, Records=entries)
        except ClientError as error:
            code = self.refusal = error.response["Error"]["Code"]
            self._warn("call refused", instrument=instrument, records=len(call), error=code)
            if not _passes(error):
                raise _RefusedError from error
            return set()
        except (HTTPClientError, BotoConnectionError) as error:
            # The stream may have taken some of them. They are put again, with the same bytes.
            self.refusal = type(error).__name__
            self._warn("call broken off", instrument=instrument, records=len(call), error=self.refusal)
            return set()
        # If some are refused, the status is 200 too: each record has a result, in the order of the request.
        refused = [
            (position, result["ErrorCode"])
            for position, result in zip(call, answer["Records"], strict=True)
            if result.get("ErrorCode")
        ]
        if refused:
            self.refusal = refused[-1][1]
            self._warn(
                "records refused",
                instrument=_whose(records[position] for position, _ in refused),
                refused=len(refused),
                errors=sorted({code for _, code in refused}),
            )
        return set(call) - {position for position, _ in refused}


def _passes(error: ClientError) -> bool:
    """Whether a call that was refused as a whole may succeed later: the server is in trouble, or throttles.

    Any other refusal is left to the next run.
    """
    answer = error.response.get("ResponseMetadata", {})
    status = answer.get("HTTPStatusCode", 0)
    return (
        status >= HTTPStatus.INTERNAL_SERVER_ERROR
        or status in {HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_MANY_REQUESTS}
        or any(word in error.response["Error"]["Code"] for word in _PASSING_WORDS)
        # The SDK repeats only what may succeed, and has repeated this call.
        or answer.get("RetryAttempts", 0) > 0
    )


def _whose(records: Iterable[KeyedRecord]) -> str:
    """Whose records these are, for a log line: `IBM`, or `IBM and 99 more`."""
    first, *others = dict.fromkeys(record.partition_key for record in records)
    return f"{first} and {len(others)} more" if others else first


def _calls(positions: Sequence[int], records: Sequence[KeyedRecord]) -> Iterator[list[int]]:
    """The positions, cut so that each piece fits into one call."""
    call: list[int] = []
    size = 0
    for position in positions:
        record = records[position]
        record_size = len(record.data) + len(record.partition_key.encode())
        if call and (len(call) == CALL_RECORDS or size + record_size > CALL_BYTES):
            yield call
            call, size = [], 0
        call.append(position)
        size += record_size
    if call:
        yield call
