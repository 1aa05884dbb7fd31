"""The docs as a site: `stage` lays out the pages and what they link to, `check` reads what was built of them.

Run as a module with one of these words, by `make docs`; zensical builds between the two.
"""

import re
import shutil
import sys
from collections.abc import Iterator, Sequence
from html.parser import HTMLParser
from pathlib import Path
from typing import override
from urllib.parse import unquote, urlsplit

from stockstream_generate.template_file import ROOT

PAGES, SITE = ROOT / ".stockstream" / "pages", ROOT / ".stockstream" / "site"
_LINK = re.compile(r"(?:\]\(|src=\"|srcset=\")([^)\s\"]+)")


class _References(HTMLParser):
    """What a page refers to, and what in it can be referred to."""

    def __init__(self) -> None:
        super().__init__()
        self.links: list[str] = []
        self.loaded: list[str] = []
        self.names: set[str] = set()

    @override
    def handle_starttag(self, tag: str, attrs: Sequence[tuple[str, str | None]]) -> None:
        found = {name: value for name, value in attrs if value}
        self.names |= {found[name] for name in ("id", "name") if name in found}
        address = found.get("href") or found.get("src") or found.get("srcset")
        if address is None:
            return
        if tag == "a":
            self.links.append(address)
        elif tag != "link" or found.get("rel") in {"stylesheet", "icon", "preload"}:
            self.loaded.append(address)


def stage(root: Path, pages: Path) -> None:
    """Copies the pages, and each file that one of them links to, as they lie in the repository.

    Args:
        root: the repository.
        pages: the folder to fill; what is in it goes.
    """
    shutil.rmtree(pages, ignore_errors=True)
    for page in [*sorted(root.glob("*.md")), *sorted((root / "docs").glob("*.md"))]:
        for link in _LINK.findall(page.read_text(encoding="utf-8")):
            linked = (page.parent / urlsplit(link).path).resolve()
            if not urlsplit(link).scheme and linked.is_file() and linked.suffix != ".md":
                _copy(linked, pages / linked.relative_to(root.resolve()))
        _copy(page, pages / page.relative_to(root))
    for style in (root / "docs").glob("*.css"):
        _copy(style, pages / style.relative_to(root))
    # The first page is the README: links to it lead there.
    (pages / "README.md").rename(pages / "index.md")
    for page in pages.rglob("*.md"):
        text = page.read_text(encoding="utf-8")
        page.write_text(
            text.replace("](../README.md", "](../index.md").replace("](README.md", "](index.md"), "utf-8"
        )


def _copy(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copy(source, target)


def find_faults(site: Path) -> Iterator[str]:
    """What is wrong in a site that was built: a link into nothing, or something loaded from another server.

    Args:
        site: the folder of the site.
    """
    read: dict[Path, _References] = {}
    for path in sorted(site.rglob("*.html")):
        read[path.resolve()] = references = _References()
        references.feed(path.read_text(encoding="utf-8"))
    for path, references in read.items():
        # What is shown for any address that is not there knows no folder of its own.
        if path.name == "404.html":
            continue
        page = path.relative_to(site.resolve())
        for address in [*references.links, *references.loaded]:
            parts = urlsplit(address)
            if parts.scheme or parts.netloc:
                if address in references.loaded and parts.scheme != "data":
                    yield f"{page} loads {address}"
                continue
            target = (path.parent / unquote(parts.path)).resolve() if parts.path else path
            target = target / "index.html" if target.is_dir() else target
            if not target.is_file():
                yield f"{page} leads to {address}, which is not there"
            elif parts.fragment and target in read and unquote(parts.fragment) not in read[target].names:
                yield f"{page} leads to {address}, whose heading is not there"


def main(word: str) -> None:
    """Does one of the two.

    Raises:
        SystemExit: the site has faults.
    """
    if word == "stage":
        stage(ROOT, PAGES)
    elif faults := list(find_faults(SITE)):
        sys.exit("\n".join(["docs: the site has faults.", *faults]))


if __name__ == "__main__":
    main(sys.argv[1])
