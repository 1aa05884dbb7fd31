"""What is said of each stage of a stack, by what came through it."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from stockstream_operate.doctor.finding import Finding, Level
from stockstream_operate.doctor.flow import Flow, LakeFile
from stockstream_operate.doctor.stages import STAGES, Expectation, find_passed, judge_stages
from stockstream_operate.stack_metrics import Point

NOW = datetime(2026, 11, 20, 16, 0, tzinfo=UTC)
MONDAY = datetime(2026, 11, 23, 14, 30, tzinfo=UTC)
OPEN = Expectation(opens=None, buffer=timedelta(minutes=1))
FILE = LakeFile("bars/dt=2026-11-20/a.gz", NOW)
# What a stack measures that runs since half an hour.
FLOWING: dict[str, Any] = {
    "runs": 30,
    "requests": 10,
    "published": 120,
    "records": 120,
    "enriched": 118,
    "delivered": 118,
}


def flow(minutes_ago: int = 2, said: str = "", file: LakeFile | None = None, **totals: float) -> Flow:
    """What was measured, all of it in one minute."""
    at = NOW - timedelta(minutes=minutes_ago)
    return Flow({name: [Point(at, value)] for name, value in totals.items()}, said, file)


def judged(found: Flow, expectation: Expectation = OPEN) -> dict[str, Finding]:
    findings = {each.subject: each for each in judge_stages(found, expectation, "mine", NOW)}
    assert tuple(findings) == STAGES
    for each in findings.values():
        assert bool(each.remedy) is (each.level is not Level.GOOD)
    return findings


def wrong(found: Flow, expectation: Expectation = OPEN) -> list[str]:
    return [name for name, each in judged(found, expectation).items() if each.level is Level.PROBLEM]


def test_of_a_stack_that_works_every_stage_is_good_and_says_its_numbers() -> None:
    findings = judged(flow(file=FILE, **FLOWING))

    assert {each.level for each in findings.values()} == {Level.GOOD}
    assert [each.words for each in findings.values()] == [
        "30 runs in the last hour, the last at 15:58 UTC",
        "10 of 10 requests were answered in the last hour",
        "120 bars went in, the last at 15:58 UTC",
        "118 bars went through",
        "118 bars were written",
        "the first file is bars/dt=2026-11-20/a.gz, of 2026-11-20 16:00 UTC",
    ]
    assert all(find_passed(flow(file=FILE, **FLOWING)).values())


def test_a_producer_that_does_not_run_is_the_only_problem() -> None:
    assert wrong(flow()) == ["producer"]
    assert not any(find_passed(flow()).values())


def test_runs_that_fail_are_told_with_the_last_line_of_the_log() -> None:
    said = (
        '{"level": "ERROR", "message": "provider failed", "kind": "KeyRefusedError", "detail": "no such key"}'
    )
    failing = judged(flow(said=said, runs=3, failed_runs=3))["producer"]
    assert failing.words.endswith("which failed: provider failed: KeyRefusedError: no such key")
    assert wrong(flow(runs=3, failed_runs=3)) == ["producer"]
    # Lambda's own lines are no JSON.
    plain = flow(said="[ERROR] SettingsError: INSTRUMENTS\n", runs=1, failed_runs=1)
    assert judged(plain)["producer"].words.endswith("which failed: [ERROR] SettingsError: INSTRUMENTS")


def test_runs_that_failed_before_the_last_are_no_problem() -> None:
    points = {
        "runs": [Point(NOW - timedelta(minutes=3), 1), Point(NOW - timedelta(minutes=2), 1)],
        "failed_runs": [Point(NOW - timedelta(minutes=3), 1), Point(NOW - timedelta(minutes=2), 0)],
    }
    assert judged(Flow(points))["producer"].level is Level.NOTE


def test_a_closed_market_is_no_problem() -> None:
    closed = Expectation(opens=MONDAY, buffer=timedelta(minutes=1))
    findings = judged(flow(runs=60), closed)

    assert findings["provider"].words == "not asked: every market is closed until Mon 23 Nov, 14:30 UTC"
    assert {each.level for each in findings.values()} == {Level.GOOD}


def test_a_market_that_is_open_and_not_asked_is_told() -> None:
    assert judged(flow(runs=60))["provider"].level is Level.NOTE


@pytest.mark.parametrize(
    ("measured", "problems"),
    [
        ({"requests": 4, "failures": 4}, ["provider"]),
        ({"requests": 4, "failures": 3}, []),
        ({"requests": 4, "failures": 0}, []),
        # Firehose reads nothing.
        ({"requests": 4, "records": 9, "published": 9}, ["transform"]),
        # No metric of Kinesis: the producer's own count.
        ({"requests": 4, "published": 9}, ["transform"]),
        ({"requests": 4, "records": 9, "failed_batches": 1}, ["transform"]),
        # Firehose writes nothing.
        ({"requests": 4, "records": 9, "enriched": 9}, ["delivery", "lake"]),
        ({"requests": 4, "records": 9, "enriched": 9, "delivered": 9}, ["lake"]),
    ],
)
def test_the_stage_that_nothing_comes_through_is_the_problem(
    measured: dict[str, Any], problems: list[str]
) -> None:
    # Seven minutes are more than the minute of the buffer and the five that CloudWatch may be behind.
    assert wrong(flow(minutes_ago=7, runs=9, **measured)) == problems


def test_what_has_come_a_moment_ago_is_on_its_way() -> None:
    findings = judged(flow(minutes_ago=6, runs=1, requests=1, records=9))
    assert (findings["transform"].level, findings["transform"].words) == (Level.NOTE, "on their way")
    assert findings["delivery"].words == "nothing came so far"

    # A buffer of a quarter of an hour keeps it longer.
    slow = Expectation(opens=None, buffer=timedelta(minutes=15))
    assert wrong(flow(minutes_ago=20, runs=1, requests=1, records=9), slow) == []
    assert wrong(flow(minutes_ago=21, runs=1, requests=1, records=9), slow) == ["transform"]


def test_records_that_are_refused_are_told() -> None:
    refused = judged(flow(**FLOWING, rejected=2, file=FILE))["transform"]
    assert (refused.level, refused.remedy) == (Level.NOTE, "`stockstream redrive --stack mine` says why.")
