"""docs/scaling.md: what a list of instruments needs, counted from what was measured of one."""

from math import ceil

from stockstream.partitions import PARTITIONS
from stockstream_operate.cost.bill import monthly_bill, total
from stockstream_operate.cost.figures import (
    LEDGER_BYTES_AN_INSTRUMENT,
    PRODUCER_MB,
    PRODUCER_MB_AN_INSTRUMENT,
    PRODUCER_SECONDS,
    RECORD_BYTES,
    WHOLE_PROCESSOR_MB,
)
from stockstream_operate.cost.workload import (
    INSTRUMENTS_A_REQUEST,
    MEMORIES,
    MOST_REQUESTS,
    PUT_SECONDS,
    REQUEST_SECONDS,
    RUN_SECONDS,
    SHARD_BYTES,
    Workload,
)

SIZES = (1, 10, 100, 1_000, 10_000, 100_000)
TITLES = {"alpaca": "Alpaca", "alphavantage": "Alpha Vantage"}
# What a parameter of CloudFormation holds, 4,096 characters, with tickers such as there are.
LIST_TICKERS = 711
ITEM_BYTES = 400 * 1024
ALPACA_REQUESTS_A_MINUTE = 200
BARS_AN_ANSWER = 100
# The list whose parameters the page writes out.
_EXAMPLE = 10_000
# make bench-instruments ARGS="--provider alpaca --size 10000 --partitions 2", on a machine that others used.
_MEASURED = (
    "of 10,000, a run of one of two partitions takes 15 s of a processor and 250 MB,\n"
    "of one of four 7 s and 175 MB."
)
# Of as many partitions as there can be, each with a whole processor.
_ALL_MB = PARTITIONS[-1] * WHOLE_PROCESSOR_MB


def write_scaling_page() -> str:
    """The page's text."""
    work = Workload(_EXAMPLE, provider="alpaca", requests_per_day=None)
    return _PAGE.format(
        alpaca=f"{1000 * PRODUCER_SECONDS['alpaca']:.1f}",
        alphavantage=f"{1000 * PRODUCER_SECONDS['alphavantage']:.0f}",
        base=f"{PRODUCER_MB:.0f}",
        kilobytes=f"{1000 * PRODUCER_MB_AN_INSTRUMENT:.0f}",
        record=f"{RECORD_BYTES:,}",
        run=RUN_SECONDS,
        put=PUT_SECONDS,
        whole=f"{WHOLE_PROCESSOR_MB:,}",
        most=f"{MOST_REQUESTS:,}",
        latency=REQUEST_SECONDS,
        tables="\n\n".join(f"### {TITLES[name]}\n\n{_table(name)}" for name in INSTRUMENTS_A_REQUEST),
        limits=_limits(),
        divided=f"{_processor_ends(WHOLE_PROCESSOR_MB):,}",
        partitions=work.partitions_used,
        deployed=_deployed(work),
        example=f"{_EXAMPLE:,}",
        measured=_MEASURED,
        all=f"{_processor_ends(_ALL_MB):,}",
    )


def _deployed(work: Workload) -> str:
    """The parameters of a stack that follows a long list; what is read again takes requests, too."""
    parameters = {
        "Provider": work.provider,
        "InstrumentsFileEnabled": "true",
        "RequestsPerDay": 0,
        "RequestsPerMinute": 2 * work.requests_of_a_round,
        "ProducerPartitions": work.partitions_used,
        "ProducerMemory": work.memory_used,
        "StreamShards": work.shards_used,
    }
    return " ".join(f"{name}={value}" for name, value in parameters.items())


def _table(provider: str) -> str:
    heads = (
        "instruments",
        "requests a run",
        "asked every",
        "processor, s a minute",
        "`ProducerPartitions`",
        "`ProducerMemory`",
        "`StreamShards`",
        "$ a month",
        "what ends with the defaults",
    )
    rows = [f"| {' | '.join(heads)} |", f"|{'--:|' * (len(heads) - 1)}---|"]
    for size in SIZES:
        work = Workload(size, provider=provider, requests_per_day=None)
        seconds = size * PRODUCER_SECONDS[provider] / work.partitions_used
        minutes = ceil(max(work.requests_of_a_round / MOST_REQUESTS, seconds / RUN_SECONDS))
        bill = total(monthly_bill(work))
        rows.append(
            f"| {size:,} | {work.requests_of_a_run:,} | {minutes} min | {work.processor_seconds:.1f} "
            f"| {work.partitions_used} | {work.memory_used} | {work.shards_used} "
            f"| {bill.dollars - bill.free:,.0f} | {_first_limit(work)} |"
        )
    return "\n".join(rows)


def _first_limit(work: Workload) -> str:
    size = work.instruments
    ended = [
        name
        for at, name in sorted(
            [
                (LIST_TICKERS, "the parameter `Instruments`"),
                (_processor_ends(MEMORIES[0], work.provider), "the producer's share of a processor"),
                (_processor_ends(WHOLE_PROCESSOR_MB, work.provider), "one run a minute"),
                (_processor_ends(_ALL_MB, work.provider), "eight runs a minute"),
                (_shard_ends(), "the shard"),
                (ITEM_BYTES // LEDGER_BYTES_AN_INSTRUMENT, "the ledger's item"),
                (MOST_REQUESTS * INSTRUMENTS_A_REQUEST[work.provider], "a run's requests"),
                (_answers_end(work.provider), "an answer's hundred bars"),
            ]
        )
        if size > at
    ]
    return ", then ".join(ended) or "nothing"


def _processor_ends(memory: int, provider: str = "alpaca") -> int:
    """From how many instruments on a run does not fit; never, where its requests end before."""
    bars = RUN_SECONDS * memory / WHOLE_PROCESSOR_MB / PRODUCER_SECONDS[provider]
    if INSTRUMENTS_A_REQUEST[provider] == 1 and bars >= MOST_REQUESTS:
        return max(SIZES)
    return _about(bars)


def _answers_end(provider: str) -> int:
    """From how many instruments on one is asked more seldom than its answer has bars."""
    return MOST_REQUESTS * BARS_AN_ANSWER if INSTRUMENTS_A_REQUEST[provider] == 1 else max(SIZES)


def _shard_ends() -> int:
    return _about(SHARD_BYTES * PUT_SECONDS / RECORD_BYTES)


def _about(number: float) -> int:
    """A number with two digits that count."""
    return int(float(f"{number:.2g}"))


def _limits() -> str:
    rows = [
        (
            "the parameter `Instruments`",
            LIST_TICKERS,
            "the deployment is refused",
            "`InstrumentsFileEnabled`: [the list is a file](instruments.md)",
        ),
        (
            f"a share of a processor, {MEMORIES[0]} MB, with Alpha Vantage",
            _processor_ends(MEMORIES[0], "alphavantage"),
            "`ProducerSlowAlarm`",
            "`ProducerMemory`",
        ),
        (
            f"a share of a processor, {MEMORIES[0]} MB, with Alpaca",
            _processor_ends(MEMORIES[0]),
            "`ProducerSlowAlarm`",
            "`ProducerMemory`",
        ),
        (
            "one run's requests to Alpha Vantage",
            MOST_REQUESTS,
            "none: each is asked every other minute, then every third",
            "Alpaca",
        ),
        (
            "Alpha Vantage's answers of a hundred bars",
            _about(_answers_end("alphavantage")),
            "`HolesFoundAlarm`: bars are missed",
            "Alpaca, or `Interval=5min`",
        ),
        (
            "one shard",
            _shard_ends(),
            "`BarStreamThrottledAlarm`",
            "`StreamShards`, or `StreamMode=ON_DEMAND`",
        ),
        (
            f"one run a minute with a whole processor, {WHOLE_PROCESSOR_MB:,} MB",
            _processor_ends(WHOLE_PROCESSOR_MB),
            "`ProducerSlowAlarm`; what a run did not get to comes with the next",
            "`ProducerPartitions`: [the list is divided](#partitions)",
        ),
        (
            f"{PARTITIONS[-1]} runs a minute with a whole processor each",
            _processor_ends(_ALL_MB),
            "`ProducerSlowAlarm`; what a run did not get to comes with the next",
            "`Interval=5min`, or a second stack with the rest of the list",
        ),
        (
            f"Alpaca's free plan, {ALPACA_REQUESTS_A_MINUTE} requests a minute",
            ALPACA_REQUESTS_A_MINUTE * INSTRUMENTS_A_REQUEST["alpaca"],
            "`ProviderFailuresAlarm`, if `RequestsPerMinute` claims more",
            "another plan, and `RequestsPerMinute`",
        ),
        (
            "the ledger of one partition, an item of 400 KB",
            _about(ITEM_BYTES / LEDGER_BYTES_AN_INSTRUMENT),
            "`ProducerErrorsAlarm`",
            "`ProducerPartitions`",
        ),
    ]
    rows.sort(key=lambda each: each[1])
    return "\n".join(
        [
            "| what ends | at instruments | what says so | what lifts it |",
            "|---|--:|---|---|",
            *(f"| {what} | {at:,} | {says} | {lifts} |" for what, at, says, lifts in rows),
        ]
    )


_PAGE = """# From one instrument to a hundred thousand

Made by `make generate` from what `make bench-instruments` and `make bench-tail` measured;
do not edit it by hand.

What follows is counted, and not tried in AWS: one-minute bars of New York's regular hours, a plan without
a daily limit, answers in {latency} s, and these figures of one bar and one instrument:

| what | measured |
|---|--:|
| processor of an answer, AWS's clients in it | {alpaca} ms with Alpaca, {alphavantage} with Alpha Vantage |
| memory of the producer, with a thousand or more | {base} MB, and {kilobytes} KB an instrument |
| a record | {record} bytes |

The processor is this project's machine's, which others use at the same time; Lambda's may be quicker.
A run has {run} seconds, since after 22 the producer begins no request.
Lambda gives a whole processor with {whole} MB, and of less memory its share.
A shard takes 1 MB a second, and a quick run may put its bars within {put} seconds.
Alpaca has a hundred instruments in a request, Alpha Vantage one, and ten requests at once make {most} a run.
Each answer brings up to 100 bars, so that what is asked less often comes later, and whole.

`stockstream cost --instruments 1000 --provider alpaca` counts any list's bill by resource.

## What a list needs

Dollars are those of an account with nothing else in it ([docs/cost.md](cost.md)).
The last column names what the default parameters do not suffice for, the first to end first;
the parameters in the same row do.

{tables}

## What ends, and what says so

{limits}

## Which parts hold, and which do not

The stream, the delivery, the transform, the lake and the views know no list: they take what comes,
and shards multiply them.
The producer is a function that runs once a minute, or once for each [partition](#partitions) of a long list,
under a lease and with a ledger.
Up to about {divided} instruments one such run fits into its minute, and up to {all} eight do.
Beyond that each instrument is asked every other minute or more seldom, and no bar is lost;
or a second stack follows the rest of the list, and its lake is a second one.

## Partitions

```sh
# {example} instruments
make deploy ARGS="{deployed}"
```

With `ProducerPartitions={partitions}` the producer runs {partitions} times each minute, at once,
each time for its share of the instruments.
An instrument's partition follows from its name alone, so that a change of the list moves no other.
Measured: {measured}

- Each partition has its schedule, its lease, its ledger, and its share of `RequestsPerMinute`; what does not
  divide goes to the first ones. So that is at least the number of partitions.
- A plan that counts a day's requests has one partition. Another number is refused when it is deployed.
- **The number can change at any time.** A partition begins with what the newest ledgers know of its
  instruments: no bar is lost, and nothing is reported twice.
- A list in a file is read by each; the first one reports its bad lines.
- A backfill finds the partitions of its instruments by itself. `{{}}`, an event that names no partition, is
  the first one's.
- Metrics are those of all partitions together: what is counted adds up, and of what is measured the alarms
  take the worst. `ProducerStoppedAlarm` goes off, too, where one partition does not run.
- All partitions together make ten requests at once or a few more, since providers refuse bursts. So a list
  with Alpha Vantage gains nothing by them: there a minute's requests end first.
- Lambda runs so many producers at once, beside up to five transforms for each shard. A new account may have
  ten functions at once: then ask for more *concurrent executions* in Service Quotas.
- An instrument that has no other of its market beside it in its partition cannot fall silent alone:
  `BarsOverdueAlarm` reports it, and not `InstrumentSilentAlarm`.

With Alpaca, a quarter of a bar's processor time is its look-back, a fifth the conditional write of its tail,
of which one call makes 25, and no other part is as large
([measured by layer](decisions.md#tails-are-written-25-at-a-time-2026-11-28)).
"""
