"""What readers see at the end of a day, against what the market says and what was true at each moment."""

import json
from bisect import bisect_left
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

from trading_day import World

from stockstream.fields import lookback_lengths
from stockstream.times import format_instant, format_time, parse_instant, parse_time
from stockstream.windows import Windows
from stockstream_local.check import NUMBERS, expected_numbers, is_same
from stockstream_local.market.invented import MarketBar
from stockstream_operate.lake.engine import LakeEngine

LONGEST_LOOKBACK = lookback_lengths(Windows())["close"]
MOMENTS = 5

type Document = dict[str, Any]


class Verdict(NamedTuple):
    """What is wrong, each with an example; nothing where all is right.

    Attributes:
        bars: how many bars the market had, from the first that was sent on.
        faults: sentences.
        delays: of each bar of the day its end, and how long after it a reader knows it.
        worst_repetition: how often one set of numbers came into the stream.
    """

    bars: int
    faults: list[str]
    delays: list[tuple[datetime, timedelta]]
    worst_repetition: int


def judge(world: World, lake: Path) -> Verdict:
    """Compares the views, bar by bar and number by number, with the market; and with what was known when."""
    with LakeEngine(lake) as engine:
        latest = _documents(engine, "SELECT * FROM bars_latest")
        history = _documents(engine, "SELECT * FROM bars_history")
    sent = [record for record in map(_read, world.firehose.records) if record]
    faults = [f"{name}: {count} times in the view" for name, count in _ids(latest).items() if count > 1]
    seen = {each["id"]: each for each in latest}
    bars, delays = 0, []
    first_known = {
        each["id"]: each["as_of"] for each in sorted(sent, key=lambda each: each["as_of"], reverse=True)
    }
    for instrument in world.instruments:
        market = world.market.shown(instrument.name, world.last_run, 10_000)
        finished = [bar for bar in market if bar.open_time + timedelta(minutes=1) <= world.last_run]
        first, begin = _beginnings(world, sent, instrument.name)
        run = [bar for bar in finished if format_time(bar.open_time) >= first]
        times = [format_time(bar.open_time) for bar in run]
        begins = bisect_left(times, begin)
        bars += len(run)
        if not run and any(bar.open_time >= world.day.start for bar in finished):
            faults.append(f"{instrument.name}: lost, all of it")
        for position, bar in enumerate(run):
            name = f"{instrument.name}|1min|{times[position]}"
            if name not in seen:
                faults.append(f"{name}: lost")
                continue
            # What it says that it looks back on is right, and no less than what the producer remembered.
            length = seen[name]["lookback_bars"]
            least = min(max(0, position - begins), LONGEST_LOOKBACK)
            place = len(finished) - len(run) + position + 1
            faults += _wrong(seen[name], finished[max(0, place - 1 - length) : place])
            if length < least:
                faults.append(f"{name}: looks back on {length} bars, and {least} were known")
            if bar.open_time >= world.day.start:
                end = bar.open_time + timedelta(minutes=1)
                delays.append((end, parse_instant(first_known[name]) - end))
    faults += world.reproaches + _dishonest(world, sent) + _known_otherwise(world, sent, history)
    kept, poison = set(world.set_aside()), set(world.poison)
    faults += [f"poison lost: {each!r}" for each in sorted(poison - kept)]
    faults += [f"set aside and left there: {each[:80]!r}" for each in sorted(kept - poison)]
    repetitions = Counter((each["id"], each["as_of"]) for each in sent)
    return Verdict(bars, faults, delays, max(repetitions.values(), default=0))


def _beginnings(world: World, sent: list[Document], instrument: str) -> tuple[str, str]:
    """The first bar that was sent of an instrument, and the one from which on the producer remembers.

    They differ where a process was killed between its very first put and what it would have remembered of it:
    the next answer may begin later, and look-backs with it, which each document says of itself.
    """
    own = [each for each in sent if each["instrument"] == instrument]
    if not own:
        return "~", "~"
    remembered_at = world.faults.written.get(f"{instrument}|1min", world.day.start)
    beginnings = [
        each
        for each in own
        if not each["lookback"]["close"] and parse_instant(each["as_of"]) <= remembered_at
    ]
    first = min(each["open_time"] for each in own)
    return first, max(beginnings, key=lambda each: each["as_of"])["open_time"] if beginnings else first


def _documents(engine: LakeEngine, sql: str) -> list[Document]:
    columns, rows = engine.query(sql)
    return [dict(zip(columns, row, strict=True)) for row in rows]


def _ids(documents: list[Document]) -> Counter[str]:
    return Counter(each["id"] for each in documents)


def _read(data: bytes) -> Document | None:
    """A record; None for poison."""
    try:
        record = json.loads(data)
    except ValueError:
        return None
    return record if isinstance(record, dict) and "open_time" in record else None


def _wrong(document: Document, window: list[MarketBar]) -> list[str]:
    expected = expected_numbers(window)
    assert expected.keys() >= NUMBERS
    return [
        f"{document['id']}: {field} is {document[field]!r} and not {expected[field]!r}"
        for field in sorted(NUMBERS)
        if not is_same(document[field], expected[field], window[-1].close)
    ]


def _dishonest(world: World, sent: list[Document]) -> list[str]:
    """Records whose numbers are not those that the market had shown last at their as_of.

    A bar that has vanished may be sent again, where another changes its look-back. So may one that shows no
    more because the provider's clock was set back.
    """
    faults = []
    for record in sent:
        moment, open_time = parse_instant(record["as_of"]), parse_time(record["open_time"])
        known = (
            world.market.known(record["instrument"], open_time, at) for at in world.provider_times(moment)
        )
        shown = next(filter(None, known), None)
        numbers = tuple(record[name] for name in ("open", "high", "low", "close", "volume"))
        if shown is None or numbers != (shown.open, shown.high, shown.low, shown.close, shown.volume):
            faults.append(
                f"{record['id']}: {numbers} as of {record['as_of']}, when the market showed {shown}"
            )
    return faults


def _known_otherwise(world: World, sent: list[Document], history: list[Document]) -> list[str]:
    """Bars that a reader would not have known at a moment as they were known then."""
    faults: list[str] = []
    span = world.day.end - world.day.start
    chance = world.chance_of("moments")
    moments = sorted(world.day.start + span * chance.random() for _ in range(MOMENTS))
    for moment in moments:
        text = format_instant(moment)
        known: dict[str, Document] = {}
        for record in sent:
            if record["as_of"] <= text and record["as_of"] >= known.get(record["id"], record)["as_of"]:
                known[record["id"]] = record
        naive = moment.astimezone(UTC).replace(tzinfo=None)
        found = [
            each
            for each in history
            if each["known_from"] <= naive and (each["known_until"] is None or naive < each["known_until"])
        ]
        view = {each["id"]: each["close"] for each in found}
        truth = {name: record["close"] for name, record in known.items()}
        if len(view) != len(found) or view != truth:
            strange = sorted(set(view.items()) ^ set(truth.items()))
            faults.append(f"as of {text} the view differs in {len(strange)} bars, such as {strange[:2]}")
    return faults
