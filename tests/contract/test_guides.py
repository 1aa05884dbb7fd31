"""docs/guides.md: at each place there is what the guide says that one finds."""

import re

import pytest

from stockstream_generate.template_file import ROOT

PAGE = ROOT / "docs" / "guides.md"
GUIDES = {
    section.partition("\n")[0]: re.findall(
        r"^\| \[[^\]]+\]\(([^)]+)\) \| (?:`(.+?)`|) ?\|(?= )", section, re.MULTILINE
    )
    for section in PAGE.read_text(encoding="utf-8").split("\n## ")[1:]
}


def test_there_is_a_guide_for_each_thing_that_is_added() -> None:
    assert list(GUIDES) == [
        "An indicator",
        "A provider",
        "A notice channel",
        "An instrument class",
        "A saved query",
        "A dashboard panel",
    ]


@pytest.mark.parametrize("guide", GUIDES)
def test_each_place_has_what_the_guide_says(guide: str) -> None:
    rows = PAGE.read_text(encoding="utf-8").split(f"\n## {guide}\n")[1].split("\n## ")[0].count("\n| [")
    places = GUIDES[guide]

    assert len(places) == rows >= 3
    for link, part in places:
        place = PAGE.parent / link
        assert part.replace("\\|", "|") in place.read_text(encoding="utf-8"), f"{link}: {part}"
