"""The commands that the pages show: those of `sh` blocks, whole, and those in the middle of a sentence."""

import re
import shlex
from collections.abc import Iterator
from itertools import takewhile
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[2]
PAGES = [*sorted(ROOT.glob("*.md")), *sorted((ROOT / "docs").glob("*.md"))]
_BLOCK = re.compile(r"^( *)```(\w*)\n(.*?)^ *```", re.DOTALL | re.MULTILINE)
_WITHIN = re.compile(r"\$\(([^()]*)\)")
_ENVIRONMENT = re.compile(r"[A-Z_]+=.*")
_PROGRAMS = ("make", "stockstream", "aws", ".venv/bin/stockstream")


class PageCommand(NamedTuple):
    """A command as a page shows it.

    Attributes:
        page: the page's name.
        words: of the command, without variables before it; `stockstream` without its folder.
    """

    page: str
    words: tuple[str, ...]

    def __str__(self) -> str:
        return f"{self.page}: {shlex.join(self.words)}"


def read_blocks(language: str) -> Iterator[tuple[str, str]]:
    """The pages' blocks in a language, each with its page's name, and without the list's indentation."""
    for page in PAGES:
        for indent, found, block in _BLOCK.findall(page.read_text(encoding="utf-8")):
            if found == language:
                yield page.name, re.sub(rf"^{indent}", "", block, flags=re.MULTILINE)


def whole_commands() -> list[PageCommand]:
    """Each command of the blocks, also one whose answer is a part of another."""
    found = (PageCommand(page, words) for page, block in read_blocks("sh") for words in _split(block))
    return list(dict.fromkeys(found))


def mentioned_commands() -> list[PageCommand]:
    """Each command in a sentence, which may leave out what it needs."""
    found = [
        PageCommand(page.name, words)
        for page in PAGES
        for quoted in re.findall(r"`([^`\n]+)`", _BLOCK.sub("", page.read_text(encoding="utf-8")))
        if len(words := _words(quoted)) > 1 and words[0] in _PROGRAMS
    ]
    return list(dict.fromkeys(found))


def subcommands(words: tuple[str, ...]) -> list[str]:
    """The words of a command that name what it does: `search fill`."""
    return list(takewhile(lambda word: re.fullmatch(r"[a-z][a-z-]*", word) is not None, words[1:]))


def _split(block: str) -> Iterator[tuple[str, ...]]:
    block = block.replace("\\\n", " ")
    for inner in _WITHIN.findall(block):
        yield from _split(inner)
    for line in _WITHIN.sub("ANSWER", block).splitlines():
        # Behind it stands a file.
        if words := _words(line.split(" > ")[0]):
            yield words


def _words(text: str) -> tuple[str, ...]:
    try:
        words = shlex.split(text, comments=True)
    except ValueError:  # a quotation mark of the sentence's
        return ()
    while words and _ENVIRONMENT.fullmatch(words[0]):
        words = words[1:]
    if words and words[0] == ".venv/bin/stockstream":
        words[0] = "stockstream"
    return tuple(word for word in words if word not in {"...", "…"})
