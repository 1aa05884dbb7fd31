"""From what flows through a stack: which stages it has passed, and at which one it is stuck."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from stockstream_operate.counts import say_count
from stockstream_operate.doctor.finding import Finding, good, note, problem
from stockstream_operate.doctor.flow import Flow
from stockstream_operate.page.market_hours import say_moment

# CloudWatch knows most numbers after a minute or two, Firehose's after as many more.
_CLOUDWATCH_IS_BEHIND = timedelta(minutes=5)
_MOST_SAID = 300

PRODUCER, PROVIDER, STREAM, TRANSFORM, DELIVERY, LAKE = STAGES = (
    "producer",
    "provider",
    "stream",
    "transform",
    "delivery",
    "lake",
)


@dataclass(frozen=True, slots=True)
class Expectation:
    """What can be expected of a stack.

    Attributes:
        opens: when the first of its markets opens, UTC; None where one is open or may be.
        buffer: how long Firehose collects bars before it writes them.
    """

    opens: datetime | None
    buffer: timedelta


def find_passed(flow: Flow) -> dict[str, bool]:
    """Whether anything has come through each stage, in the order of STAGES."""
    return {
        PRODUCER: flow.total("runs") > flow.total("failed_runs"),
        PROVIDER: flow.answered > 0,
        STREAM: flow.total(flow.records) > 0,
        TRANSFORM: flow.total("enriched") > 0,
        DELIVERY: flow.total("delivered") > 0,
        LAKE: flow.first_file is not None,
    }


def judge_stages(flow: Flow, expectation: Expectation, stack: str, now: datetime) -> Iterator[Finding]:
    """A finding for each of STAGES, and what to do where nothing comes through.

    Args:
        flow: what came through.
        expectation: what can be expected.
        stack: its name.
        now: the time, UTC.
    """
    yield _judge_runs(flow, stack, now)
    yield _judge_answers(flow, expectation, now)
    yield _judge_records(flow, now)
    yield _judge_transform(flow, expectation, stack, now)
    yield _judge_delivery(flow, expectation, now)
    yield _judge_lake(flow, expectation, now)


def _judge_runs(flow: Flow, stack: str, now: datetime) -> Finding:
    runs, failed = flow.times("runs"), flow.times("failed_runs")
    if not runs:
        return problem(
            PRODUCER,
            "it has not run in the last hour",
            f"Is the schedule on? `stockstream dead-letters --stack {stack}` shows what it could not start.",
        )
    words = f"{flow.total('runs')} runs in the last hour, the last at {say_moment(runs[-1], now)}"
    if failed and failed[-1] >= runs[-1]:
        return problem(
            PRODUCER,
            f"{words}, which failed{_quote(flow.said)}",
            "docs/runbook.md#producererrorsalarm",
        )
    if failed:
        return note(PRODUCER, f"{words}; {flow.total('failed_runs')} failed", "The last ones went well.")
    return good(PRODUCER, words)


def _judge_answers(flow: Flow, expectation: Expectation, now: datetime) -> Finding:
    requests = flow.total("requests")
    if not requests and expectation.opens:
        return good(PROVIDER, f"not asked: every market is closed until {say_moment(expectation.opens, now)}")
    if not requests:
        return note(
            PROVIDER,
            "not asked in the last hour, while a market is open",
            "RequestsPerDay says how often it is; the dashboard shows what is left of the day's requests.",
        )
    if not flow.answered:
        return problem(
            PROVIDER,
            f"none of {requests} requests was answered{_quote(flow.said)}",
            "docs/runbook.md#providerfailuresalarm",
        )
    return good(PROVIDER, f"{flow.answered} of {requests} requests were answered in the last hour")


def _judge_records(flow: Flow, now: datetime) -> Finding:
    times = flow.times(flow.records)
    if times:
        return good(
            STREAM,
            f"{say_count(flow.total(flow.records), 'bar')} went in, the last at {say_moment(times[-1], now)}",
        )
    if flow.answered:
        return note(
            STREAM,
            "no bar went in: the provider shows none that is new",
            "docs/runbook.md#barsoverduealarm, if that lasts while a market is open.",
        )
    return good(STREAM, "no bar went in, since none was answered")


def _judge_transform(flow: Flow, expectation: Expectation, stack: str, now: datetime) -> Finding:
    if flow.total("failed_batches"):
        return problem(
            TRANSFORM,
            f"{flow.total('failed_batches')} calls failed in the last hour",
            "docs/runbook.md#transformerrorsalarm",
        )
    if flow.total("rejected"):
        return note(
            TRANSFORM,
            f"{flow.total('enriched')} bars went through, {flow.total('rejected')} were refused",
            f"`stockstream redrive --stack {stack}` says why.",
        )
    if flow.total("enriched"):
        return good(TRANSFORM, f"{flow.total('enriched')} bars went through")
    return _judge_the_wait(
        TRANSFORM,
        flow.times(flow.records),
        expectation,
        now,
        "Firehose does not read the stream, or may not call the function: docs/runbook.md#deliveryidlealarm",
    )


def _judge_delivery(flow: Flow, expectation: Expectation, now: datetime) -> Finding:
    if flow.total("delivered"):
        return good(DELIVERY, f"{flow.total('delivered')} bars were written")
    return _judge_the_wait(
        DELIVERY,
        flow.times("enriched"),
        expectation,
        now,
        "Firehose cannot write to the bucket: docs/runbook.md#deliveryfailingalarm",
    )


def _judge_lake(flow: Flow, expectation: Expectation, now: datetime) -> Finding:
    if flow.first_file:
        return good(
            LAKE, f"the first file is {flow.first_file.key}, of {flow.first_file.at:%Y-%m-%d %H:%M} UTC"
        )
    return _judge_the_wait(
        LAKE,
        flow.times("delivered") or flow.times("enriched"),
        expectation,
        now,
        "docs/runbook.md#deliveryfailingalarm",
    )


def _judge_the_wait(
    stage: str, came: Sequence[datetime], expectation: Expectation, now: datetime, remedy: str
) -> Finding:
    """What it means that nothing has come through a stage.

    Args:
        stage: one of STAGES.
        came: when something came to it, minute by minute.
        expectation: what can be expected.
        now: the time, UTC.
        remedy: what to do if it takes too long.
    """
    if not came:
        return good(stage, "nothing came so far")
    allowed = expectation.buffer + _CLOUDWATCH_IS_BEHIND
    if now - came[0] > allowed:
        return problem(
            stage, f"nothing has come through of what came since {say_moment(came[0], now)}", remedy
        )
    minutes = round(allowed / timedelta(minutes=1))
    return note(
        stage, "on their way", f"Within {minutes} minutes; the bars are collected, and CloudWatch is behind."
    )


def _quote(line: str) -> str:
    """What a line of the log says, after a colon; nothing where there is none."""
    try:
        said = json.loads(line)
    except ValueError:
        said = line.strip()
    if isinstance(said, dict):
        said = ": ".join(str(said[key]) for key in ("message", "kind", "detail") if said.get(key))
    return f": {str(said)[:_MOST_SAID]}" if said else ""
