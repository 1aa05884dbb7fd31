"""The docs' site: pages lie as in the repository, and what is wrong in what was built of them is found."""

from pathlib import Path

import pytest

from stockstream_generate.site import find_faults, stage


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "docs").mkdir()
    (tmp_path / "code").mkdir()
    (tmp_path / "code" / "a.py").write_text("1\n")
    (tmp_path / "code" / "b.py").write_text("2\n")
    (tmp_path / "docs" / "light.png").write_bytes(b"png")
    (tmp_path / "README.md").write_text(
        '<img src="docs/light.png"> [page](docs/page.md) [web](https://example.org)\n'
    )
    (tmp_path / "docs" / "page.md").write_text(
        "[a](../code/a.py) [home](../README.md#top) [gone](../code/c.py)\n"
    )
    return tmp_path


def test_the_pages_are_laid_out_with_what_they_link_to_and_nothing_else(root: Path) -> None:
    pages = root / "pages"
    (pages / "old").mkdir(parents=True)
    (root / "docs" / "site.css").write_text("td {}\n")

    stage(root, pages)

    found = {str(path.relative_to(pages)) for path in pages.rglob("*") if path.is_file()}
    assert found == {"index.md", "docs/page.md", "docs/light.png", "docs/site.css", "code/a.py"}
    assert not (pages / "old").exists()
    assert "[home](../index.md#top)" in (pages / "docs" / "page.md").read_text()


def faults(site: Path, body: str) -> list[str]:
    (site / "other").mkdir(exist_ok=True)
    (site / "other" / "index.html").write_text('<h1 id="there">There</h1>')
    (site / "style.css").write_text("")
    (site / "page.html").write_text(body)
    return list(find_faults(site))


@pytest.mark.parametrize(
    "body",
    [
        '<a href="other/index.html#there">x</a>',
        '<a href="other#there">x</a> <a href="#here">y</a> <p id="here">',
        '<a href="https://example.org/nowhere">x</a>',
        '<link rel="stylesheet" href="style.css"> <link rel="canonical" href="https://example.org">',
        '<img src="data:image/png;base64,AA==">',
    ],
)
def test_what_is_there_is_no_fault(tmp_path: Path, body: str) -> None:
    assert faults(tmp_path, body) == []


@pytest.mark.parametrize(
    ("body", "fault"),
    [
        ('<a href="gone.py">x</a>', "page.html leads to gone.py, which is not there"),
        ('<img src="gone.png">', "page.html leads to gone.png, which is not there"),
        (
            '<a href="other/index.html#not">x</a>',
            "page.html leads to other/index.html#not, whose heading is not there",
        ),
        ('<a href="#not">x</a>', "page.html leads to #not, whose heading is not there"),
        ('<script src="https://cdn.example/x.js"></script>', "page.html loads https://cdn.example/x.js"),
        ('<link rel="stylesheet" href="//fonts.example/x.css">', "page.html loads //fonts.example/x.css"),
    ],
)
def test_a_link_into_nothing_and_what_comes_from_elsewhere_are_found(
    tmp_path: Path, body: str, fault: str
) -> None:
    assert faults(tmp_path, body) == [fault]
