"""Where the words of an SVG are, without a browser: the boxes that its texts take, by estimate."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from xml.etree import ElementTree as ET

_SVG = "{http://www.w3.org/2000/svg}"
# A letter of a sans-serif is about half as wide as it is high. Estimated a little too narrow, so that what is
# found to overlap does.
_WIDTH, _BOLD, _ABOVE, _BELOW = 0.48, 0.53, 0.7, 0.1


@dataclass(frozen=True)
class DrawnText:
    """A text of a picture, and its box in the picture's own pixels."""

    words: str
    size: float
    fill: str
    left: float
    top: float
    right: float
    bottom: float

    def overlaps(self, other: "DrawnText") -> bool:
        """Whether some of it lies over the other."""
        return (
            self.left < other.right
            and other.left < self.right
            and self.top < other.bottom
            and other.top < self.bottom
        )


def find_texts(svg: str) -> list[DrawnText]:
    """All texts of a picture, in its order."""
    return list(_walk(ET.fromstring(svg), 0, 0))  # noqa: S314 (our own drawing)


def _walk(element: ET.Element, x: float, y: float) -> Iterator[DrawnText]:
    transform = element.get("transform", "")
    if moved := re.match(r"translate\((-?[\d.]+),\s*(-?[\d.]+)\)", transform):
        x, y = x + float(moved[1]), y + float(moved[2])
    if element.tag in {f"{_SVG}svg", f"{_SVG}text"}:
        x, y = x + float(element.get("x", 0)), y + float(element.get("y", 0))
    if (
        element.tag == f"{_SVG}text"
        and element.get("opacity") != "0"
        and (words := "".join(element.itertext()))
    ):
        yield _place(element, words, x, y, is_upright="rotate(-90)" in transform)
    for child in element:
        yield from _walk(child, x, y)


def _place(text: ET.Element, words: str, x: float, y: float, *, is_upright: bool) -> DrawnText:
    size = float(text.attrib["font-size"].removesuffix("px"))
    length = len(words) * size * (_BOLD if text.get("font-weight") == "bold" else _WIDTH)
    before = {"start": 0.0, "middle": 0.5, "end": 1.0}[text.get("text-anchor", "start")] * length
    if is_upright:  # it goes up from x, y
        box = (x - _ABOVE * size, y + before - length, x + _BELOW * size, y + before)
    else:
        box = (x - before, y - _ABOVE * size, x - before + length, y + _BELOW * size)
    return DrawnText(words, size, text.get("fill", "black"), *box)
