"""How long a call may take, against botocore and a port that never answers."""

import time

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ReadTimeoutError
from hung_port import hung_port

from stockstream.aws_calls import longest_call


@pytest.mark.parametrize(
    ("attempts", "seconds"),
    [(1, 5), (2, 2 * 5 + 1), (3, 3 * 5 + 1 + 2), (7, 7 * 5 + 1 + 2 + 4 + 8 + 16 + 20)],
)
def test_counts_attempts_and_pauses(attempts: int, seconds: float) -> None:
    retries = {"mode": "standard", "total_max_attempts": attempts}

    assert longest_call(Config(connect_timeout=1, read_timeout=4, retries=retries)) == seconds  # type: ignore[arg-type]  # the stubs lack it


def test_a_call_that_is_never_answered_takes_no_longer() -> None:
    config = Config(
        connect_timeout=0.1, read_timeout=0.2, retries={"mode": "standard", "total_max_attempts": 2}
    )
    with hung_port() as url:
        client = boto3.client("kinesis", config=config, endpoint_url=url)
        started = time.monotonic()
        with pytest.raises(ReadTimeoutError):
            client.put_records(StreamName="bars", Records=[{"Data": b"a", "PartitionKey": "IBM"}])

    # Two attempts of 0.2 s at least; a tenth of a second is for the machine.
    assert 0.4 <= time.monotonic() - started <= longest_call(config) + 0.1
