"""A list in two partitions: the handler with the events of the template's schedules, in moto's AWS."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

import boto3
import pytest
from producer_stack import invoke, producer_stack, serve_market, stream_ids
from resolved_template import ResolvedTemplate

from producer import handler
from producer.memory.ledger_item import LeaseHeldError, LedgerItem
from producer.partitioning import PartitionError
from stockstream.errors import SettingsError
from stockstream.instrument_file import INSTRUMENT_FILE
from stockstream.partitions import Partition

# By the names alone: crypto:BTC/USD is in 2 of 2, the others in 1 of 2.
COINS = ["crypto:ETH/USD", "crypto:BTC/USD", "crypto:DOGE/USD", "crypto:SOL/USD"]
BUCKET = "the-lake"

pytestmark = pytest.mark.filterwarnings("ignore:No application metrics")


@pytest.fixture(autouse=True)
def _stack(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    with serve_market() as url, producer_stack(monkeypatch, url):
        monkeypatch.setenv("PROVIDER", "alpaca")
        monkeypatch.setenv("INSTRUMENTS", ",".join(COINS))
        monkeypatch.setenv("PRODUCER_PARTITIONS", "2")
        yield


def events(partitions: int) -> list[dict[str, Any]]:
    """What the template's schedules send with so many partitions."""
    template = ResolvedTemplate(ProducerPartitions=str(partitions), RequestsPerDay="0")
    schedules = [each["Target"] for each in template.of_kind("AWS::Scheduler::Schedule").values()]
    producer = template.of_kind("AWS::Serverless::Function")["ProducerFunction"]
    schedules += [each["Properties"] for each in producer["Events"].values()]
    return [json.loads(each["Input"]) for each in schedules]


def test_each_bar_arrives_once_and_each_partition_has_a_ledger() -> None:
    answers = [invoke(event) for event in events(2)]

    assert sorted(name for answer in answers for name in answer) == sorted(COINS)
    ids = stream_ids()
    assert len(ids) == len(set(ids)) == 2 * len(COINS)
    for number in (1, 2):
        ledger = LedgerItem(boto3.client("dynamodb"), "instruments", "alpaca", Partition(number, 2)).read()
        assert set(ledger.ledger.instruments) == {each for each in COINS if Partition(number, 2).holds(each)}


def test_a_schedule_that_outlives_its_partition_asks_for_nothing(caplog: pytest.LogCaptureFixture) -> None:
    of_two = [invoke(event) for event in events(4) if event.get("partition", 1) > 2]

    assert of_two == [{}, {}]
    assert caplog.messages == ["no such partition", "no such partition"]
    assert stream_ids() == []


@pytest.mark.parametrize("number", [0, -1, 9, "2", 1.0, True, None])
def test_what_is_no_number_of_a_partition_is_refused(number: object) -> None:
    with pytest.raises(PartitionError, match=r'write it as {"partition": 1}, with a number from 1 to 2'):
        invoke({"partition": number})


@pytest.mark.parametrize(
    ("setting", "value", "words"),
    [
        ("REQUESTS_PER_DAY", "25", "^PRODUCER_PARTITIONS is 2, and REQUESTS_PER_DAY 25: a day's requests "),
        ("REQUESTS_PER_MINUTE", "1", "^REQUESTS_PER_MINUTE is 1, and must be 2 or more: each of the 2 "),
        ("PRODUCER_PARTITIONS", "3", "^PRODUCER_PARTITIONS is '3', and must be one of 1, 2, 4, 8"),
    ],
)
def test_a_plan_that_cannot_be_shared_is_refused_at_the_start(
    monkeypatch: pytest.MonkeyPatch, setting: str, value: str, words: str
) -> None:
    monkeypatch.setenv(setting, value)

    with pytest.raises(SettingsError, match=words):
        invoke({})


def test_the_plans_minute_is_shared_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REQUESTS_PER_MINUTE", "5")

    plans = [handler._producer(Partition(number, 2)).plan for number in (1, 2)]  # noqa: SLF001
    assert [each.requests_per_minute for each in plans] == [3, 2]


def put(text: str) -> None:
    boto3.client("s3").put_object(Bucket=BUCKET, Key=INSTRUMENT_FILE, Body=text.encode())


def told(printed: str) -> float:
    lines = [json.loads(line) for line in printed.splitlines() if '"_aws"' in line]
    return sum(sum(line.get("InstrumentsSilent", [])) for line in lines)


@pytest.mark.parametrize("first", [1, 2])
def test_a_list_in_a_file_is_divided_and_one_partition_tells_of_what_is_bad(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], first: int
) -> None:
    boto3.client("s3").create_bucket(Bucket=BUCKET)
    monkeypatch.setenv("INSTRUMENT_BUCKET_NAME", BUCKET)
    put("\n".join(COINS[:2]))
    order = [{"partition": first}, {"partition": 3 - first}]
    assert sorted(name for event in order for name in invoke(event)) == sorted(COINS[:2])
    capsys.readouterr()

    # Whichever run sees the change first, in the same container.
    put("\n".join([*COINS, "no instrument"]))
    answers: list[Mapping[str, object]] = [invoke(event) for event in order]

    assert {COINS[2], COINS[3]} <= {name for answer in answers for name in answer}
    assert told(capsys.readouterr().out) == 1
    invoke(order[0])
    invoke(order[1])
    assert told(capsys.readouterr().out) == 0


def test_a_month_is_sent_by_each_partition_that_has_some_of_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PROVIDER", "replay")
    monkeypatch.setenv("INSTRUMENTS", "IBM,AAPL")
    backfill = {"backfill": {"instruments": ["IBM", "AAPL"], "month": "2026-10"}}

    assert invoke(backfill) == {"AAPL": {"sent": 2}, "IBM": {"sent": 2}}

    # IBM is in 2 of 2, which another run holds now.
    item = LedgerItem(boto3.client("dynamodb"), "instruments", "replay", Partition(2, 2))
    read = item.read()
    later = read.held_until.replace(year=2100)
    item.write(read.ledger, later, read.version)
    held = f"another run holds the ledger until {later.isoformat()}"
    assert invoke(backfill) == {"AAPL": {"sent": 2}, "IBM": {"sent": 0, "reason": held}}
    with pytest.raises(LeaseHeldError, match="another run holds"):
        invoke({"backfill": {"instruments": ["IBM"], "month": "2026-10"}})
