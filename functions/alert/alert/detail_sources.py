"""For each metric, the log lines that it is counted from, and the sentence that each gives in a notice.

Lines of another outcome, from which the metric was not counted, would name a wrong cause.
"""

from collections.abc import Callable
from typing import NamedTuple

from alert.log_groups import Line, LineFilter
from alert.messages import parse_timestamp


class Source(NamedTuple):
    """Where the details of a metric are found.

    Attributes:
        function: whose log.
        line_filter: which of its lines the metric is counted from.
        describe: makes a sentence of one.
        rank: the greater, the graver; lines of one rank stay in their order, newest first.
        about: what a line is about: of two about the same thing a notice has only the graver.
        is_current: whether it has the newer one instead, since that says how things are now.
        kind: of lines of one rank, one of each kind comes before a second of the same.
        nothing: what to say where there is no such line; empty to say where to look.
        is_sample: whether the function logs only some of what it counts.
    """

    function: str
    line_filter: LineFilter
    describe: Callable[[Line], str]
    rank: Callable[[Line], float] = lambda _line: 0
    about: Callable[[Line], object] | None = None
    is_current: bool = False
    kind: Callable[[Line], str] = lambda _line: ""
    nothing: str = ""
    is_sample: bool = False


def _describe_move(line: Line) -> str:
    if "detail" in line:  # what looks like a split
        return f"{line.get('instrument')}: {line['detail']}."
    change = _number(line.get("change_percent"))
    verb = "fell" if change < 0 else "rose"
    return (
        f"{line.get('instrument')} {verb} {abs(change):.2f} %, from {_price(line.get('from_price'))} "
        f"to {_price(line.get('to_price'))}, between {_clock(line.get('from_time'))} "
        f"and {_clock(line.get('to_time'))} UTC ({line.get('bars')} bars of {line.get('interval')})."
    )


def _describe_failure(line: Line) -> str:
    return f"{line.get('kind')}: {line.get('detail')}"


def _describe_deferred(line: Line) -> str:
    is_one = line.get("bars") == 1
    bars = f"{line.get('bars')} bar{'' if is_one else 's'}"
    if "detail" in line:
        return f"{line.get('instrument')}: {bars} {'waits' if is_one else 'wait'}: {line['detail']}"
    return f"{line.get('instrument')}: the stream did not take {bars}."


def _describe_hole(line: Line) -> str:
    return f"{line.get('instrument')}: no bars between {line.get('after')} and {line.get('before')}."


def _hole_seconds(line: Line) -> float:
    after, before = parse_timestamp(line.get("after")), parse_timestamp(line.get("before"))
    return (before - after).total_seconds() if after and before else 0.0


def _failure_rank(line: Line) -> float:
    if line.get("kind") in _NOT_ASKED:
        return -1
    return 1 if line.get("outcome") in _NEEDS_A_PERSON else 0


def _number(value: object) -> float:
    return float(value) if isinstance(value, int | float) else 0.0


def _price(value: object) -> str:
    return f"{_number(value):.10g}"


def _clock(value: object) -> str:
    # 14:35 of 2026-11-20T14:35:00Z: the notice says the day elsewhere.
    return str(value)[11:16]


# The producer's words: its FailureOutcome, and the failures of requests that it did not make.
_NEEDS_A_PERSON = ("stop for the day", "tell a person")
_PASSES_BY_ITSELF = ("retry soon", "wait")
_NOT_ASKED = ("AllowanceSpentError",)

_FAILURES = Source(
    "producer",
    LineFilter(("provider failed",)),
    _describe_failure,
    rank=_failure_rank,
    kind=lambda line: str(line.get("kind")),
    nothing="No request failed: the provider answers, and shows nothing newer.",
)

# Lambda's own metrics: no line of a function says why an invocation failed or was throttled.
OF_CALLS = frozenset({"Errors", "Throttles"})

# By the name of the metric, so that an alarm may be called anything.
SOURCES = {
    "PriceMovePercent": Source(
        "producer",
        LineFilter(("price moved", "split suspected")),
        _describe_move,
        rank=lambda line: abs(_number(line.get("change_percent"))),
        about=lambda line: (line.get("message"), line.get("instrument")),
    ),
    # RunsUnanswered counts no refusal that needs a person, and no request that was not made.
    "RunsUnanswered": _FAILURES._replace(
        line_filter=LineFilter(("provider failed",), {"outcome": _PASSES_BY_ITSELF}, {"kind": _NOT_ASKED}),
        nothing="",
    ),
    "ProviderRefusals": _FAILURES._replace(
        line_filter=LineFilter(("provider failed",), {"outcome": _NEEDS_A_PERSON}), nothing=""
    ),
    # Any failure may be the reason why no bars come, a refusal most of all.
    "BarsOverdueSeconds": _FAILURES,
    "BarsDeferred": Source(
        "producer",
        # A line about 0 bars is of an answer without bars: nothing is deferred.
        LineFilter(("stream refused bars", "bars left for the next run"), lacking={"bars": (0,)}),
        _describe_deferred,
        rank=lambda line: _number(line.get("bars")),
        about=lambda line: str(line.get("instrument")),
        is_current=True,
    ),
    "HolesFound": Source("producer", LineFilter(("hole found",)), _describe_hole, rank=_hole_seconds),
    "InstrumentsSilent": Source(
        "producer",
        LineFilter(("instrument silent", "instrument line refused", "instruments not read")),
        lambda line: ": ".join(str(line[key]) for key in ("instrument", "detail") if key in line),
    ),
    "BarsImpossible": Source(
        "producer",
        LineFilter(("bar rejected",)),
        lambda line: (
            f"{line.get('instrument')}: {line.get('detail')}: {line.get('stamp')} {line.get('shown')}"
        ),
        kind=lambda line: str(line.get("reason")),
    ),
    "BarsRejected": Source(
        "transform",
        LineFilter(("record rejected",)),
        lambda line: str(line.get("detail")),
        kind=lambda line: str(line.get("reason")),
        # The transform logs the first twenty of a batch.
        is_sample=True,
    ),
}
