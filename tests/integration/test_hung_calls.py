"""A run whose calls are never answered: it ends by itself in time, remembers what it did, and loses nothing.

The port is real. The clients' timeouts are a tenth of the handler's own, and the function's time is shorter;
tests/infrastructure/test_time_limits.py counts with the real ones.
"""

import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ReadTimeoutError
from hung_port import Hangs, HungAws, hung_port
from producer_stack import invoke, producer_stack, serve_market, stream_ids

from producer import handler
from producer.memory.instrument_table import TailUnreachableError
from producer.memory.ledger_item import LedgerItem, VersionedLedger
from stockstream.aws_calls import longest_call
from stockstream.partitions import WHOLE

SECONDS = 7.0
CALLS = [
    "GetParameter",
    "BatchGetItem",
    "GetItem",
    "PutItem",
    "BatchGetItem",
    "PutRecords",
    "PutItem",
    "PutItem",
]
LEDGER, SPLITS, LEASE, TAIL, STREAM, WRITTEN_TAIL, RELEASE = range(1, 8)
BARS = {"IBM|1min|2026-11-20T20:58:00Z", "IBM|1min|2026-11-20T20:59:00Z"}

pytestmark = pytest.mark.filterwarnings("ignore:No application metrics")


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch) -> Iterator[HungAws]:
    quick = handler.AWS_CONFIG.merge(Config(connect_timeout=0.1, read_timeout=0.2))
    monkeypatch.setattr(handler, "AWS_CONFIG", quick)
    quick_stream = handler.STREAM_CONFIG.merge(Config(connect_timeout=0.1, read_timeout=0.3))
    monkeypatch.setattr(handler, "STREAM_CONFIG", quick_stream)
    monkeypatch.setattr(handler, "RESERVE_SECONDS", longest_call(quick) + 0.5)
    make_client = boto3.client
    with serve_market() as provider_url, hung_port() as url, producer_stack(monkeypatch, provider_url):
        aws = HungAws(url)
        monkeypatch.setenv("PROVIDER_TIMEOUT_SECONDS", "0.5")
        monkeypatch.setenv("REQUESTS_PER_DAY", "25")
        monkeypatch.setattr(
            boto3, "client", lambda *names, **options: aws.watch(make_client(*names, **options))
        )
        yield aws


def run() -> dict[str, object]:
    """A run that Lambda would end by force; how long it takes is checked."""
    started = time.monotonic()
    try:
        return dict(invoke({}, SECONDS))
    finally:
        assert time.monotonic() - started < SECONDS


def run_later(monkeypatch: pytest.MonkeyPatch, hours: int) -> dict[str, object]:
    later = replace(handler._producer(WHOLE), now=lambda: datetime.now(UTC) + timedelta(hours=hours))  # noqa: SLF001
    with monkeypatch.context() as patch:
        patch.setattr(handler, "_producer", lambda _: later)
        return run()


def remembered() -> VersionedLedger:
    return LedgerItem(boto3.client("dynamodb"), "instruments", "replay").read()


def from_then_on(first: int) -> Hangs:
    return lambda number, _operation: number >= first


def only(hung: int) -> Hangs:
    return lambda number, _operation: number == hung


def test_a_run_makes_these_calls(aws: HungAws) -> None:
    assert run() == {"IBM": 2}
    assert aws.calls == CALLS


@pytest.mark.parametrize("first", range(len(CALLS)))
def test_from_whichever_call_on_nothing_answers_the_run_ends_and_later_ones_send_every_bar(
    aws: HungAws, monkeypatch: pytest.MonkeyPatch, first: int
) -> None:
    aws.hangs = from_then_on(first)

    with pytest.raises(ReadTimeoutError):
        run()

    aws.hangs = only(-1)
    # Of 25 requests a day there is one in each hour, and what the run that died had reserved counts as spent.
    run_later(monkeypatch, hours=2)
    assert set(stream_ids()) == BARS
    assert run_later(monkeypatch, hours=4) == {"IBM": 0}


@pytest.mark.parametrize("hung", [TAIL, WRITTEN_TAIL])
def test_a_run_whose_tail_is_hung_remembers_its_request_and_ends_its_lease(aws: HungAws, hung: int) -> None:
    aws.hangs = only(hung)

    with pytest.raises(TailUnreachableError):
        run()

    page = remembered()
    assert (page.ledger.spent, page.ledger.of_instrument("IBM").deferred) == (1, 2)
    assert page.held_until <= datetime.now(UTC)


def test_a_put_that_hangs_is_made_again_in_the_same_run(aws: HungAws) -> None:
    aws.hangs = only(STREAM)

    assert run() == {"IBM": 2}
    assert aws.calls.count("PutRecords") == 2


def test_a_run_whose_stream_never_answers_remembers_what_waits(
    aws: HungAws, monkeypatch: pytest.MonkeyPatch
) -> None:
    aws.hangs = lambda _number, operation: operation == "PutRecords"

    assert run() == {"IBM": 0}

    page = remembered()
    assert (page.ledger.spent, page.ledger.of_instrument("IBM").deferred) == (1, 2)
    assert page.held_until <= datetime.now(UTC)
    aws.hangs = only(-1)
    assert run_later(monkeypatch, hours=2) == {"IBM": 2}


def test_a_run_whose_provider_never_answers_remembers_the_request(
    aws: HungAws, monkeypatch: pytest.MonkeyPatch
) -> None:
    with hung_port() as url:
        monkeypatch.setenv("PROVIDER_URL", url)
        assert run() == {}

    assert aws.calls == [*CALLS[:4], "PutItem"]
    page = remembered()
    assert (page.ledger.spent, page.ledger.unanswered) == (1, 1)
