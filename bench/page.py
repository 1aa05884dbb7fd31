"""Measures the page over a lake of 100,000 bars in 20,000 small files: `make bench-page`.

Seconds, not ratios: the page has 2 s for its first paint, and as many for an update. They are those of the
machine and its load; two runs side by side say more.
"""

import json
import sys
import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "models"))

from browser import BROWSER, Browser, Page
from delivered_files import document
from page_lake import deliver
from served_page import address, serve_lake

from stockstream.fields import list_fields
from stockstream.times import format_instant, format_time
from stockstream.windows import Windows

INSTRUMENTS, MINUTES = 5, 20_000
ANALYTICS = [
    field.name
    for field in list_fields(Windows())
    if field.null and field.name not in {"volume", "arrived_at"}
]
PRICE = "document.querySelector('#price strong').textContent"


def main() -> None:
    """Prints how long each takes, in three tabs one after the other."""
    if BROWSER is None:
        sys.exit("There is no Chromium on this machine: apt install chromium")
    chance = Random(1)
    now = datetime.now(UTC).replace(second=0, microsecond=0)
    with tempfile.TemporaryDirectory() as name, Browser.run(Path(name)) as browser:
        lake = Path(name) / "lake"
        for minute in range(MINUTES):
            deliver(
                lake,
                f"{minute:06}",
                [bar(each, now, MINUTES - minute, chance) for each in range(INSTRUMENTS)],
            )
        began = time.monotonic()
        with serve_lake(lake) as server:
            print(f"served after {time.monotonic() - began:.2f} s")
            for tab in ("while older files are read", "the second tab", "the third tab"):
                page = browser.page()
                page.look(1280, 900)
                began = time.monotonic()
                page.open(f"{address(server)}#instrument=S0&interval=1min&span=session")
                page.wait(f"{PRICE} !== ''")
                print(f"first paint after {time.monotonic() - began:.2f} s, {tab}")
                wait_until_read(page)
            before = page.value(PRICE)
            began = time.monotonic()
            deliver(lake, "new", [bar(each, now, 0, chance) for each in range(INSTRUMENTS)])
            page.wait(f"{PRICE} !== {json.dumps(before)}")
            print(f"an update after {time.monotonic() - began:.2f} s")
            assert page.complaints == []


def wait_until_read(page: Page) -> None:
    """Waits until all files are read and that is drawn."""
    page.wait("!document.querySelector('#health').innerText.includes('Reading')")


def bar(place: int, now: datetime, minutes_ago: int, chance: Random) -> dict[str, object]:
    """One bar of an instrument, with a number in each field."""
    opens = now - timedelta(minutes=minutes_ago + 1)
    known = format_instant(opens + timedelta(minutes=1))
    low, first, last, high = sorted(chance.uniform(99, 101) for _ in range(4))
    made = document(format_time(opens), last, as_of=known, instrument=f"S{place}")
    numbers = {field: chance.uniform(99, 101) for field in ANALYTICS}
    return made | numbers | {"open": first, "high": high, "low": low}


if __name__ == "__main__":
    main()
