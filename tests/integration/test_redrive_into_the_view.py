"""An hour in which much goes wrong: after a redrive, readers see each bar once, at its latest as_of.

The hour is invented here, with its truth. Each bar is sent in one to three versions, all but the first
revisions: good ones, some spoilt so that they can be repaired, some so that they cannot, and some in a batch
on which the transform failed.
"""

import json
import random
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import pytest
from kept_clients import keep_clients
from set_aside_world import World, error_line, make_world

from stockstream.errors import Reason
from stockstream_local import cli
from stockstream_operate.redrive.repairs import REPAIRS

LAKE_KEY = "processing-failed/dt=2026-11-20/bars-{}"
SEARCH_KEY = "search/processing-failed/dt=2026-11-20/search-{}"
NUMBERS = ("open", "high", "low", "close", "volume")

type Record = dict[str, Any]
type Spoil = Callable[[Record], Record | bytes]


class Version(NamedTuple):
    """One set of numbers of a bar, and what becomes of it on the way."""

    record: Record
    sent: bytes
    is_lost: bool
    fails_the_transform: bool


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    keep_clients(monkeypatch)
    with make_world(monkeypatch) as world:
        yield world


def without(*names: str) -> Spoil:
    return lambda record: {name: value for name, value in record.items() if name not in names}


def with_(**fields: Any) -> Spoil:
    return lambda record: record | fields


def longer(record: Record) -> Record:
    """The look-back of a producer with longer windows; its oldest bars are at the front."""
    close, typical, volume = (record["lookback"][name] for name in ("close", "typical", "volume"))
    return record | {
        "lookback": {
            "close": [1.0] * (250 - len(close)) + close,
            "typical": [1.0] * (30 - len(typical)) + typical,
            "volume": [1.0] * (30 - len(volume)) + volume,
        }
    }


REPAIRABLE: dict[str, Spoil] = {
    "asset class from the instrument": without("asset_class"),
    "id from instrument, interval and open time": without("id"),
    "look-back to its newest bars": longer,
    "bar without its look-back": with_(lookback={"close": "none"}),
}
HOPELESS: dict[Reason, Spoil] = {
    Reason.MALFORMED_JSON: lambda record: json.dumps(record)[:-9].encode(),
    Reason.UNKNOWN_SCHEMA: with_(schema="bar.v2"),
    Reason.MISSING_FIELD: without("volume"),
    Reason.BAD_TYPE: with_(id="IBM|1min|2026-11-20T20:58:00Z"),
    Reason.BAD_PRICE: lambda record: record | {"close": record["high"] * 2},
    Reason.HIGH_BELOW_LOW: lambda record: record | {"high": record["low"], "low": record["high"]},
    Reason.BAD_VOLUME: with_(volume=-1),
    Reason.BAD_TIME: with_(as_of="2026-11-20T21:00:05"),
}


def make_record(chance: random.Random, instrument: str, minute: int, version: int) -> Record:
    low = round(chance.uniform(10, 20), 4)
    high = round(low + chance.uniform(0.5, 1), 4)
    open_time = f"2026-11-20T20:{minute:02}:00Z"
    return {
        "schema": "bar.v1",
        "id": f"{instrument}|1min|{open_time}",
        "as_of": f"2026-11-20T21:{version:02}:05.{chance.randrange(1000):03}Z",
        "instrument": instrument,
        "asset_class": "fx" if instrument.startswith("fx:") else "equity",
        "interval": "1min",
        "open_time": open_time,
        "open": round(chance.uniform(low, high), 4),
        "high": high,
        "low": low,
        "close": round(chance.uniform(low, high), 4),
        "volume": float(chance.randrange(1000)),
        "source": "replay",
        "lookback": {"close": [15.0] * 30, "typical": [15.0] * 19, "volume": [100.0] * 19},
    }


def make_hour(chance: random.Random) -> list[Version]:
    """Each way to be spoilt is met by some bar's only version, and by some bar's older and newer one."""
    ways: list[tuple[Spoil | None, bool]] = [
        *((spoil, False) for spoil in REPAIRABLE.values()),
        *((spoil, True) for spoil in HOPELESS.values()),
    ]
    whole: list[tuple[Spoil | None, bool]] = [(None, False)]
    fates = [
        *([way] for way in ways),
        *([way, *whole] for way in ways),
        *([*whole, way] for way in ways),
        *(chance.choices(ways + whole * 5, k=chance.randint(1, 3)) for _ in range(60)),
    ]
    versions = []
    for number, fate in enumerate(fates):
        instrument = ("IBM", "fx:EUR/USD")[number % 2]
        for version, (spoil, is_lost) in enumerate(fate):
            record = make_record(chance, instrument, number // 2, version)
            spoilt = spoil(record) if spoil else record
            sent = spoilt if isinstance(spoilt, bytes) else json.dumps(spoilt).encode()
            versions.append(Version(record, sent, is_lost, chance.random() < 0.2))
    return versions


def find_truth(versions: list[Version]) -> dict[str, Record]:
    truth: dict[str, Record] = {}
    for each in versions:
        bar = each.record["id"]
        if not each.is_lost and (bar not in truth or truth[bar]["as_of"] < each.record["as_of"]):
            truth[bar] = each.record
    return truth


def send(world: World, versions: list[Version], chance: random.Random) -> None:
    """Sends all out of order, and a tenth twice; both deliveries set the same bad records aside."""
    sent = versions + chance.sample(versions, len(versions) // 10)
    chance.shuffle(sent)
    for number, start in enumerate(range(0, len(sent), 20)):
        batch = sent[start : start + 20]
        lines = [error_line(each.sent, "Lambda.FunctionError") for each in batch if each.fails_the_transform]
        lines += world.firehose.deliver([each.sent for each in batch if not each.fails_the_transform])
        world.set_aside(LAKE_KEY.format(number), lines)
        world.set_aside(SEARCH_KEY.format(number), lines)


def test_the_ways_to_be_spoilt_are_all_that_there_are() -> None:
    assert set(REPAIRABLE) == {each.name for each in REPAIRS}
    # A bad look-back is always repaired, and what was too large for an answer is whole.
    assert set(HOPELESS) == set(Reason) - {Reason.BAD_LOOKBACK, Reason.TOO_LARGE}


@pytest.mark.sampled(1)
@pytest.mark.parametrize("seed", range(3))
def test_each_record_that_can_be_repaired_is_in_the_view_once_at_its_latest_as_of(
    world: World, seed: int
) -> None:
    chance = random.Random(seed)
    versions = make_hour(chance)
    truth = find_truth(versions)
    send(world, versions, chance)
    assert len(world.view()) < len(truth)

    assert cli.main(["redrive", "--apply"]) == 0
    assert world.firehose.deliver(world.take()) == []  # nothing is refused a second time

    view = world.view()
    fields = ("as_of", "instrument", "asset_class", *NUMBERS)
    shown = {bar: [document[name] for name in fields] for bar, document in view.items()}
    assert shown == {bar: [record[name] for name in fields] for bar, record in truth.items()}
    # What nothing can repair is where it was, once, for a person.
    left = [each for key in world.files() if not key.startswith("redriven/") for each in world.entries(key)]
    assert sorted(left) == sorted({each.sent for each in versions if each.is_lost})

    assert cli.main(["redrive", "--apply"]) == 0
    assert world.take() == []
    assert world.view() == view
