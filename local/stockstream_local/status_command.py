"""`stockstream status`: what runs here, what it has delivered, and what is wrong with it."""

import argparse
import json
from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any, NamedTuple

import boto3
from rich.table import Table

from stockstream.times import format_time
from stockstream_local.faults.fault_server import active_faults
from stockstream_operate.counts import say_count
from stockstream_operate.lake.access import NoLakeError, QueryableLake, open_lake
from stockstream_operate.lake.delays import Delay, measure_delays, read_recent
from stockstream_operate.run_lock import Running, read_running
from stockstream_operate.screen import Screen
from stockstream_operate.stack import NotCreatedError, find_running_stack
from stockstream_operate.stack_alarms import AlarmReader
from stockstream_operate.workplace import STATE

_DELIVERED = (
    "SELECT instrument, count(*) AS bars, max(open_time) AS newest FROM bars_latest GROUP BY 1 ORDER BY 1"
)


class Delivered(NamedTuple):
    """What the lake has of one instrument.

    Attributes:
        instrument: its name.
        bars: how many.
        newest: when the newest one opened, UTC.
    """

    instrument: str
    bars: int
    newest: datetime


class Status(NamedTuple):
    """What `stockstream status` says.

    Attributes:
        running: the run; None where nothing runs.
        alarms: the alarms that are in ALARM.
        faults: what `stockstream fault` has broken.
        delivered: what the lake of this run, or of the last one, holds.
        delays: how long the bars of the last hour took.
    """

    running: Running | None
    alarms: Sequence[str]
    faults: Sequence[str]
    delivered: Sequence[Delivered]
    delays: Sequence[Delay] = ()


def add_status(command: argparse.ArgumentParser) -> None:
    """Adds the options of `stockstream status`."""
    command.description = "Says what runs here, since when, what it delivered, and what is wrong with it."
    command.add_argument("--json", action="store_true", help="as one JSON object, for programs")
    command.set_defaults(run=run_status)


def run_status(asked: argparse.Namespace, screen: Screen) -> None:
    """Shows the status.

    Raises:
        StockstreamError: the run does not answer, or its lake cannot be read.
    """
    now, running = datetime.now(UTC), read_running(STATE)
    status = Status(
        running,
        _alarms() if running else (),
        active_faults() if running else (),
        _read_delivered(open_lake(None)),
        measure_delays(read_recent(STATE / "lake", now), now),
    )
    if asked.json:
        screen.write(json.dumps(as_object(status)))
    else:
        show_status(status, screen, now)


def as_object(status: Status) -> dict[str, Any]:
    """The status for programs."""
    running = status.running
    return {
        "running": running is not None,
        "process": running.process if running else None,
        "since": format_time(running.since) if running else None,
        "url": running.emulator.url if running else None,
        "alarms": list(status.alarms),
        "faults": list(status.faults),
        "delivered": [
            {**each._asdict(), "newest": format_time(each.newest.replace(tzinfo=UTC))}
            for each in status.delivered
        ],
        "delays": [asdict(each) for each in status.delays],
    }


def _alarms() -> list[str]:
    try:
        stack = find_running_stack()
    except NotCreatedError:  # and so no alarms
        return []
    states = AlarmReader(stack, boto3.client("cloudwatch")).read()
    return [each.name for each in states if each.is_alarming]


def _read_delivered(lake: QueryableLake) -> list[Delivered]:
    try:
        return [Delivered(*row) for row in lake.query(_DELIVERED).rows]
    except NoLakeError:
        return []


def show_status(status: Status, screen: Screen, now: datetime) -> None:
    """Shows the status to people.

    Args:
        status: what to show.
        screen: where.
        now: the time, UTC.
    """
    if running := status.running:
        minutes = say_count(int((now - running.since).total_seconds() // 60), "minute")
        screen.say(
            f"A pipeline runs here since {running.since:%Y-%m-%d %H:%M} UTC ({minutes}), "
            f"as process {running.process}, at {running.emulator.url}. `stockstream down` ends it."
        )
        screen.say(
            f"In ALARM: {', '.join(status.alarms)}." if status.alarms else "No alarm is in ALARM.",
            style="red" if status.alarms else "",
        )
        if status.faults:
            screen.say(f"Broken on purpose: {', '.join(status.faults)}. `stockstream mend` ends it.")
    else:
        screen.say("Nothing runs here: start `make run`.")
    if not status.delivered:
        screen.say("Nothing was delivered yet.")
        return
    table = Table(box=None, pad_edge=False, header_style="bold")
    for title in ("instrument", "bars", "newest bar (UTC)"):
        table.add_column(title, justify="right" if title == "bars" else "left")
    for each in status.delivered:
        table.add_row(each.instrument, f"{each.bars:,}", f"{each.newest:%Y-%m-%d %H:%M}")
    screen.present(table)
    if status.delays:
        screen.present(_tabulate(status.delays))


def _tabulate(delays: Sequence[Delay]) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("delay of a bar from its end, last hour")
    for title in ("half within", "99 % within", "bars"):
        table.add_column(title, justify="right")
    for each in delays:
        table.add_row(each.stage, f"{each.p50:.1f} s", f"{each.p99:.1f} s", f"{each.bars:,}")
    return table
