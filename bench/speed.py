"""Records a second, side by side: the codec alone, the transform, and the other ways to do its work."""

import math
import statistics
import time
from collections.abc import Callable

from market import make_day, make_event
from rivals import RIVALS, Entries, Records, documents, make_codec

from stockstream.windows import Windows
from transform.firehose import transform_records

ROUNDS = 25
# pandas takes milliseconds for a record, and its rate does not depend on the number.
FEW = 5
FLOOR = "codec alone (the floor)"

type Ways = dict[str, Callable[[Records], Entries]]


def ours(records: Records) -> Entries:
    """What the handler does, but for the printing."""
    return transform_records(records, Windows())[0]


def compare() -> None:
    """Prints a table for full look-backs and one for records without any."""
    full = make_event(make_day(128))["records"]
    _check(full)
    _print_table("Bars with 199 closes of look-back", full, RIVALS)
    _print_table("The same bars without a look-back", make_event(make_day(128, longest=0))["records"], {})


def _check(records: Records) -> None:
    """Refuses to time a rival whose numbers differ."""
    expected = list(documents(ours(records[:FEW])))
    for name, rival in RIVALS.items():
        for document, ours_document in zip(documents(rival(records[:FEW])), expected, strict=True):
            for field, value in ours_document.items():
                if isinstance(value, float) and not math.isclose(value, document[field], rel_tol=1e-6):
                    raise SystemExit(f"{name} says that {field} is {document[field]}, and we say {value}")


def _print_table(title: str, records: Records, rivals: Ways) -> None:
    ways: Ways = {FLOOR: make_codec(ours(records)), "stockstream": ours} | rivals
    micros: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(ROUNDS):  # round by round, so that a slow moment of the machine falls on all
        for name, way in ways.items():
            batch = records[:FEW] if name == "pandas" else records
            # Processor time, of all threads: what other processes do meanwhile is not counted.
            started = time.process_time()
            way(batch)
            micros[name].append((time.process_time() - started) / len(batch) * 1e6)
    print(f"\n{title} ({len(records)} records, {ROUNDS} rounds; medians, and the middle half in brackets)")
    print(f"{'':26}{'us/record':>21}{'records/s':>11}{'x floor':>20}")
    for name, each in micros.items():
        ratios = [own / floor for own, floor in zip(each, micros[FLOOR], strict=True)]
        low, median, high = statistics.quantiles(each, n=4)
        least, ratio, most = statistics.quantiles(ratios, n=4)
        print(
            f"{name:26}{median:8.1f} {f'({low:.1f}-{high:.1f})':>12}{1e6 / median:11,.0f}"
            f"{ratio:7.2f} {f'({least:.2f}-{most:.2f})':>12}"
        )
