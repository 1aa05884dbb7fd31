"""What is in the drawing of a panel, as its SVG tells screen readers."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from xml.etree import ElementTree as ET

_GROUP = "{http://www.w3.org/2000/svg}g"


@dataclass(frozen=True)
class Box:
    """Where a mark is, in pixels from the left and from the top of its plot."""

    left: float
    top: float
    right: float
    bottom: float


@dataclass(frozen=True)
class DrawnPanel:
    """A panel's drawing.

    Attributes:
        svg: its text.
    """

    svg: str

    def marks(self, layer: str) -> list[dict[str, str]]:
        """What each mark of a layer stands for: what is encoded, by its title, in the drawing's order."""
        labels = (mark.get("aria-label", "").split("; ") for mark in self._find(layer))
        return [dict(part.split(": ", 1) for part in parts if ": " in part) for parts in labels]

    def paths(self, layer: str) -> list[str]:
        """The shapes of a layer's marks, as SVG path data."""
        return [mark.get("d", "") for mark in self._find(layer)]

    def positions(self, layer: str) -> list[float]:
        """How far from the left each mark of a layer is, in pixels: a shape's first point."""
        places = (f"{mark.get('transform', '')} {mark.get('d', '')}" for mark in self._find(layer))
        return [float(found[1]) for place in places if (found := re.search(r"[(M](-?[\d.]+)", place))]

    def boxes(self, layer: str) -> list[Box]:
        """The rectangles and the upright or level lines of a layer."""
        return [_box(mark) for mark in self._find(layer)]

    def colors(self, layer: str) -> list[tuple[str, str]]:
        """What each mark of a layer is filled with and what it is drawn with; empty where it is not."""
        return [(mark.get("fill", ""), mark.get("stroke", "")) for mark in self._find(layer)]

    def texts(self, layer: str) -> list[str]:
        """The words of a layer."""
        return ["".join(mark.itertext()) for mark in self._find(layer)]

    def _find(self, layer: str) -> Iterator[ET.Element]:
        for group in ET.fromstring(self.svg).iter(_GROUP):  # noqa: S314 (our own drawing)
            if f"{layer}_marks" in group.get("class", "").split():
                yield from group


def _box(mark: ET.Element) -> Box:
    """A rectangle, whose path is in absolute and in relative steps (M, h, v), or a line from (x1, y1)."""
    x, y = (float(number) for number in re.findall(r"-?[\d.]+", mark.get("transform", "translate(0,0)")))
    across, down = float(mark.get("x2", 0)), float(mark.get("y2", 0))
    if path := mark.get("d"):
        left, top = (float(number) for number in re.findall(r"-?[\d.]+", path.split("h")[0]))
        x, y = x + left, y + top
        across, down = (
            float(found[1]) if (found := re.search(rf"{step}(-?[\d.]+)", path)) else 0.0 for step in "hv"
        )
    return Box(min(x, x + across), min(y, y + down), max(x, x + across), max(y, y + down))
