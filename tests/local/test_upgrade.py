"""A stack is updated to another version in the emulator, with bars on their way and the producer running."""

import json
import os
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING
from zipfile import ZipFile

import boto3
import pytest
from reaching import reaching

from stockstream_deploy.change_set import LASTING
from stockstream_local import deployment
from stockstream_local.emulator.server import run_emulator
from stockstream_local.market.replay import InventedMarket, ReplayMarket
from stockstream_local.notices import NoticeReceiver
from stockstream_operate.lake.delivered import Document, Lake

if TYPE_CHECKING:
    from mypy_boto3_cloudformation import CloudFormationClient

pytestmark = pytest.mark.local

ROOT = Path(__file__).parents[2]
MINUTE = timedelta(minutes=1)
START = datetime.now(UTC).replace(second=0, microsecond=0) - timedelta(hours=5)
ARCHIVES = "stockstream-archives"
COIN = "crypto:BTC/USD"
SECONDS = 120


@dataclass
class Running:
    """The stack, and the market's clock, which moves with each run of the producer."""

    cloudformation: "CloudFormationClient"
    folder: Path
    parameters: dict[str, str]
    clock: list[datetime]
    documents: list[Document] = field(default_factory=list)
    sent: int = 0

    def __post_init__(self) -> None:
        self.lake = Lake(boto3.client("s3"), self.outputs()["LakeBucketName"], self.folder)

    def outputs(self) -> dict[str, str]:
        (described,) = self.cloudformation.describe_stacks(StackName="stockstream")["Stacks"]
        return {each["OutputKey"]: each["OutputValue"] for each in described["Outputs"]}

    def stores(self) -> dict[str, str]:
        """What holds data: by logical id, what it is called in the account."""
        resources = self.cloudformation.describe_stack_resources(StackName="stockstream")["StackResources"]
        return {
            each["LogicalResourceId"]: each["PhysicalResourceId"]
            for each in resources
            if each["ResourceType"] in LASTING
        }

    def produce(self) -> None:
        """One run of the producer, a minute later on the market's clock."""
        outputs = self.outputs()
        self.clock[0] += MINUTE
        # It has asked within this minute of its own clock, and has to forget that.
        boto3.client("dynamodb").delete_item(
            TableName=outputs["InstrumentTableName"], Key={"key": {"S": "ledger|replay"}}
        )
        answer = boto3.client("lambda").invoke(FunctionName=outputs["ProducerFunctionName"], Payload=b"{}")
        said = answer["Payload"].read()
        assert "FunctionError" not in answer, said
        self.sent += sum(json.loads(said).values())

    def await_all(self) -> None:
        """Waits until as much was delivered as was sent."""
        deadline = time.monotonic() + SECONDS
        while len(self.documents) < self.sent:
            assert time.monotonic() < deadline, f"{len(self.documents)} of {self.sent} were delivered"
            self.documents += self.lake.read_new()
            time.sleep(0.1)


@pytest.fixture
def running(tmp_path: Path, built: Path) -> Iterator[Running]:
    clock = [START]
    with (
        ReplayMarket(InventedMarket(), clock=lambda: clock[0]) as market,
        NoticeReceiver() as receiver,
        run_emulator(None, os.environ, tmp_path) as emulator,
        reaching(emulator),
    ):
        for name, value in {"/stockstream/api-key": "any", "/stockstream/webhook": receiver.url}.items():
            boto3.client("ssm").put_parameter(Name=name, Value=value, Type="SecureString")
        own = {
            "ProviderUrl": market.url,
            "Instruments": f"IBM,{COIN}",
            "Architecture": deployment.host_architecture(),
            "ScheduleState": "DISABLED",  # the test says when
        }
        deployment.create_stack(ROOT, built, own)
        yield Running(
            boto3.client("cloudformation"), tmp_path / "lake", deployment.local_parameters(ROOT) | own, clock
        )


def write_next_version(built: Path, folder: Path) -> str:
    """The template of a version in which each function has other code, and an alarm and an output are new."""
    template = json.loads((built.parent / "packaged.json").read_text(encoding="utf-8"))
    s3 = boto3.client("s3")
    for name, resource in template["Resources"].items():
        if resource["Type"] == "AWS::Serverless::Function":
            archive = folder / f"{name}-next.zip"
            archive.write_bytes((built.parent / "archives" / f"{name}.zip").read_bytes())
            with ZipFile(archive, "a") as packed:
                packed.writestr("next_version.py", '"""What only the next version has."""\n')
            s3.upload_file(str(archive), ARCHIVES, archive.name)
            resource["Properties"]["CodeUri"] = f"s3://{ARCHIVES}/{archive.name}"
    template["Outputs"]["Version"]["Value"] = "9.9.9"
    template["Resources"]["SecondHolesFoundAlarm"] = template["Resources"]["HolesFoundAlarm"]
    return json.dumps(template)


@pytest.mark.slow
def test_an_update_under_way_loses_no_bar_and_replaces_no_store(
    running: Running, built: Path, tmp_path: Path
) -> None:
    # GIVEN a stack with bars in its lake, in its stream and on their way
    running.produce()
    running.await_all()
    stores, before = running.stores(), len(running.documents)
    assert before == running.sent > 0
    running.produce()

    # WHEN another version is deployed, and the producer runs on
    template = write_next_version(built, tmp_path)
    boto3.client("s3").put_object(Bucket=ARCHIVES, Key="next.yaml", Body=template.encode())
    endpoint = boto3.client("s3").meta.endpoint_url
    running.cloudformation.update_stack(
        StackName="stockstream",
        TemplateURL=f"{endpoint}/{ARCHIVES}/next.yaml",
        Parameters=[
            {"ParameterKey": name, "ParameterValue": value}
            for name, value in (running.parameters | {"SmaWindows": "5,7"}).items()
        ],
        Capabilities=["CAPABILITY_IAM", "CAPABILITY_AUTO_EXPAND"],
    )
    waiter = running.cloudformation.get_waiter("stack_update_complete")
    with ThreadPoolExecutor(1) as threads:
        updated = threads.submit(
            waiter.wait, StackName="stockstream", WaiterConfig={"Delay": 1, "MaxAttempts": SECONDS}
        )
        runs = 0
        while not updated.done() or runs < 3:
            running.produce()
            runs += 1
        updated.result()
    running.produce()
    running.await_all()

    # THEN it is the other version, with the same stores
    assert running.outputs()["Version"] == "9.9.9"
    assert running.stores() == stores
    # THEN all that was sent was delivered, and of the coin each minute from the first to the last
    times = sorted({each["open_time"] for each in running.documents if each["instrument"] == COIN})
    moments = [datetime.fromisoformat(each) for each in times]
    assert {later - earlier for earlier, later in pairwise(moments)} == {MINUTE}
    assert moments[-1] == running.clock[0] - MINUTE
    # THEN what was sent is remembered: nothing comes anew but what is new, and the new code computes it
    assert len(running.documents) - before <= 2 * (runs + 2) + 10
    assert "sma_20" in running.documents[0]
    newest = max(running.documents, key=lambda each: (each["open_time"], each["instrument"]))
    assert "sma_7" in newest
    assert "sma_20" not in newest
