"""The pictures of the dashboards in docs/: as they would be drawn today, and fit to be read on GitHub."""

import itertools
import re
from xml.etree import ElementTree as ET

import pytest
from drawn_text import DrawnText, find_texts

from stockstream_dashboards.preview import draw_pictures, is_alike, read_picture

NAMES = [
    f"docs/dashboard-{dashboard}-{theme}.svg"
    for dashboard in ("market", "pipeline")
    for theme in ("light", "dark")
]
# Between GitHub's margins; a wider picture would be made smaller, and its text with it.
README_PIXELS = 830
GROUNDS = {"light": "#FFFFFF", "dark": "#1D1E24"}


@pytest.mark.parametrize("theme", ["light", pytest.param("dark", marks=pytest.mark.slow)])
def test_the_pictures_are_as_they_would_be_drawn_today(theme: str) -> None:
    today = draw_pictures([theme])

    assert sorted(today) == [name for name in NAMES if theme in name]
    stale = [name for name in today if not is_alike(read_picture(name), today[name])]
    assert stale == [], "run `make generate`"


@pytest.mark.parametrize("name", NAMES)
def test_text_is_large_enough_to_read_at_the_width_of_a_readme(name: str) -> None:
    svg = read_picture(name)
    _, _, width, _ = (float(number) for number in ET.fromstring(svg).attrib["viewBox"].split())  # noqa: S314

    assert width <= README_PIXELS
    assert min(text.size for text in find_texts(svg)) >= 12


@pytest.mark.parametrize("name", NAMES)
def test_no_label_lies_over_another_or_beyond_the_picture(name: str) -> None:
    svg = read_picture(name)
    _, _, width, height = (float(number) for number in ET.fromstring(svg).attrib["viewBox"].split())  # noqa: S314
    texts = find_texts(svg)

    assert len(texts) > 40
    assert [
        (one.words, other.words) for one, other in itertools.combinations(texts, 2) if one.overlaps(other)
    ] == []
    assert [text for text in texts if text.left < 0 or text.right > width or text.bottom > height] == []


@pytest.mark.parametrize("name", NAMES)
def test_text_stands_out_from_its_ground(name: str) -> None:
    ground = GROUNDS["dark" if "dark" in name else "light"]

    # WCAG 2.2, 1.4.3: at least 4.5 for text.
    assert {
        text.fill: text.words for text in find_texts(read_picture(name)) if contrast(text.fill, ground) < 4.5
    } == {}


def contrast(one: str, other: str) -> float:
    darker, lighter = sorted(luminance(color) for color in (one, other))
    return (lighter + 0.05) / (darker + 0.05)


def luminance(color: str) -> float:
    shares = [int(color[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    red, green, blue = (
        share / 12.92 if share <= 0.04045 else ((share + 0.055) / 1.055) ** 2.4 for share in shares
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def test_pictures_that_differ_by_a_word_a_color_or_a_pixel_are_not_alike() -> None:
    picture = '<svg><text x="10.2" y="5" fill="#123456">294.5</text></svg>'

    assert is_alike(picture, picture.replace("10.2", "10.4"))
    assert not is_alike(picture, picture.replace("10.2", "11.2"))
    assert not is_alike(picture, picture.replace("#123456", "#123457"))
    assert not is_alike(picture, picture.replace("svg>", "g>"))
    assert not is_alike(picture, re.sub("294.5", "294.6", picture))


def test_texts_that_lie_over_each_other_are_found() -> None:
    # 14 letters of 10 pixels take about 67: from 0, they end before 70, and not before 60.
    def texts(x: int) -> list[DrawnText]:
        label = '<text font-size="10px" transform="translate({},20)">fourteen chars</text>'
        return find_texts(f'<svg xmlns="http://www.w3.org/2000/svg">{label.format(0)}{label.format(x)}</svg>')

    assert texts(60)[0].overlaps(texts(60)[1])
    assert not texts(70)[0].overlaps(texts(70)[1])
