"""Each part of the running pipeline broken and mended, as people would: the right notices, and no others.

What M of N minutes say takes its minutes. So three pipelines run side by side, in clones of their own: in
one, an outage would hide the next from the composite alarm.

    minute      0   1   2   3   4   5   6   7   8   9
    provider    key-refused (ALARM)             (OK)
                        provider-down and webhook-down (ALARM, once the webhook is back)    (OK)
    transform   transform-failing (ALARM)       (OK)
                price-jump      (ALARM)                     (OK)
    stream      stream-failing      (ALARM)  (OK) delivery-idle (ALARM) (OK)
"""

import json
import re
import subprocess
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from threading import Thread
from typing import TYPE_CHECKING

import boto3
import pytest
from clone import COMMAND, environment, make_clone

from stockstream_operate.run_lock import read_running

if TYPE_CHECKING:
    from mypy_boto3_cloudwatch import CloudWatchClient
    from mypy_boto3_cloudwatch.literals import AlarmTypeType

pytestmark = pytest.mark.local(minutes=3)

START_SECONDS = 420
# The longest way is a price's: its bar has to end, and five minutes to pass.
NOTICE_SECONDS = 660
KINDS: "list[AlarmTypeType]" = ["MetricAlarm", "CompositeAlarm"]
NOTICE = re.compile(r"Notice \((\w+)\): (ALARM|OK|NO DATA): stockstream-(\w+?)-[0-9A-F]+\.")


@dataclass
class Run:
    """`stockstream up` in a clone, and what it has said so far."""

    clone: Path
    process: subprocess.Popen[str]
    said: list[str] = field(default_factory=list)

    def follow(self) -> None:
        assert self.process.stdout
        self.said.extend(self.process.stdout)

    def command(self, *arguments: str) -> str:
        answer = subprocess.run(  # noqa: S603 (our own command)
            [*COMMAND, *arguments],
            env=environment(self.clone),
            cwd=self.clone,
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )
        assert answer.returncode == 0, answer.stdout + answer.stderr
        return answer.stdout

    def notices(self) -> dict[str, list[str]]:
        """Of each alarm, the states that people were told, in order."""
        told: dict[str, list[str]] = defaultdict(list)
        for line in list(self.said):
            if found := NOTICE.search(line):
                told[found[3]].append(found[2])
        return dict(told)

    def cloudwatch(self) -> "CloudWatchClient":
        found = read_running(self.clone / ".stockstream")
        assert found
        return boto3.client(
            "cloudwatch",
            endpoint_url=found.emulator.url,
            region_name="us-east-1",
            aws_access_key_id="local",
            aws_secret_access_key=found.emulator.secret_key,
        )

    def states(self) -> dict[str, str]:
        """The state of each alarm, as CloudWatch has it."""
        answer = self.cloudwatch().describe_alarms(AlarmTypes=KINDS)
        alarms = [*answer["MetricAlarms"], *answer["CompositeAlarms"]]
        return {each["AlarmName"].split("-")[1]: each["StateValue"] for each in alarms}

    def rung(self) -> set[str]:
        """The alarms that have been in ALARM."""
        pages = self.cloudwatch().get_paginator("describe_alarm_history").paginate(AlarmTypes=KINDS)
        return {
            each["AlarmName"].split("-")[1]
            for page in pages
            for each in page["AlarmHistoryItems"]
            if json.loads(each["HistoryData"])["newState"]["stateValue"] == "ALARM"
        }

    def await_state(self, alarm: str, state: str) -> None:
        self._await(lambda: self.states()[alarm] == state, f"{alarm} in {state}", NOTICE_SECONDS)

    def await_calm(self) -> None:
        self._await(lambda: set(self.states().values()) == {"OK"}, "the end of all alarms", NOTICE_SECONDS)

    def await_said(self, text: str, seconds: float) -> None:
        self._await(lambda: any(text in line for line in list(self.said)), text, seconds)

    def await_notice(self, alarm: str, state: str, times: int = 1) -> None:
        what = f"{times} times {state} of {alarm}"
        self._await(lambda: self.notices().get(alarm, []).count(state) >= times, what, NOTICE_SECONDS)

    def _await(self, is_there: Callable[[], bool], what: str, seconds: float) -> None:
        deadline = time.monotonic() + seconds
        while not is_there():
            assert self.process.poll() is None, "".join(self.said)
            assert time.monotonic() < deadline, f"{what} did not come: {''.join(self.said)}"
            time.sleep(0.5)


@contextmanager
def running(clone: Path) -> Iterator[Run]:
    with ExitStack() as ending:
        process = subprocess.Popen(  # noqa: S603 (our own command)
            [*COMMAND, "up"],
            env=environment(clone),
            cwd=clone,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        run = Run(clone, process)
        reader = Thread(target=run.follow)
        reader.start()
        ending.callback(lambda: process.stdout and process.stdout.close())
        ending.callback(reader.join)
        ending.callback(process.wait, timeout=60)
        ending.callback(process.terminate)
        yield run


@contextmanager
def pipelines(folder: Path, built: Path, count: int) -> Iterator[list[Run]]:
    """So many pipelines side by side, each in a clone of its own."""
    clones = [make_clone(folder / str(number), built) for number in range(count)]
    for clone in clones:
        settings = (clone / "samconfig.toml").read_text()
        # From one bar to the next, so that a move is over with the bar that made it.
        mark = '"Provider=replay",'
        assert settings.count(mark) == 1
        (clone / "samconfig.toml").write_text(settings.replace(mark, f'{mark} "PriceMoveBars=1",'))
    with ExitStack() as all_running:
        runs = [all_running.enter_context(running(clone)) for clone in clones]
        for run in runs:
            run.await_said("newest bar", START_SECONDS)
        yield runs


def test_a_fault_of_the_running_pipeline_is_told(tmp_path: Path, built: Path) -> None:
    """The short form: from a refused key over the producer's metric and an alarm to a notice."""
    with pipelines(tmp_path, built, 1) as (run,):
        run.command("fault", "key-refused")
        run.await_notice("ProviderRefusalsAlarm", "ALARM")

        assert run.notices() == {"ProviderRefusalsAlarm": ["ALARM"]}


@pytest.mark.slow
def test_each_fault_is_told_once_and_its_end_once_and_nothing_else_is(tmp_path: Path, built: Path) -> None:
    with pipelines(tmp_path, built, 3) as runs:
        break_and_mend(runs)


def break_and_mend(runs: list[Run]) -> None:
    provider, transform, stream = runs
    # WHEN a part breaks, and is mended as soon as its alarm rings
    provider.command("fault", "key-refused")
    transform.command("fault", "transform-failing")
    transform.command("fault", "price-jump")
    stream.command("fault", "stream-failing")
    provider.await_notice("ProviderRefusalsAlarm", "ALARM")
    provider.command("mend", "key-refused")
    provider.command("fault", "provider-down")
    provider.command("fault", "webhook-down")
    transform.await_notice("PipelineDownAlarm", "ALARM")
    transform.command("mend", "transform-failing")
    stream.await_notice("PipelineDownAlarm", "ALARM")
    stream.await_state("BarsDeferredAlarm", "ALARM")
    stream.command("mend", "stream-failing")
    # THEN what cannot be told while the webhook is down is told when it is back
    provider.await_state("PipelineDownAlarm", "ALARM")
    time.sleep(10)  # for the first attempt; the second comes a minute after it
    assert "PipelineDownAlarm" not in provider.notices()
    provider.command("mend", "webhook-down")
    provider.await_notice("PipelineDownAlarm", "ALARM")
    provider.command("mend", "provider-down")
    # WHEN nobody reads the stream, so that nothing fails
    stream.await_notice("PipelineDownAlarm", "OK")
    stream.command("fault", "delivery-idle")
    stream.await_state("DeliveryIdleAlarm", "ALARM")
    stream.command("mend", "delivery-idle")
    # THEN each alarm is told once, and once that it is over; those that set off the composite are silent
    told = {
        "provider": {"ProviderRefusalsAlarm": 1, "PipelineDownAlarm": 1},
        "transform": {"PriceMoveAlarm": 1, "PipelineDownAlarm": 1, "BatchSetAsideAlarm": 1},
        "stream": {"PipelineDownAlarm": 2},
    }
    for run, alarms in zip(runs, told.values(), strict=True):
        for alarm, times in alarms.items():
            run.await_notice(alarm, "OK", times)
        run.await_calm()
    assert [run.notices() for run in runs] == [
        {alarm: ["ALARM", "OK"] * times for alarm, times in alarms.items()} for alarms in told.values()
    ]
    # THEN behind the composite it was the right ones that rang
    assert "ProviderFailuresAlarm" in provider.rung()
    # THEN what a later attempt repaired rang nothing
    assert "AlertsGivenUpAlarm" not in provider.rung()
    assert transform.rung() >= {"TransformErrorsAlarm"}
    assert stream.rung() == {
        "BarStreamFailedRecordsAlarm",
        "BarsDeferredAlarm",
        "DeliveryIdleAlarm",
        "PipelineDownAlarm",
    }
