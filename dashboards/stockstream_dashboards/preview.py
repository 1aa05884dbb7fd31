"""Draws the two dashboards for docs/search.md: `TZ=UTC python -m stockstream_dashboards.preview`.

The documents are the invented market's, through the real transform; osmem-server answers the panels' own
queries, and Vega-Lite draws the panels' own specs. Frames, titles and the control are drawn by hand.
"""

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from html import escape
from pathlib import Path
from typing import Any

from opensearchpy import OpenSearch

from stockstream_dashboards.invented_documents import deliver, invent_bars
from stockstream_dashboards.osmem import run_osmem
from stockstream_dashboards.panels import PanelRequest, draw_svg, fill_query, with_answer
from stockstream_dashboards.saved_objects import DASHBOARDS, read_dashboard, read_panel
from stockstream_operate.search.client import find_server
from stockstream_operate.search.fill import Filler
from stockstream_operate.search.index import REJECTED, Wanted
from stockstream_operate.search.install import Installer
from stockstream_operate.workplace import ROOT

DOCS = ROOT / "docs"
VEGA_LITE = "5.8"
OPEN, CLOSE = datetime(2026, 11, 20, 14, 30, tzinfo=UTC), datetime(2026, 11, 20, 21, tzinfo=UTC)
CHOSEN = "IBM"
REQUEST = PanelRequest(OPEN - timedelta(minutes=15), CLOSE + timedelta(minutes=1))
# Seconds from the provider's word to the arrival, and minutes of silence before the end.
DELIVERIES = {
    "IBM": (0.4, 0), "AAPL": (0.9, 0), "MSFT": (1.3, 0), "NVDA": (0.6, 0), "TSLA": (2.1, 41),
    "fx:EUR/USD": (6.5, 0), "crypto:BTC/USD": (0.5, 0),
}  # fmt: skip
REFUSED = {"open_time is not YYYY-MM-DDTHH:MM:SSZ": 4, "schema is not enriched.v1": 1}

# The grid of Dashboards: 48 columns, rows of 20 pixels, 8 between panels; a panel has a line for its title.
COLUMN, ROW, GAP, TITLE, HEAD = 30, 28, 8, 28, 44


def main() -> None:
    """Writes both pictures, and says where."""
    with run_osmem() as endpoint:
        fill(endpoint)
        with find_server(endpoint).connect() as client:
            client.indices.refresh(index="_all")
            for name in DASHBOARDS:
                file = DOCS / f"dashboard-{name}.svg"
                file.write_text(draw_dashboard(client, name) + "\n", encoding="utf-8")
                print(f"wrote {file.relative_to(Path.cwd())}, {file.stat().st_size:,} bytes")  # noqa: T201 (what a command says)


def fill(endpoint: str) -> None:
    """Puts a day of the invented market into an index, and some refused documents."""
    server = find_server(endpoint)
    list(Installer(server, Wanted()).install())
    filler = Filler(server)
    for name, (delay, silent) in DELIVERIES.items():
        bars = invent_bars(name, "1min", OPEN, CLOSE - timedelta(minutes=silent))
        filler.fill(deliver(bars, timedelta(seconds=delay)))
    with server.connect() as client:
        for reason, count in REFUSED.items():
            document = {"rejected_because": reason, "rejected_at": CLOSE.isoformat()}
            for _ in range(count):
                client.index(index=REJECTED, body=document)


def draw_dashboard(client: OpenSearch, name: str) -> str:
    """A dashboard as an SVG."""
    dashboard = read_dashboard(name)
    places = dashboard["panels"]
    width = 48 * COLUMN + GAP
    height = HEAD + ROW * max(place["y"] + place["h"] for place in places) + GAP
    inner = "".join(part for place in places for part in _draw_place(client, place))
    period = f"{REQUEST.since:%Y-%m-%d %H:%M} to {REQUEST.until:%H:%M} UTC"
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" font-family="sans-serif">'
        f'<rect width="{width}" height="{height}" fill="#F5F7FA"/>'
        + _text(GAP + 4, 28, dashboard["title"], size=18, weight="bold")
        + _text(width - GAP, 28, period, anchor="end")
        + inner
        + "</svg>"
    )


def _draw_place(client: OpenSearch, place: dict[str, Any]) -> Iterator[str]:
    x, y = GAP + place["x"] * COLUMN, HEAD + place["y"] * ROW
    width, height = place["w"] * COLUMN - GAP, place["h"] * ROW - GAP
    yield f'<rect x="{x}" y="{y}" width="{width}" height="{height}" fill="white" stroke="#D3DAE6" rx="3"/>'
    yield _text(x + 8, y + 19, place["title"], weight="bold")
    panel = read_panel(place["panel"])
    if "$schema" not in panel:
        yield _draw_control(x + 8, y + TITLE + 8, width - 16, panel["params"]["controls"][0]["label"])
        return
    chosen = [{"match_phrase": {"instrument": CHOSEN}}] if place["panel"].startswith("market-") else []
    index, body = fill_query(panel, PanelRequest(REQUEST.since, REQUEST.until, chosen))
    answer = client.search(index=index, body=body)
    svg = draw_svg(with_answer(panel, answer, width - 16, height - TITLE - 8), VEGA_LITE)
    yield re.sub(r"^<svg ", f'<svg x="{x + 8}" y="{y + TITLE}" ', _tidy(svg, place["panel"]))


def _tidy(svg: str, panel: str) -> str:
    """A panel's drawing as a part of a picture: without what only screen readers and the mouse find."""
    svg = re.sub(r' (?:aria-[a-z]+|role|class|xmlns:xlink|version|viewBox)="[^"]*"', "", svg)
    svg = re.sub(r'<path [^>]* opacity="0"/>', "", svg)
    # A tenth of a pixel will do.
    svg = re.sub(
        r' (?:d|transform|[xy][12]?|width|height)="[^"]*"',
        lambda found: re.sub(r"(\.\d)\d+", r"\1", found[0]),
        svg,
    )
    # Vega numbers what it clips; in one picture, each panel needs numbers of its own.
    return re.sub(r'(id="|url\(#)(clip|gradient_)', rf"\1{panel}-\2", svg)


def _draw_control(x: int, y: int, width: int, label: str) -> str:
    return (
        _text(x, y + 10, label, size=12, weight="bold")
        + f'<rect x="{x}" y="{y + 18}" width="{width}" height="32" fill="#FBFCFD" stroke="#D3DAE6"/>'
        + _text(x + 10, y + 38, CHOSEN)
        + _text(x + width - 10, y + 38, "\N{BLACK DOWN-POINTING SMALL TRIANGLE}", anchor="end")
    )


def _text(x: int, y: int, text: str, *, size: int = 14, weight: str = "normal", anchor: str = "start") -> str:
    style = f'font-size="{size}" font-weight="{weight}" text-anchor="{anchor}" fill="#343741"'
    return f'<text x="{x}" y="{y}" {style}>{escape(text)}</text>'


if __name__ == "__main__":
    main()
