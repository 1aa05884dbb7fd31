"""The pages' links to each other: each leads to a file that is there, and to a heading in it."""

import re
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGES = [*sorted(ROOT.glob("*.md")), *sorted((ROOT / "docs").glob("*.md"))]


def prose(page: Path) -> str:
    """What is no code."""
    return re.sub(r"^ *```.*?^ *```", "", page.read_text(encoding="utf-8"), flags=re.DOTALL | re.MULTILINE)


def anchors(page: Path) -> set[str]:
    """The names that GitHub gives the headings of a page."""
    titles = re.findall(r"^#+ (.+)$", prose(page), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", title.lower()).replace(" ", "-") for title in titles}


def broken_links(page: Path) -> list[str]:
    """The links of a page that lead nowhere in this project."""
    broken = []
    for link in re.findall(r"\]\(([^)\s]+)\)", prose(page)):
        if re.match(r"[a-z]+:", link):
            continue
        path, _, anchor = link.partition("#")
        target = page.parent / path if path else page
        if not target.exists() or (anchor and anchor not in anchors(target)):
            broken.append(link)
    return broken


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_each_link_leads_somewhere(page: Path) -> None:
    assert broken_links(page) == []


def test_a_link_that_leads_nowhere_is_found(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(
        "# A `code` heading\n[here](#a-code-heading) [not](#other) [gone](gone.md) [web](https://example.org)\n"
        "```\n[code](code.md)\n```\n[too](page.md#a-code-heading)\n"
    )

    assert broken_links(page) == ["#other", "gone.md"]


# The guides name files that their reader makes, the changes those of their time.
@pytest.mark.parametrize(
    "page", [each for each in PAGES if each.name not in {"guides.md", "CHANGELOG.md"}], ids=str
)
def test_each_file_that_is_named_is_there(page: Path) -> None:
    folders = "bench|dashboards|deploy|docs|events|functions|generate|layers|local|operate|tests"
    codes = re.findall(r"`([^`]+)`", prose(page))
    named = {
        name
        for code in codes
        for name in re.findall(rf"(?<![\w./-])(?:{folders})/[\w./-]*\w(?=$|[\s,:#])", code)
    }

    assert [name for name in sorted(named) if not (ROOT / name).exists()] == []


def test_the_readme_is_short_and_the_index_leads_to_every_page() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    index = (ROOT / "docs" / "index.md").read_text(encoding="utf-8")

    assert len(readme.splitlines()) <= 200
    assert {page.name for page in PAGES if page.parent.name == "docs"} - {"index.md"} == set(
        re.findall(r"\]\((\w+\.md)\)", index)
    )


def test_the_site_shows_every_page_once() -> None:
    settings = tomllib.loads((ROOT / "zensical.toml").read_text(encoding="utf-8"))["project"]
    shown = re.findall(r"'([\w/]+\.md)'", str(settings["nav"]))

    pages = {str(page.relative_to(ROOT)).replace("README.md", "index.md") for page in PAGES}
    assert sorted(shown) == sorted(pages)
    assert settings["theme"]["font"] is False


def test_each_decision_stands_once_among_the_subjects() -> None:
    """A new decision is a line under its subject, too."""
    page = ROOT / "docs" / "decisions.md"
    subjects, *decisions = re.split(r"^## (?!By subject)", prose(page), flags=re.MULTILINE)
    listed = re.findall(r"^- \[.*\]\(#(.+)\)$", subjects, re.MULTILINE)

    made = {re.sub(r"[^\w -]", "", each.splitlines()[0].lower()).replace(" ", "-") for each in decisions}
    assert sorted(listed) == sorted(made)
