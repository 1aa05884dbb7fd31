"""What is in the drawing of a panel, as its SVG tells screen readers."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from xml.etree import ElementTree as ET

_GROUP = "{http://www.w3.org/2000/svg}g"


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

    def texts(self, layer: str) -> list[str]:
        """The words of a layer."""
        return ["".join(mark.itertext()) for mark in self._find(layer)]

    def _find(self, layer: str) -> Iterator[ET.Element]:
        for group in ET.fromstring(self.svg).iter(_GROUP):  # noqa: S314 (our own drawing)
            if f"{layer}_marks" in group.get("class", "").split():
                yield from group
