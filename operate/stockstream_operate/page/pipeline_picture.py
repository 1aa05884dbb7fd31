"""The pipeline as a small picture: what passed each stage in the last hour, and whether it works."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from enum import StrEnum
from typing import Any

from stockstream_operate.counts import say_count
from stockstream_operate.page.market_hours import say_moment
from stockstream_operate.stack_report import StackReport

type Json = dict[str, Any]

SOURCE, STREAM, TRANSFORM, LAKE = "Source", "Stream", "Transform", "Lake"
# Which alarms say that a stage does not work. The others tell of prices, or of what lies beside it all.
STAGE_ALARMS = {
    "ProducerStoppedAlarm": SOURCE,
    "ProducerErrorsAlarm": SOURCE,
    "ProducerSlowAlarm": SOURCE,
    "ProviderFailuresAlarm": SOURCE,
    "ProviderRefusalsAlarm": SOURCE,
    "BarsOverdueAlarm": SOURCE,
    "HolesFoundAlarm": SOURCE,
    "InstrumentSilentAlarm": SOURCE,
    "BarsImpossibleAlarm": SOURCE,
    "BarsDeferredAlarm": STREAM,
    "BarStreamFailedRecordsAlarm": STREAM,
    "BarStreamThrottledAlarm": STREAM,
    "BarStreamStaleAlarm": STREAM,
    "TransformErrorsAlarm": TRANSFORM,
    "ProcessingFailingAlarm": TRANSFORM,
    "BarsRejectedAlarm": TRANSFORM,
    "BatchSetAsideAlarm": TRANSFORM,
    "DeliveryIdleAlarm": LAKE,
    "DeliveryFailingAlarm": LAKE,
    "ConversionFailingAlarm": LAKE,
    "DeliveryStaleAlarm": LAKE,
}
MOST_NOTICES = 4


class StageState(StrEnum):
    """How a stage is, as the page says it."""

    WORKS = "works"
    WAITS = "waits"
    ALARM = "in alarm"
    STOPPED = "stopped"
    UNKNOWN = "not known"


# What passes a stage, among METRICS.
_PASSES = {SOURCE: "requests", STREAM: "published", TRANSFORM: "enriched", LAKE: "enriched"}


def shape_stages(report: StackReport, bars: int, *, runs: bool | None) -> list[Json]:
    """The stages, from the source on: `name`, `says` (a line each), `state` and `why`.

    Args:
        report: what the stack says of itself.
        bars: how many were delivered to the lake, repetitions included.
        runs: whether the pipeline runs here; None for a stack in AWS.
    """
    alarming = [each for each in report.alarms or () if each.is_alarming]
    stages = []
    for name, says in _say(report, bars).items():
        own = [each.name for each in alarming if STAGE_ALARMS.get(each.name) == name]
        state = _find_state(name, report, is_alarming=bool(own), runs=runs)
        stages.append({"name": name, "says": says, "state": state, "why": ", ".join(own)})
    return stages


def list_alarms(report: StackReport) -> Json | None:
    """How many alarms there are, and which are in alarm; None where nobody knows. Moments are since 1970."""
    if report.alarms is None:
        return None
    alarming = [
        {"name": each.name, "since": each.since.timestamp(), "words": each.words}
        for each in report.alarms
        if each.is_alarming
    ]
    return {"watched": len(report.alarms), "in_alarm": alarming}


def list_notices(report: StackReport, now: datetime) -> list[Json] | None:
    """The last notices, the newest first; None where they are not known."""
    if report.changes is None:
        return None
    return [
        {
            "name": each.name,
            "at": say_moment(each.at, now),
            "is_alarming": each.is_alarming,
            "words": each.words,
        }
        for each in report.changes[:MOST_NOTICES]
    ]


def say_quota(report: StackReport) -> str:
    """What is left of the day's requests; empty where that is not known."""
    a_day = report.parameters.get("RequestsPerDay", "")
    if a_day == "0":
        return "no limit"
    left = (report.numbers or {}).get("quota")
    if left is None:
        return ""
    return f"{left:,.0f} of {a_day}" if a_day else f"{left:,.0f}"


def _find_state(name: str, report: StackReport, *, is_alarming: bool, runs: bool | None) -> StageState:
    if runs is False:
        return StageState.STOPPED
    if is_alarming:
        return StageState.ALARM
    if report.numbers is None:
        return StageState.UNKNOWN
    return StageState.WORKS if report.numbers.get(_PASSES[name]) else StageState.WAITS


def _say(report: StackReport, bars: int) -> Mapping[str, Sequence[str]]:
    lake = [f"{say_count(bars, 'bar')} delivered"]
    if report.numbers is None:
        return {SOURCE: [], STREAM: [], TRANSFORM: [], LAKE: lake}
    numbers = {key: int(report.numbers.get(key, 0)) for key in _COUNTED}
    provider = report.parameters.get("Provider", "")
    behind, waiting, half, most = (
        report.numbers.get(key) for key in ("behind", "waiting", "delay_p50", "delay_p99")
    )
    return {
        SOURCE: [
            *([provider] if provider else []),
            say_count(numbers["requests"], "request"),
            *([f"{numbers['failures']:,} failed"] if numbers["failures"] else []),
            *([say_count(numbers["impossible"], "impossible bar")] if numbers["impossible"] else []),
        ],
        STREAM: [
            f"{say_count(numbers['published'], 'bar')} sent",
            *([f"{numbers['revised']:,} revised"] if numbers["revised"] else []),
            *([f"{numbers['deferred']:,} wait to be sent"] if numbers["deferred"] else []),
            *([f"{half:.0f} s after a bar's end, p99 {most:.0f} s"] if half and most else []),
            *([f"read {behind / 1000:.1f} s later"] if behind is not None else []),
        ],
        TRANSFORM: [f"{say_count(numbers['enriched'], 'bar')} enriched", f"{numbers['rejected']:,} refused"],
        LAKE: [*lake, *([f"{waiting:.0f} s on the way"] if waiting else [])],
    }


_COUNTED = ("requests", "failures", "impossible", "published", "revised", "deferred", "enriched", "rejected")
