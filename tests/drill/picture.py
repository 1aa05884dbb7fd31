"""A picture of the drill: a strip for each day, with what went wrong in it and how long bars took."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple
from xml.sax.saxutils import escape

# What lasts for a while, with its colour in light and in dark: Okabe and Ito's, which also who sees few
# colours can tell apart.
OUTAGES = {
    "provider outage": ("#d55e00", "#e8772e"),
    "throttle burst": ("#cc79a7", "#d894b9"),
    "stream not readable": ("#0072b2", "#4aa3d9"),
    "transform broken": ("#009e73", "#2fbf96"),
    "AWS hangs": ("#e69f00", "#f0b840"),
}
BINS = 240
_LEFT, _WIDTH, _ROW, _TOP = 290, 660, 34, 66
_LONGEST = 60.0  # minutes; a longer delay fills the strip


class Strip(NamedTuple):
    """A day in fractions of its length.

    Attributes:
        name: of the day, and its seed.
        delays: of each of BINS parts the longest that a bar took until readers knew it, in minutes.
        outages: each with its name, beginning and end.
        kills: when a process was killed.
        rang: from when to when people knew that the pipeline was down.
    """

    name: str
    delays: list[float]
    outages: list[tuple[str, float, float]]
    kills: list[float]
    rang: list[tuple[float, float]]


def draw(strips: Sequence[Strip]) -> str:
    """The picture as SVG, readable in light and in dark."""
    height = _TOP + _ROW * len(strips) + 14
    lines = [
        *_style(),
        f'<rect class="page" width="{_LEFT + _WIDTH + 20}" height="{height}" rx="8"/>',
        *_legend(),
        *(line for row, strip in enumerate(strips) for line in _draw_strip(strip, _TOP + row * _ROW)),
    ]
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_LEFT + _WIDTH + 20} {height}" '
        "font-family=\"system-ui, -apple-system, 'Segoe UI', Helvetica, Arial, sans-serif\" "
        'font-size="12" role="img" aria-label="Each day of the drill from left to right: outages, killed '
        'processes, when people were told, and how long bars took">\n' + "\n".join(lines) + "\n</svg>\n"
    )


def _style() -> Iterator[str]:
    light = {f".o{number}": colors[0] for number, colors in enumerate(OUTAGES.values())}
    dark = {f".o{number}": colors[1] for number, colors in enumerate(OUTAGES.values())}
    light |= {
        "text": "#1d2733",
        ".page": "#ffffff",
        ".strip": "#eef1f4",
        ".delay": "#8b97a5",
        ".kill": "#1d2733",
    }
    dark |= {
        "text": "#dde4ec",
        ".page": "#12171d",
        ".strip": "#222a33",
        ".delay": "#6d7a89",
        ".kill": "#ffffff",
    }
    yield "<style>"
    yield from (f"{name} {{ fill: {color} }}" for name, color in light.items())
    yield ".rang { fill: none; stroke: #1d2733; stroke-width: 1.5 }"
    yield "@media (prefers-color-scheme: dark) {"
    yield from (f"{name} {{ fill: {color} }}" for name, color in dark.items())
    yield ".rang { stroke: #dde4ec } }"
    yield "</style>"


def _legend() -> Iterator[str]:
    x = 14.0
    for number, name in enumerate(OUTAGES):
        yield f'<rect class="o{number}" x="{x}" y="14" width="18" height="8"/>'
        yield f'<text x="{x + 24}" y="22">{escape(name)}</text>'
        x += 50 + 6.4 * len(name)
    yield f'<rect class="kill" x="{x}" y="12" width="1" height="10"/>'
    yield f'<text x="{x + 8}" y="22">a process is killed</text>'
    yield '<path class="delay" d="M14 46V36L20 40 26 34 32 46z"/>'
    yield (
        f'<text x="38" y="46">how long the slowest bar took until readers knew it: the whole height is '
        f"{_LONGEST:.0f} minutes or more</text>"
    )
    yield '<path class="rang" d="M690 46V40H708V46"/>'
    yield '<text x="714" y="46">people know that the pipeline is down</text>'


def _draw_strip(strip: Strip, y: int) -> Iterator[str]:
    inner, base = _ROW - 14, y + _ROW - 6
    yield f'<text x="14" y="{y + 20}">{escape(strip.name)}</text>'
    yield f'<rect class="strip" x="{_LEFT}" y="{y + 8}" width="{_WIDTH}" height="{inner}"/>'
    for name, begin, end in strip.outages:
        number = list(OUTAGES).index(name)
        lane = y + 8 + number * inner / len(OUTAGES)
        width, thick = max(1.5, _x(end) - _x(begin)), inner / len(OUTAGES)
        yield (
            f'<rect class="o{number}" x="{_x(begin)}" y="{lane:.1f}" width="{width:.1f}" '
            f'height="{thick:.1f}"/>'
        )
    step = _WIDTH / len(strip.delays)
    points = [f"{_LEFT} {base}"]
    for number, delay in enumerate(strip.delays):
        top = base - inner * min(delay, _LONGEST) / _LONGEST
        points += [f"{_LEFT + number * step:.1f} {top:.1f}", f"{_LEFT + (number + 1) * step:.1f} {top:.1f}"]
    points.append(f"{_LEFT + _WIDTH} {base}")
    yield f'<path class="delay" fill-opacity="0.75" d="M{"L".join(points)}z"/>'
    for moment in strip.kills:
        yield f'<rect class="kill" x="{_x(moment)}" y="{base - 5}" width="1" height="5"/>'
    for begin, end in strip.rang:
        yield f'<path class="rang" d="M{_x(begin)} {y + 8}V{y + 3}H{_x(end)}V{y + 8}"/>'


def _x(fraction: float) -> float:
    return round(_LEFT + _WIDTH * min(max(fraction, 0.0), 1.0), 1)
