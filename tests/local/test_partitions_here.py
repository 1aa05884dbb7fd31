"""A list in two partitions, then in one, in the emulator, whose scheduler plays the template's schedules."""

import os
import time
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path

import boto3
import pytest
from reaching import reaching

from stockstream_local import deployment
from stockstream_local.emulator.server import run_emulator
from stockstream_local.market.replay import InventedMarket, ReplayMarket
from stockstream_local.notices import NoticeReceiver
from stockstream_operate.lake.delivered import Document, Lake

pytestmark = [pytest.mark.local, pytest.mark.slow]

ROOT = Path(__file__).parents[2]
MINUTE = timedelta(minutes=1)
# By the names alone, two in each of two partitions.
INSTRUMENTS = ["AAPL", "crypto:ETH/USD", "IBM", "crypto:BTC/USD"]
NUMBERS = ("open", "high", "low", "close", "volume")
SECONDS = 600


@pytest.fixture
def parameters(tmp_path: Path, built: Path) -> Iterator[dict[str, str]]:
    """Those of a stack that runs in two partitions."""
    with (
        ReplayMarket(InventedMarket()) as market,
        NoticeReceiver() as receiver,
        run_emulator(None, os.environ, tmp_path) as emulator,
        reaching(emulator),
    ):
        for name, value in {"/stockstream/api-key": "any", "/stockstream/webhook": receiver.url}.items():
            boto3.client("ssm").put_parameter(Name=name, Value=value, Type="SecureString")
        own = {
            "ProviderUrl": market.url,
            "Instruments": ",".join(INSTRUMENTS),
            "Architecture": deployment.host_architecture(),
            "ProducerPartitions": "2",
        }
        deployment.create_stack(ROOT, built, own)
        yield deployment.local_parameters(ROOT) | own


def outputs() -> dict[str, str]:
    (described,) = boto3.client("cloudformation").describe_stacks(StackName="stockstream")["Stacks"]
    return {each["OutputKey"]: each["OutputValue"] for each in described["Outputs"]}


def deploy(parameters: Mapping[str, str]) -> None:
    """Deploys the same template with other parameters."""
    cloudformation = boto3.client("cloudformation")
    cloudformation.update_stack(
        StackName="stockstream",
        UsePreviousTemplate=True,
        Parameters=[{"ParameterKey": name, "ParameterValue": value} for name, value in parameters.items()],
        Capabilities=["CAPABILITY_IAM", "CAPABILITY_AUTO_EXPAND"],
    )
    waiter = cloudformation.get_waiter("stack_update_complete")
    waiter.wait(StackName="stockstream", WaiterConfig={"Delay": 1, "MaxAttempts": SECONDS})


def times_of(documents: list[Document], name: str) -> list[datetime]:
    """The open_times of an instrument's documents, as often as they came."""
    return sorted(
        datetime.fromisoformat(each["open_time"]) for each in documents if each["instrument"] == name
    )


def await_newer(lake: Lake, documents: list[Document]) -> None:
    """Waits until each instrument has the bars of two minutes from now on."""
    wanted, deadline = datetime.now(UTC) + MINUTE, time.monotonic() + SECONDS
    while not all(times_of(documents, name)[-1:] >= [wanted] for name in INSTRUMENTS):
        assert time.monotonic() < deadline, f"no bars of {wanted} in time"
        time.sleep(1)
        documents += lake.read_new()


def ledgers() -> set[str]:
    items = boto3.client("dynamodb").scan(TableName=outputs()["InstrumentTableName"])["Items"]
    return {key for each in items if (key := each["key"]["S"]).startswith("ledger|")}


def test_each_bar_comes_once_from_two_partitions_and_from_one_after_them(
    parameters: dict[str, str], tmp_path: Path
) -> None:
    lake = Lake(boto3.client("s3"), outputs()["LakeBucketName"], tmp_path / "lake")
    documents: list[Document] = []
    await_newer(lake, documents)
    assert ledgers() == {"ledger|replay|1 of 2", "ledger|replay|2 of 2"}

    deploy(parameters | {"ProducerPartitions": "1"})
    await_newer(lake, documents)

    assert "ledger|replay" in ledgers()
    for name in INSTRUMENTS:
        bars: dict[datetime, list[Document]] = {}
        for each in documents:
            if each["instrument"] == name:
                bars.setdefault(datetime.fromisoformat(each["open_time"]), []).append(each)
        apart = {later - earlier for earlier, later in pairwise(sorted(bars))}
        # Of shares some minutes have no trade; coins have one in each.
        assert name in {"AAPL", "IBM"} or apart == {MINUTE}, name
        # What comes again is a bar that the market has revised, or one of those that look back on it.
        again = sorted(moment for moment, sent in bars.items() if len(sent) > 1)
        for moment in again[:1]:
            numbers = {tuple(each[field] for field in NUMBERS) for each in bars[moment]}
            assert len(numbers) == len(bars[moment]), (name, moment)
