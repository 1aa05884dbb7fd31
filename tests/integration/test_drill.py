"""A short day of the drill: much goes wrong, and readers see what the market said."""

import time
from collections import Counter
from contextlib import suppress
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from random import Random
from xml.etree import ElementTree as ET

import pytest
from alarm_evaluation import Metrics
from aws_faults import HUNG, PUT_ERRORS, RATES, REPEATED, TAIL_FAILS
from days import SHORT
from moto import mock_aws
from notices import DOWN, tell
from picture import Strip
from report import KINDS, Broken, Drilled, describe, paint, untried
from report import Outcome as OutcomeOfDay
from trading_day import open_world
from verdict import judge

from alert.delivery import Outcome, report
from alert.errors import DeliveryError

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
UNANSWERED = ("RunsUnanswered", frozenset({("service", "producer")}))


@pytest.mark.parametrize("seed", [2])
def test_nothing_is_lost_doubled_or_wrong_at_the_end_of_a_bad_day(seed: int, tmp_path: Path) -> None:
    with open_world(SHORT, seed, tmp_path) as world:
        world.play()
        verdict = judge(world, tmp_path)
        told = tell(world.measured, SHORT.start, SHORT.end, world.chance_of("notices"))

    assert verdict.faults == []
    assert told.faults == []
    # Or the silence would prove nothing.
    assert verdict.bars > 1000
    assert world.processes.counts["killed"] > 5
    kinds = {*RATES, *PUT_ERRORS, TAIL_FAILS, REPEATED, *HUNG}
    assert kinds - set(world.faults.counts) == set()
    assert world.counts["key rotated"] > 0
    assert world.server.counts["old key refused"] > 0
    assert len(world.poison) > 3
    assert len(told.changes) > 3
    assert told.counts["notice refused by a channel"] > 0


def test_whoever_else_sleeps_in_the_process_lets_no_simulated_time_go_by(tmp_path: Path) -> None:
    # A thread that another test had left ended a day in the middle.
    with open_world(SHORT, 1, tmp_path) as world:
        time.sleep(0.001)
        world.processes.run()

    assert world.last_run == SHORT.start


@pytest.fixture
def outages() -> Metrics:
    """Three of the provider, from noon on, each of five minutes in half an hour."""
    metrics = Metrics()
    for minute in range(120):
        is_down = minute < 90 and 10 <= minute % 30 < 15
        metrics.add(*UNANSWERED, NOON + minute * MINUTE, 3 if is_down else 0)
    return metrics


@pytest.mark.parametrize("seed", range(5))
def test_each_outage_is_told_once_and_its_end_once_though_a_channel_is_down(
    outages: Metrics, seed: int
) -> None:
    with mock_aws():
        told = tell(outages, NOON, NOON + 90 * MINUTE, Random(seed))

    assert [(each.alarm, each.state) for each in told.changes] == [(DOWN, "ALARM"), (DOWN, "OK")] * 3
    assert told.faults == []


def test_a_ledger_that_forgets_is_noticed(outages: Metrics, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("alert.notice_ledger.NoticeTable.confirm", lambda table, key: table.release(key))

    with mock_aws():
        told = tell(outages, NOON, NOON + 90 * MINUTE, Random(1))

    assert any("told 2 times" in fault for fault in told.faults)


def test_a_channel_that_is_skipped_when_it_fails_is_noticed(
    outages: Metrics, monkeypatch: pytest.MonkeyPatch
) -> None:
    def report_and_be_content(outcomes: list[Outcome]) -> None:
        with suppress(DeliveryError):
            report(outcomes)

    monkeypatch.setattr("alert.handler.report", report_and_be_content)

    with mock_aws():
        told = tell(outages, NOON, NOON + 90 * MINUTE, Random(1))

    assert any(fault.startswith("notice missed") for fault in told.faults)


def outcome(**more: int) -> OutcomeOfDay:
    """A day in which each kind of fault took place once, but for those that are given."""
    kinds = Counter(kind for group in KINDS.values() for kind in group) | Counter()
    strip = Strip("a day, 4", [0.0, 90.0], [("throttle burst", 0.2, 0.3)], [0.5], [(0.25, 0.35)])
    return OutcomeOfDay(
        day="a day",
        seed=4,
        bars=1000,
        records=1100,
        wrong=["IBM: lost", "notice missed: it"],
        worst_delay=timedelta(minutes=95),
        worst_repetition=2,
        told=12,
        runs=Counter(run=400, killed=7),
        faults=Counter({kind: more.get(kind, times) for kind, times in kinds.items()}),
        beside=Counter(),
        moments=Counter({"before PutItem": 1, "after PutItem": 2}),
        strip=strip,
        seconds=75,
    )


def test_a_kind_of_fault_that_never_took_place_is_said() -> None:
    assert untried([outcome()], ["PutItem"]) == []
    assert untried([outcome(slow=0), outcome(slow=0)], ["PutItem", "GetItem"]) == [
        "slow",
        "killed before GetItem",
        "killed after GetItem",
    ]


def test_the_report_counts_what_is_wrong_and_shows_each_day() -> None:
    broken = [Broken("a lease never ends", 2, "IBM|1min|2026-11-20T14:30:00Z: lost"), Broken("a put", 0, "")]
    drilled = Drilled([outcome(), outcome()], broken, date(2026, 11, 28))
    text = "\n".join(describe(drilled, "reliability.svg", ["## A month"]))

    assert "**2 days, 2,000 bars" in text
    assert "14 killed processes of 800 runs: 2 bars lost, doubled or wrong;\n24 outages" in text
    assert "2 notices missed" in text
    assert "| a day | 4 | 1,000 | 1,100 | 2 | 12 | 1 h 35 min | 2 |" in text
    assert "](reliability.svg)" in text
    assert "Played on 28 November 2026 in 2 minutes of one processor" in text  # 75 s and 75 s
    assert "| a lease never ends | 2 | `IBM\\|1min\\|2026-11-20T14:30:00Z: lost` |" in text
    assert "| a put | none | `` |" in text
    assert text.endswith("## A month")


def test_the_picture_is_a_strip_for_each_day() -> None:
    root = ET.fromstring(paint([outcome(), outcome()]))  # noqa: S314 (our own)

    texts = [each.text for each in root.iter("{http://www.w3.org/2000/svg}text")]
    assert texts.count("a day, 4") == 2
