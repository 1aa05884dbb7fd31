"""Peak memory for each MB of event: the event as the runtime reads it, the work and the answer."""

import json
import tracemalloc

from market import make_day, make_event

from stockstream.windows import Windows
from transform.firehose import transform_records

MB = 1_000_000


def measure() -> None:
    """Prints the peaks of events of about 1, 2 and 4 MB."""
    print("\nPeak memory, MB for each MB of event (tracemalloc)")
    print(f"{'event':>10}{'records':>9}{'the work':>12}{'and event':>12}")
    for title, longest in (("199 closes of look-back", 199), ("without look-back", 0)):
        day = make_day(longest=longest)
        size = len(json.dumps(make_event(day)))
        for target in (1, 2, 4):
            _print_peak(title, (day * (target * MB // size + 1))[: target * MB * len(day) // size])


def _print_peak(title: str, records: list[bytes]) -> None:
    body = json.dumps(make_event(records)).encode()
    tracemalloc.start()
    event = json.loads(body)
    before = tracemalloc.get_traced_memory()[0]
    transform_records(event["records"], Windows())
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    size = len(body)
    print(f"{size / MB:7.1f} MB{len(records):9}{(peak - before) / size:12.2f}{peak / size:12.2f}  {title}")
