"""What the drill found, as a page and a picture; and whether each kind of fault was tried at all."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from datetime import timedelta
from typing import NamedTuple

import aws_faults
import bad_provider
from picture import Strip, draw

_KILLS = {"killed before", "killed after", "overtaken"}
# What issues of life there are to be tried, by where they come from.
KINDS: Mapping[str, tuple[str, ...]] = {
    "The provider": (
        *bad_provider.RATES,
        "provider outage",
        "provider's clock moved",
        "bar late",
        "bar revised",
        "bar vanished for a while",
    ),
    "AWS, at any call of Kinesis, DynamoDB, SSM, S3": (
        *(each for each in aws_faults.RATES if each not in _KILLS),
        "throttled in a burst",
        "some refused",
        *aws_faults.SERVICES,
    ),
    "Processes and their schedule": (
        *sorted(_KILLS),
        "skipped by the schedule",
        "doubled by the schedule",
        "cold start",
        "redrive in the middle",
    ),
    "Firehose and the transform": (
        "redelivered",
        "transform timed out",
        "answer over the limit",
        "set aside as a whole",
        "stream not readable",
        "transform broken",
        "poison",
    ),
    "Notices": (
        "notice delivered twice",
        "notice delivered late",
        "notices' channel down",
        "notice refused by a channel",
        "notice given up, and sent again by hand",
        "ledger's answer lost",
    ),
}


_WHAT_IT_IS = """\
# What happens when things go wrong

`make drill ARGS=--report` wrote this page. It plays trading days with the real producer, provider, transform,
redrive, views and alert function while much fails. In the end it compares what readers see, bar by bar and
number by number and as of several moments, with what the market said, and what people were told with what the
alarms did. AWS is moto; Firehose, SNS, CloudWatch and the channels are played, and time is simulated.
A seed repeats its day: `make drill ARGS='--seeds 7'`."""
_WHAT_DELAY_IS = """\
The delay runs from a bar's end to the provider's answer from which readers know it. The provider's outages of
up to two and a half hours are part of it, and so is the hour for which an instrument is left alone whose
request was refused. A set of numbers that is sent twice is one to readers."""


class Outcome(NamedTuple):
    """What came of one day.

    Attributes:
        wrong: sentences; nothing where all is right.
        beside: what is counted besides: at which service calls failed, and what bars did.
        told: how many outages, and ends of outages, people were told.
        strip: for the picture.
    """

    day: str
    seed: int
    bars: int
    records: int
    wrong: list[str]
    worst_delay: timedelta
    worst_repetition: int
    told: int
    runs: Counter[str]
    faults: Counter[str]
    beside: Counter[str]
    moments: Counter[str]
    strip: Strip
    seconds: float


class Broken(NamedTuple):
    """A promise that was broken on purpose.

    Attributes:
        seed: of the first short day in which it was noticed; 0 if it never was.
        what: what was noticed.
    """

    name: str
    seed: int
    what: str


def untried(outcomes: Sequence[Outcome], calls: Sequence[str]) -> list[str]:
    """The kinds of faults that never took place, and the calls before or after which nobody was killed."""
    faults = sum((each.faults + each.beside for each in outcomes), Counter())
    moments = sum((each.moments for each in outcomes), Counter())
    kinds = [kind for group in KINDS.values() for kind in group if not faults[kind]]
    return kinds + [
        f"killed {side} {call}"
        for side in ("before", "after")
        for call in calls
        if not moments[f"{side} {call}"]
    ]


def describe(
    outcomes: Sequence[Outcome], broken: Sequence[Broken], soaked: Sequence[str], seconds: float, picture: str
) -> Iterator[str]:
    """The lines of docs/reliability.md.

    Args:
        outcomes: of the days.
        broken: what became of each broken promise.
        soaked: the lines about the soak; none where there was none.
        seconds: what all took.
        picture: the name of the picture's file.
    """
    faults = sum((each.faults for each in outcomes), Counter())
    beside = sum((each.beside for each in outcomes), Counter())
    runs = sum((each.runs for each in outcomes), Counter())
    wrong = [sentence for each in outcomes for sentence in each.wrong]
    notices = sum(sentence.startswith("notice") for sentence in wrong)
    lost = len(wrong) - notices
    yield from _WHAT_IT_IS.splitlines()
    yield ""
    yield f"**{len(outcomes)} days, {sum(each.bars for each in outcomes):,} bars, {faults.total():,} faults,"
    yield f"{runs['killed']:,} killed processes of {runs['run']:,} runs: {lost} bars lost, doubled or wrong;"
    told = sum(each.told for each in outcomes)
    yield f"{told:,} outages and ends of outages: {notices} notices missed, told twice or wrong.** It took"
    yield f"{seconds / 60:.0f} minutes."
    yield ""
    yield f"![Each day with its outages, kills and delays]({picture})"
    yield ""
    yield "| day | seed | bars | records | wrong | notices | worst delay | most sendings of one set |"
    yield "|---|---|---|---|---|---|---|---|"
    yield from (
        f"| {each.day} | {each.seed} | {each.bars:,} | {each.records:,} | {len(each.wrong)} | {each.told} "
        f"| {_delay(each.worst_delay)} | {each.worst_repetition} |"
        for each in outcomes
    )
    yield ""
    yield from _WHAT_DELAY_IS.splitlines()
    yield ""
    yield "## What went wrong"
    yield ""
    yield "A drill of twenty days fails if one of these never took place."
    for group, kinds in KINDS.items():
        yield ""
        yield f"| {group} | times |"
        yield "|---|---|"
        yield from (f"| {kind} | {faults[kind] + beside[kind]:,} |" for kind in kinds)
    moments = sum((each.moments for each in outcomes), Counter())
    killed = ", ".join(f"{moment} ({times})" for moment, times in sorted(moments.items()))
    yield ""
    yield f"Processes were killed {killed}."
    yield ""
    yield "## Would it be noticed?"
    yield ""
    yield "The promise, broken on purpose, in a few short days:"
    yield ""
    yield "| broken | noticed in short day | by |"
    yield "|---|---|---|"
    yield from (f"| {each.name} | {each.seed or 'none'} | `{each.what[:110]}` |" for each in broken)
    if soaked:
        yield ""
        yield from soaked


def paint(outcomes: Sequence[Outcome]) -> str:
    """The picture of the days, as SVG."""
    return draw([each.strip for each in outcomes])


def _delay(delay: timedelta) -> str:
    minutes = round(delay.total_seconds() / 60)
    return f"{minutes // 60} h {minutes % 60} min" if minutes >= 60 else f"{minutes} min"
