"""`stockstream cost`: what it prints, and what AWS answers about a stack."""

import argparse
import io
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError
from resolved_template import ResolvedTemplate
from rich.console import Console

from stockstream_operate.cost import cost_command
from stockstream_operate.cost.cost_command import CostError, add_cost, run_cost, workload_of
from stockstream_operate.cost.workload import Workload
from stockstream_operate.screen import Screen
from stockstream_operate.stack import Stack, StackError


def printed(*arguments: str) -> str:
    parser, out = argparse.ArgumentParser(), io.StringIO()
    add_cost(parser)
    run_cost(parser.parse_args(arguments), Screen(Console(file=out, width=200)))
    return out.getvalue()


def test_the_default_stack_is_told_by_resource_with_its_sum() -> None:
    told = printed()

    assert "1 instrument in bars of 1 min, alphavantage, 25 requests a day" in told
    assert "Kinesis: 1 shard, and PUT units" in told
    (together,) = [each.split() for each in told.splitlines() if each.startswith("together")]
    assert together == ["together", "18.93", "13.46"]


def test_a_list_of_many_has_no_daily_limit_and_what_would_save() -> None:
    told = printed("--instruments", "1000", "--provider", "alpaca")

    assert "8,190,000 bars a month" in told
    assert "Interval=5min" in told


def test_a_region_without_prices_is_named() -> None:
    with pytest.raises(CostError, match="--region mars-1: only the prices of us-east-1"):
        printed("--region", "mars-1")


@pytest.mark.parametrize("text", ["0", "-1", "many"])
def test_a_list_of_none_is_refused(text: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        printed("--instruments", text)
    assert f"{text!r} is no whole number above 0" in capsys.readouterr().err


def test_a_stacks_parameters_say_what_it_does() -> None:
    deployed = ResolvedTemplate(
        Instruments="IBM, MSFT,crypto:BTC/USD",
        Interval="5min",
        Provider="alpaca",
        RequestsPerDay="0",
        LakeFormat="PARQUET",
        CompactionEnabled="true",
        StreamShards="2",
        ProducerMemory="512",
        ProducerPartitions="4",
    ).parameters

    assert workload_of(deployed, 3) == Workload(
        3, 5, "alpaca", "regular", None, parquet=True, compaction=True, memory=512, shards=2, partitions=4
    )
    assert workload_of(ResolvedTemplate().parameters, 1) == Workload(memory=256, shards=1, partitions=1)


class FakeCostExplorer:
    """Answers two months by service, nothing, or no."""

    def __init__(self, answer: Any) -> None:
        self.answer = answer
        self.asked: dict[str, Any] = {}

    def get_cost_and_usage(self, **asked: Any) -> Any:
        self.asked = asked
        if isinstance(self.answer, Exception):
            raise self.answer
        return {"ResultsByTime": [{"Groups": month} for month in self.answer]}


def group(service: str, dollars: str) -> dict[str, Any]:
    return {"Keys": [service], "Metrics": {"UnblendedCost": {"Amount": dollars, "Unit": "USD"}}}


DENIED = ClientError({"Error": {"Code": "AccessDeniedException", "Message": "no"}}, "GetCostAndUsage")


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        ([[group("Kinesis", "3.5"), group("S3", "0.1")], [group("Kinesis", "7.0")]], "Kinesis   10.50"),
        ([[], []], "activate it as a cost allocation tag"),
        (DENIED, "What AWS billed is not known"),
    ],
)
def test_a_stack_is_compared_with_its_bill_where_that_may_be_seen(
    monkeypatch: pytest.MonkeyPatch, answer: Any, said: str
) -> None:
    explorer = FakeCostExplorer(answer)
    stack = Stack("prod", None, {}, ResolvedTemplate().parameters)
    monkeypatch.setattr(cost_command, "ask_stack", lambda _name: ("CREATE_COMPLETE", stack))
    monkeypatch.setattr(boto3, "client", lambda *_, **__: explorer)

    assert said in printed("--stack", "prod")
    assert explorer.asked["Filter"]["Tags"]["Values"] == ["prod"]


def test_a_stack_that_is_not_there_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cost_command, "ask_stack", lambda name: (None, Stack(name, None, {})))

    with pytest.raises(StackError, match="no stack prod"):
        printed("--stack", "prod")
