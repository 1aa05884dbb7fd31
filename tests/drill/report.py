"""What the drill found, as a page and a picture; and whether each kind of fault was tried at all."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from datetime import date, timedelta
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
        "key rotated",
        "key stored minutes later",
        "old key refused",
        "bar late",
        "bar revised",
        "bar vanished for a while",
    ),
    "AWS, at any call of Kinesis, DynamoDB, SSM, S3": (
        *(each for each in aws_faults.RATES if each not in _KILLS),
        "throttled in a burst",
        "some refused",
        aws_faults.STATEMENTS_FAIL,
        *aws_faults.PUT_ERRORS,
        *aws_faults.HUNG,
        aws_faults.TAIL_FAILS,
        aws_faults.REPEATED,
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

Trading days with the real producer, provider, transform, redrive, views and alert function, in which much
fails. In the end what readers see is compared, bar by bar, number by number and as of several moments, with
what the market said, and what people were told with what the alarms did. AWS is played at the network, so
that boto3's own retries are in it; time is simulated, so that a call which is never answered takes as long as
its client waits for it."""
_WHAT_IS_WRONG = """\
Wrong is a bar that is lost, in a view twice, or other than the market said; poison that is neither set aside
nor sent again; a notice that is missed, told twice or false; and a run that takes longer than Lambda lets it,
keeps its lease, fails for want of what it can do without, shows an old key again, or takes its own write for
another's."""
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
        seconds: of a processor.
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


class Drilled(NamedTuple):
    """A whole drill.

    Attributes:
        outcomes: of its days.
        broken: what became of each broken promise.
        day: on which it was played.
    """

    outcomes: Sequence[Outcome]
    broken: Sequence[Broken]
    day: date


def describe(drilled: Drilled, picture: str, soaked: Sequence[str]) -> Iterator[str]:
    """The lines of docs/reliability.md.

    Args:
        drilled: the drill.
        picture: the name of the picture's file.
        soaked: the lines about the soak; none where there was none.
    """
    yield from _WHAT_IT_IS.splitlines()
    for section in (
        _summary(drilled),
        _days(drilled.outcomes, picture),
        _faults(drilled.outcomes),
        _noticed(drilled.broken),
        soaked,
    ):
        lines = list(section)
        if lines:
            yield ""
            yield from lines


def _summary(drilled: Drilled) -> Iterator[str]:
    outcomes = drilled.outcomes
    faults = sum((each.faults for each in outcomes), Counter())
    runs = sum((each.runs for each in outcomes), Counter())
    wrong = [sentence for each in outcomes for sentence in each.wrong]
    notices = sum(sentence.startswith("notice") for sentence in wrong)
    lost = len(wrong) - notices
    yield f"**{len(outcomes)} days, {sum(each.bars for each in outcomes):,} bars, {faults.total():,} faults,"
    yield f"{runs['killed']:,} killed processes of {runs['run']:,} runs: {lost} bars lost, doubled or wrong;"
    told = sum(each.told for each in outcomes)
    yield f"{told:,} outages and ends of outages: {notices} notices missed, told twice or wrong.**"
    slowest = max(outcomes, key=lambda each: each.worst_delay)
    yield f"The slowest bar took {_delay(slowest.worst_delay)}, and no set of numbers was sent more than"
    yield f"{max(each.worst_repetition for each in outcomes)} times."
    yield ""
    minutes = sum(each.seconds for each in outcomes) / 60
    yield f"Played on {drilled.day:%-d %B %Y} in {minutes:.0f} minutes of one processor, by"
    yield ""
    yield "```sh"
    yield f"make drill ARGS='--report --seeds {_ranges([each.seed for each in outcomes])}'"
    yield "```"
    yield ""
    yield "A seed repeats its day as long as the code is the same. Without `--seeds` it is twenty new days."


def _days(outcomes: Sequence[Outcome], picture: str) -> Iterator[str]:
    yield "## The days"
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
    yield from _WHAT_IS_WRONG.splitlines()
    yield ""
    yield from _WHAT_DELAY_IS.splitlines()


def _faults(outcomes: Sequence[Outcome]) -> Iterator[str]:
    faults = sum((each.faults + each.beside for each in outcomes), Counter())
    moments = sum((each.moments for each in outcomes), Counter())
    yield "## What went wrong"
    yield ""
    yield "A drill of twenty days fails if one of these never took place."
    for group, kinds in KINDS.items():
        yield ""
        yield f"| {group} | times |"
        yield "|---|---|"
        yield from (f"| {kind} | {faults[kind]:,} |" for kind in kinds)
    killed = ", ".join(f"{moment} ({times})" for moment, times in sorted(moments.items()))
    yield ""
    yield f"Processes were killed {killed}."


def _noticed(broken: Sequence[Broken]) -> Iterator[str]:
    if not broken:
        return
    yield "## Would it be noticed?"
    yield ""
    yield "The promise, broken on purpose, in up to three short days:"
    yield ""
    yield "| broken | noticed in short day | by |"
    yield "|---|---|---|"
    for each in broken:
        what = each.what[:110].replace("|", "\\|")
        yield f"| {each.name} | {each.seed or 'none'} | `{what}` |"


def _ranges(seeds: Sequence[int]) -> str:
    """Seeds, as the command takes them: `7 200-219`."""
    runs: list[list[int]] = []
    for seed in seeds:
        if runs and seed == runs[-1][-1] + 1:
            runs[-1].append(seed)
        else:
            runs.append([seed])
    return " ".join(f"{run[0]}-{run[-1]}" if len(run) > 1 else f"{run[0]}" for run in runs)


def paint(outcomes: Sequence[Outcome]) -> str:
    """The picture of the days, as SVG."""
    return draw([each.strip for each in outcomes])


def _delay(delay: timedelta) -> str:
    minutes = round(delay.total_seconds() / 60)
    return f"{minutes // 60} h {minutes % 60} min" if minutes >= 60 else f"{minutes} min"
