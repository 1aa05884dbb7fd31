"""Takes docs/page-light.png and docs/page-dark.png, of one invented morning: `make pictures`."""

import os
import sys
import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path

from browser import BROWSER, Browser
from page_lake import deliver, make_documents, revise
from served_page import address, serve_lake

from stockstream_operate.stack_alarms import StackAlarm
from stockstream_operate.stack_report import StackReport

DOCS = Path(__file__).parents[2] / "docs"
NOON = datetime(2026, 11, 27, 17, 0, tzinfo=UTC)
BARS = 150
REVISED = (38, 97, 121)
WIDTH, HEIGHT = 1100, 900
REPORT = StackReport(
    alarms=[StackAlarm(f"alarm {each}", is_alarming=False, since=NOON, words="") for each in range(21)],
    changes=[],
    numbers={
        "requests": 180,
        "published": 189,
        "revised": 9,
        "enriched": 189,
        "delay_p50": 10.2,
        "delay_p99": 10.8,
    },
    parameters={"Provider": "replay", "RequestsPerDay": "0", "MarketHours": "always"},
)


def main() -> None:
    """Writes both pictures, from the same page."""
    if BROWSER is None:
        sys.exit("The pictures are taken by Chromium, which is not on this machine: apt install chromium")
    with tempfile.TemporaryDirectory() as folder:
        lake = Path(folder) / "lake"
        for place, name in enumerate(("IBM", "fx:EUR/USD", "crypto:BTC/USD")):
            documents = make_documents(name, NOON, BARS)
            deliver(lake, f"first-{place}", documents)
            revised = [revise(documents[each], timedelta(minutes=4), 1.0003) for each in REVISED]
            deliver(lake, f"revised-{place}", revised)
        for file in lake.rglob("*.gz"):  # which have not come today, whatever day it is
            os.utime(file, (NOON.timestamp(), NOON.timestamp()))
        with (
            Browser.run(Path(folder)) as browser,
            serve_lake(lake, now=lambda: NOON + timedelta(seconds=20), report=lambda: REPORT) as server,
        ):
            page = browser.page()
            for name, dark in {"light": False, "dark": True}.items():
                page.look(WIDTH, HEIGHT, dark=dark)
                page.open(address(server))
                page.wait("document.querySelector('#price strong').textContent")
                page.value("new Promise((done) => setTimeout(done, 500))")
                (DOCS / f"page-{name}.png").write_bytes(page.picture())


if __name__ == "__main__":
    main()
