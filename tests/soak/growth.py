"""What a process holds at the end of a day, whether that grows, and how the page shows it. Pure."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from statistics import median
from typing import NamedTuple

_WHAT_IT_IS = """\
# A month in one process

`make soak ARGS=--report` wrote this page. A Lambda environment lives for hours, and what leaks ends it.
So one process plays the producer's handler and the transform's from {first} to {last} (UTC):
a run each {busy} minutes while New York trades, and each {quiet} at all other times. The functions, the AWS
SDK and its connections are the real ones. The AWS and the market that they reach are a small process beside
this one, over HTTP, which fails now and then and closes connections. Time is simulated.
After each day it is measured what the process holds."""
_WHAT_IT_SHOWS = """\
The table's bytes are the most in that day, as DynamoDB counts them. Resident memory is with Python and the
SDK. It grows for longer than what is used of it: runs work in threads, each frees into a pool of its own, and
what is free in one is not found by another. So what is used says whether anything leaks: the bytes that
malloc has given out (glibc's), and Python's blocks and objects. What the producer remembers at most of the
bars that it has reported, 20,000, is full in the middle of the month.

The command fails if the last third of the days has more than the middle third, by more than

{tolerances}"""
# With fewer the caches still fill.
FEWEST_DAYS_FOR_MEMORY = 9
_MEMORY = {"memory", "used", "blocks"}


class Measured(NamedTuple):
    """What a process holds at the end of a day.

    Attributes:
        day: UTC.
        runs: of the producer, in that day.
        bars: that the transform enriched, in that day.
        memory: resident, in bytes.
        used: bytes that malloc has given out; 0 where it does not say.
        blocks: of memory that hold Python's objects of up to 512 bytes, each one.
        objects: that Python's collector knows of, when it has collected.
        files: open files and connections.
        items: in the table.
        table: the most bytes in that day of all its items, as DynamoDB counts them.
        largest: the most bytes of one item.
    """

    day: date
    runs: int
    bars: int
    memory: int
    used: int
    blocks: int
    objects: int
    files: int
    items: int
    table: int
    largest: int


class Played(NamedTuple):
    """How days were played.

    Attributes:
        instruments: between commas.
        busy: minutes from one run to the next while New York trades.
        quiet: minutes at all other times.
        counts: what took place in the world around the process.
    """

    instruments: str
    busy: int
    quiet: int
    counts: Mapping[str, int]


class Judged(NamedTuple):
    """What may not grow.

    Attributes:
        words: how a sentence names it.
        most: the last days may have so many times what those in the middle had. Memory is given out in steps,
            of up to 2 MB where Python enlarges a hash table; an item is as long as its digits compress.
    """

    words: str
    most: float


JUDGED = {
    "memory": Judged("bytes of memory", 1.1),
    "used": Judged("bytes given out by malloc", 1.15),
    "blocks": Judged("Python blocks", 1.005),
    "objects": Judged("Python objects", 1.001),
    "files": Judged("open files and connections", 1.0),
    "items": Judged("items in the table", 1.0),
    "table": Judged("bytes in the table", 1.05),
    "largest": Judged("bytes in the largest item", 1.05),
}


def find_growth(days: Sequence[Measured]) -> list[str]:
    """What has grown, as sentences: from the middle third of the days to the last one.

    The first third fills the look-backs, the caches and the pools of connections.

    Args:
        days: three or more. Of fewer than nine, objects, files and the table are judged alone.
    """
    third = len(days) // 3
    found = []
    for name, judged in JUDGED.items():
        if name in _MEMORY and len(days) < FEWEST_DAYS_FOR_MEMORY:
            continue
        before, after = (
            median(getattr(each, name) for each in part)
            for part in (days[-2 * third : -third], days[-third:])
        )
        if after > before * judged.most:
            found.append(f"{judged.words}: {before:,.0f} in the middle, and {after:,.0f} at the end")
    return found


def describe(days: Sequence[Measured], played: Played) -> Iterator[str]:
    """The lines of docs/soak.md.

    Args:
        days: of the month, nine or more.
        played: how they were played.
    """
    runs, bars = sum(each.runs for each in days), sum(each.bars for each in days)
    failed, refused = played.counts["market failed"], played.counts["records refused"]
    yield from _WHAT_IT_IS.format(
        first=days[0].day, last=days[-1].day, busy=played.busy, quiet=played.quiet, failed=failed
    ).splitlines()
    yield ""
    grown = find_growth(days)
    yield f"**{runs:,} runs sent {bars:,} bars of {played.instruments.replace(',', ', ')},"
    yield "each enriched by the transform;"
    yield f"{failed:,} requests to the provider failed, and the stream refused {refused:,} records."
    yield f"From the middle third of the days to the last {'; '.join(grown) or 'nothing grew'}.**"
    yield ""
    yield (
        "| day | runs | bars | memory, MB | used, MB | Python blocks | objects | files and connections "
        "| items | table, bytes | largest item |"
    )
    yield "|---|---|---|---|---|---|---|---|---|---|---|"
    yield from (
        f"| {each.day} | {each.runs} | {each.bars:,} | {each.memory / 1e6:.1f} | {each.used / 1e6:.2f} "
        f"| {each.blocks:,} | {each.objects:,} | {each.files} | {each.items} | {each.table:,} "
        f"| {each.largest:,} |"
        for each in days
    )
    yield ""
    tolerances = "\n".join(f"- {each.most - 1:.1%} of the {each.words}" for each in JUDGED.values())
    yield from _WHAT_IT_SHOWS.format(tolerances=tolerances).splitlines()
