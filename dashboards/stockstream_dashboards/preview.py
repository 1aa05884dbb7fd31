"""Draws the two dashboards for docs/search.md, each in both themes of Dashboards: a part of `make generate`.

The documents are the invented market's, through the real transform; osmem-server answers the panels' own
queries, and Vega-Lite draws the panels' own specs. Frames, titles and the control are drawn by hand.
"""

import os
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from html import escape
from typing import Any

from opensearchpy import OpenSearch

from stockstream_dashboards.invented_documents import invent_bars, make_documents
from stockstream_dashboards.osmem import run_osmem
from stockstream_dashboards.panels import THEMES, PanelRequest, draw_svg, fill_query, with_answer
from stockstream_dashboards.saved_objects import DASHBOARDS, read_dashboard, read_panel
from stockstream_operate.search.client import find_server
from stockstream_operate.search.fill import Filler
from stockstream_operate.search.index import REJECTED, Wanted
from stockstream_operate.search.install import Installer
from stockstream_operate.workplace import ROOT

VEGA_LITE = "5.8"
OPEN, CLOSE = datetime(2026, 11, 20, 14, 30, tzinfo=UTC), datetime(2026, 11, 20, 21, tzinfo=UTC)
CHOSEN = "IBM"
REQUEST = PanelRequest(OPEN - timedelta(minutes=15), CLOSE + timedelta(minutes=1))
# Seconds from the provider's word to the arrival, and minutes of silence before the end.
DELIVERIES = {
    "IBM": (0.4, 0), "AAPL": (0.9, 0), "MSFT": (1.3, 0), "NVDA": (0.6, 0), "TSLA": (2.1, 41),
    "fx:EUR/USD": (6.5, 0), "crypto:BTC/USD": (0.5, 0),
}  # fmt: skip
# Of an instrument that is not chosen, the panels show these. Each field more takes the server as long again.
SHOWN_OF_OTHERS = (
    "schema", "id", "as_of", "instrument", "interval", "open_time", "open", "close", "arrived_at",
)  # fmt: skip
_TAG = re.compile(r"<[^>]*>")
_NUMBER, _MOVED = re.compile(r"(?<![#\w])-?\d+(?:\.\d+)?"), 0.5
REFUSED = {"open_time is not YYYY-MM-DDTHH:MM:SSZ": 4, "schema is not enriched.v1": 1}

# The grid of Dashboards: 48 columns, rows of 20 pixels, 8 between panels; a panel has a line for its title.
# All is as wide as GitHub shows a picture, so that the text there is as large as it is here.
COLUMN, ROW, GAP, TITLE, HEAD = 17, 28, 8, 28, 44


@dataclass(frozen=True, slots=True)
class Frame:
    """What Dashboards draws around the panels, in the colours of a theme.

    Attributes:
        ground: between the panels.
        control: within a field to choose from.
        line: around both.
        words: of titles.
    """

    ground: str
    control: str
    line: str
    words: str

    def text(
        self, x: int, y: int, text: str, *, size: int = 13, weight: str = "normal", anchor: str = "start"
    ) -> str:
        """A line of text, from, around or up to x."""
        style = f'font-size="{size}px" font-weight="{weight}" text-anchor="{anchor}" fill="{self.words}"'
        return f'<text x="{x}" y="{y}" {style}>{escape(text)}</text>'

    def box(self, x: int, y: int, width: int, height: int, fill: str) -> str:
        """A rectangle with a line around it."""
        size = f'width="{width}" height="{height}"'
        return f'<rect x="{x}" y="{y}" {size} fill="{fill}" stroke="{self.line}" rx="3"/>'


FRAMES = {
    "light": Frame(ground="#F5F7FA", control="#FBFCFD", line="#D3DAE6", words="#343741"),
    "dark": Frame(ground="#1A1B20", control="#16171C", line="#343741", words="#DFE5EF"),
}


def write_pictures() -> list[str]:
    """Writes what has changed; the names of those files."""
    drawn = draw_pictures()
    stale = [name for name, svg in drawn.items() if not is_alike(read_picture(name), svg)]
    for name in stale:
        (ROOT / name).write_text(drawn[name], encoding="utf-8")
    return stale


def draw_pictures(themes: Iterable[str] = THEMES) -> dict[str, str]:
    """The text of every picture in some themes, by the name of its file."""
    os.environ["TZ"] = "UTC"  # before Vega asks for the time zone, for the first time and the last
    with run_osmem() as endpoint:
        fill_index(endpoint)
        with find_server(endpoint).connect() as client:
            client.indices.refresh(index="_all")
            return {
                f"docs/dashboard-{name}-{theme}.svg": draw_dashboard(client, name, theme) + "\n"
                for name in DASHBOARDS
                for theme in themes
            }


def read_picture(name: str) -> str:
    """A picture as it is; empty where there is none."""
    file = ROOT / name
    return file.read_text(encoding="utf-8") if file.exists() else ""


def is_alike(one: str, other: str) -> bool:
    """Whether two pictures say and show the same, each mark within half a pixel: fonts differ a little."""
    if _NUMBER.sub("", one) != _NUMBER.sub("", other) or _TAG.sub(" ", one) != _TAG.sub(" ", other):
        return False
    pairs = zip(_NUMBER.findall(one), _NUMBER.findall(other), strict=True)
    return all(abs(float(mine) - float(theirs)) <= _MOVED for mine, theirs in pairs)


def fill_index(endpoint: str) -> None:
    """Puts a day of the invented market into an index, and some refused documents."""
    server = find_server(endpoint)
    list(Installer(server, Wanted()).install())
    filler = Filler(server)
    for name, (delay, silent) in DELIVERIES.items():
        bars = invent_bars(name, "1min", OPEN, CLOSE - timedelta(minutes=silent))
        documents = make_documents(bars, timedelta(seconds=delay))
        if name != CHOSEN:
            documents = ({field: each[field] for field in SHOWN_OF_OTHERS} for each in documents)
        filler.fill(documents)
    with server.connect() as client:
        for reason, count in REFUSED.items():
            document = {"rejected_because": reason, "rejected_at": CLOSE.isoformat()}
            for _ in range(count):
                client.index(index=REJECTED, body=document)


def draw_dashboard(client: OpenSearch, name: str, theme: str) -> str:
    """A dashboard as an SVG, in a theme of THEMES."""
    frame = FRAMES[theme]
    dashboard = read_dashboard(name)
    places = dashboard["panels"]
    width = 48 * COLUMN + GAP
    height = HEAD + ROW * max(place["y"] + place["h"] for place in places) + GAP
    inner = "".join(part for place in places for part in _draw_place(client, place, theme))
    period = f"{REQUEST.since:%Y-%m-%d %H:%M} to {REQUEST.until:%H:%M} UTC"
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" font-family="sans-serif">'
        f'<rect width="{width}" height="{height}" fill="{frame.ground}"/>'
        + frame.text(GAP + 4, 28, dashboard["title"], size=18, weight="bold")
        + frame.text(width - GAP, 28, period, anchor="end")
        + inner
        + "</svg>"
    )


def _draw_place(client: OpenSearch, place: dict[str, Any], theme: str) -> Iterator[str]:
    frame = FRAMES[theme]
    x, y = GAP + place["x"] * COLUMN, HEAD + place["y"] * ROW
    width, height = place["w"] * COLUMN - GAP, place["h"] * ROW - GAP
    yield frame.box(x, y, width, height, THEMES[theme]["background"])
    yield frame.text(x + 8, y + 19, place["title"], weight="bold")
    panel = read_panel(place["panel"])
    if "$schema" not in panel:
        label = panel["params"]["controls"][0]["label"]
        yield _draw_control(frame, x + 8, y + TITLE + 8, width - 16, label)
        return
    chosen = [{"match_phrase": {"instrument": CHOSEN}}] if place["panel"].startswith("market-") else []
    index, body = fill_query(panel, PanelRequest(REQUEST.since, REQUEST.until, chosen))
    answer = client.search(index=index, body=body)
    svg = draw_svg(with_answer(panel, answer, width - 16, height - TITLE - 8, theme), VEGA_LITE)
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


def _draw_control(frame: Frame, x: int, y: int, width: int, label: str) -> str:
    return (
        frame.text(x, y + 10, label, size=12, weight="bold")
        + frame.box(x, y + 18, width, 32, frame.control)
        + frame.text(x + 10, y + 38, CHOSEN)
        + frame.text(x + width - 10, y + 38, "\N{BLACK DOWN-POINTING SMALL TRIANGLE}", anchor="end")
    )
