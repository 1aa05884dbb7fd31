"""docs/delay.md: how long a bar takes from its provider to a reader, counted from the template."""

import re
from itertools import product
from math import ceil
from typing import Any

from stockstream_generate.template_file import read_template
from stockstream_operate.cost.figures import TRANSFORM_SECONDS
from stockstream_operate.cost.prices import PRICES
from stockstream_operate.cost.workload import MARKETS, REQUEST_SECONDS
from stockstream_operate.lake.delays import percentile
from stockstream_operate.page.page_command import ASK_SECONDS

BUFFERS = (0, 10, 60, 300, 900)
# "Amazon Data Firehose calls the Kinesis Data Streams GetRecords operation once per second for each shard":
# docs.aws.amazon.com/firehose/latest/dev/writing-with-kinesis-streams.html
READ_SECONDS = 1.0
# Guesses on the safe side, until somebody has measured them in AWS: a call of PutRecords, a file written to
# S3, a query of Athena.
PUT_SECONDS, WRITE_SECONDS, QUERY_SECONDS = 0.2, 2.0, 3.0
# `stockstream status` after MINUTES of `make run`: the half, and 99 of 100.
MEASURED_MINUTES = 40
MEASURED = {
    "until the answer": (10.2, 10.9),
    "into the stream": (0.3, 0.7),
    "into the lake": (0.7, 1.9),
    "in all": (11.4, 12.8),
}


def write_delay_page() -> str:
    """The page's text."""
    template = read_template()
    default = int(template["Parameters"]["DeliveryBufferSeconds"]["Default"])
    return _PAGE.format(
        stages=_stages(template, default),
        buffers=_buffers(template),
        default=default,
        measured=_measured(),
        minutes=MEASURED_MINUTES,
        page=ASK_SECONDS,
        shown=_shown(),
        query=QUERY_SECONDS,
    )


def schedule_seconds(template: dict[str, Any]) -> int:
    """How far apart the producer's runs are."""
    events = template["Resources"]["ProducerFunction"]["Properties"]["Events"].values()
    (expression,) = (
        each["Properties"]["ScheduleExpression"] for each in events if each["Type"] == "ScheduleV2"
    )
    found = re.fullmatch(r"rate\((\d+) minutes?\)", expression)
    if found is None:
        raise ValueError(f"the schedule {expression!r} is no rate of minutes")
    return 60 * int(found[1])


def gathering_seconds(template: dict[str, Any], buffer: int) -> int:
    """For how long Firehose gathers records before it calls the transform."""
    destination = template["Resources"]["BarDelivery"]["Properties"]["ExtendedS3DestinationConfiguration"]
    (processor,) = destination["ProcessingConfiguration"]["Processors"]
    values = {each["ParameterName"]: each["ParameterValue"] for each in processor["Parameters"]}
    _, at_once, otherwise = values["BufferIntervalInSeconds"]["Fn::If"]
    return int(at_once if buffer == 0 else otherwise)


def waits_for_file(buffer: int, schedule: int) -> list[int]:
    """For how long the bars of one run after the other wait in the same file, in seconds."""
    return [buffer - schedule * run for run in range(max(1, ceil(buffer / schedule)))]


def expected_delays(template: dict[str, Any], buffer: int) -> tuple[float, float]:
    """From the moment at which the provider shows a bar to its file: the half of all, and 99 of 100, in s."""
    schedule = schedule_seconds(template)
    fixed = (
        REQUEST_SECONDS
        + PUT_SECONDS
        + gathering_seconds(template, buffer)
        + TRANSFORM_SECONDS
        + WRITE_SECONDS
    )
    # Nothing ties the provider's moment to the schedule's, or to that of Firehose's reading.
    hundredths, tenths = ([(number + 0.5) / count for number in range(count)] for count in (100, 10))
    waits = sorted(
        schedule * asked + READ_SECONDS * read + written
        for asked, read, written in product(hundredths, tenths, waits_for_file(buffer, schedule))
    )
    return fixed + percentile(waits, 50), fixed + percentile(waits, 99)


def _stages(template: dict[str, Any], default: int) -> str:
    schedule = schedule_seconds(template)
    rows = [
        ("the next run of the producer", f"0 to {schedule}", f"0 to {schedule}", "`ScheduleExpression`"),
        (
            "the provider's answer",
            f"{REQUEST_SECONDS}",
            f"{REQUEST_SECONDS}",
            "as `make bench-instruments` has it",
        ),
        ("into the stream", f"{PUT_SECONDS}", f"{PUT_SECONDS}", "a guess"),
        (
            "Firehose reads the stream",
            f"0 to {READ_SECONDS:.0f}",
            f"0 to {READ_SECONDS:.0f}",
            "AWS: once a second",
        ),
        (
            "gathered for the transform",
            f"{gathering_seconds(template, default)}",
            f"{gathering_seconds(template, 0)}",
            "`BufferIntervalInSeconds`",
        ),
        ("transformed", f"{TRANSFORM_SECONDS}", f"{TRANSFORM_SECONDS}", "a guess"),
        ("gathered for a file", f"{default}", "0", "`DeliveryBufferSeconds`"),
        ("the file is written", f"{WRITE_SECONDS:.0f}", f"{WRITE_SECONDS:.0f}", "a guess"),
    ]
    sums = [" ".join(f"{each:.0f}" for each in expected_delays(template, buffer)) for buffer in (default, 0)]
    half, most = zip(*(each.split() for each in sums), strict=True)
    return "\n".join(
        [
            f"| stage | default, {default} s | `DeliveryBufferSeconds=0` | from |",
            "|---|--:|--:|---|",
            *(f"| {stage} | {usual} | {soon} | {source} |" for stage, usual, soon, source in rows),
            f"| **in the lake: half of the bars within** | **{half[0]}** | **{half[1]}** | |",
            f"| **99 of 100 within** | **{most[0]}** | **{most[1]}** | |",
        ]
    )


def _buffers(template: dict[str, Any]) -> str:
    schedule = schedule_seconds(template)
    rows = []
    for buffer in BUFFERS:
        half, most = expected_delays(template, buffer)
        runs_a_file = len(waits_for_file(buffer, schedule))
        files = {name: ceil(minutes / runs_a_file) for name, (_, minutes, _) in MARKETS.items()}
        days, *_ = MARKETS["always"]
        puts = days * files["always"] * PRICES["us-east-1"].s3_put
        rows.append(
            f"| {buffer} | {half:.0f} | {most:.0f} | {files['regular']:,} | {files['always']:,} | {puts:.2f} "
            f"| {1000 * files['always'] * PRICES['us-east-1'].s3_get:.2f} |"
        )
    heads = (
        "`DeliveryBufferSeconds`",
        "half within, s",
        "99 of 100 within, s",
        "files a day, New York",
        "coins",
        "PUTs, $ a month",
        "1,000 queries of one day, $",
    )
    return "\n".join([f"| {' | '.join(heads)} |", f"|{'--:|' * len(heads)}", *rows])


def _shown() -> str:
    rows = {
        "`stockstream status`": "each stage of a run here, over the last hour; `--json` for programs",
        "the page": "the same, up to the page itself; of a stack, from a bar's end into the stream",
        "the metric `BarDelaySeconds`": (
            "from a bar's end into the stream, of each new bar: p50 and p99 are on the CloudWatch dashboard. "
            "Of more than 50 bars in a run 50 are measured, evenly from the soonest to the latest"
        ),
        "`DeliveryToS3.DataFreshness`": "Firehose's part, on the dashboard, too",
    }
    return "\n".join(
        ["| where | what |", "|---|---|", *(f"| {where} | {what} |" for where, what in rows.items())]
    )


def _measured() -> str:
    return "\n".join(
        [
            "| stage | half within, s | 99 of 100 within, s |",
            "|---|--:|--:|",
            *(f"| {stage} | {half:.1f} | {most:.1f} |" for stage, (half, most) in MEASURED.items()),
        ]
    )


_PAGE = """# From the provider to a reader

Made by `make generate` from template.yaml's parameters and from what was measured; do not edit it by hand.

A bar of a minute can be asked for when its provider shows it, which is the provider's own time:
some plans delay their data by a quarter of an hour.
What follows begins there, with a plan that allows a request a minute.

## In AWS

Counted, and not tried there; in seconds:

{stages}

The wait for the next run is the greatest part that is left with 0. The schedule fires once a minute,
which is as often as EventBridge Scheduler does, at a second that nobody chooses;
and a producer that waited within its run for the provider would be paid for waiting.
A reader's question comes on top: Athena takes about {query:.0f} s, and `stockstream page --stack` and
`tail --follow --stack` ask once in {page}.

## What a second costs

Bars come into the stream once a minute. So a shorter buffer than {default} s makes no more files, as long as
a run's bars fit into one put; with thousands of instruments a run puts them over many seconds, and 0 makes
some files a minute. A longer one makes fewer:

{buffers}

PUTs and queries are those of coins; a query reads each file of its day
([what a query costs](lake.md#what-a-query-costs)), unless [the day was compacted](lake.md#one-file-a-day).
With 0 Firehose calls the transform at once, too, and not after 10 s:
some calls more a minute, which are less than a cent a month.

## On this machine

`make run` for {minutes} minutes, and then `stockstream status`, which says it of every last hour:

{measured}

The invented market shows a bar when it ends. The wait for the answer is the schedule's again: it was ten
seconds in this run, and is another in the next one, of a minute and ten seconds at the most,
since the emulator looks at its schedules every ten seconds.
Firehose's buffers are not played; a run copies each new file from the local S3 once a second,
and the page looks twice a second.

## Where it is shown

{shown}

What the first answer about an instrument brings is what was before, and is not counted.
"""
