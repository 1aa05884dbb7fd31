"""Records a second, side by side: the codec alone, the transform, and the other ways to do its work."""

import math
import statistics
import time
from collections.abc import Callable

from market import make_day, make_event
from rivals import RIVALS, Entries, Records, codec, documents

from stockstream.windows import Windows
from transform.firehose import transform_records

ROUNDS = 9
# pandas takes milliseconds for a record, and its rate does not depend on the number.
FEW = 30


def ours(records: Records) -> Entries:
    """What the handler does, but for the printing."""
    return transform_records(records, Windows())[0]


def compare() -> None:
    """Prints a table for full look-backs and one for records without any."""
    full = make_event(make_day())["records"]
    _check(full)
    ways: dict[str, Callable[[Records], Entries]] = {"codec alone (the floor)": codec, "stockstream": ours}
    _print_table("A day's bars, 199 closes of look-back", full, ways | RIVALS)
    _print_table("The same bars without a look-back", make_event(make_day(longest=0))["records"], ways)


def _check(records: Records) -> None:
    """Refuses to time a rival whose numbers differ."""
    expected = list(documents(ours(records[:FEW])))
    for name, rival in RIVALS.items():
        for document, ours_document in zip(documents(rival(records[:FEW])), expected, strict=True):
            for field, value in ours_document.items():
                if isinstance(value, float) and not math.isclose(value, document[field], rel_tol=1e-6):
                    raise SystemExit(f"{name} says that {field} is {document[field]}, and we say {value}")


def _print_table(title: str, records: Records, ways: dict[str, Callable[[Records], Entries]]) -> None:
    seconds: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(ROUNDS):  # round by round, so that a slow moment of the machine falls on all
        for name, way in ways.items():
            batch = records[:FEW] if name == "pandas" else records
            started = time.perf_counter()
            way(batch)
            seconds[name].append((time.perf_counter() - started) / len(batch))
    floor = statistics.median(seconds["codec alone (the floor)"])
    print(f"\n{title} ({len(records)} records, median of {ROUNDS} rounds)")
    print(f"{'':26}{'us/record':>10}{'fastest':>9}{'slowest':>9}{'records/s':>11}{'x floor':>9}")
    for name, each in seconds.items():
        median = statistics.median(each)
        print(
            f"{name:26}{median * 1e6:10.1f}{min(each) * 1e6:9.1f}{max(each) * 1e6:9.1f}"
            f"{1 / median:11,.0f}{median / floor:9.2f}"
        )
