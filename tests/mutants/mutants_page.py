"""The table of docs/mutants.md: a row for each module, from the last run of it, and their sum."""

import re
from collections.abc import Mapping
from typing import NamedTuple

from mutated_modules import ROOT, list_subjects

PAGE = ROOT / "docs" / "mutants.md"
_HEAD = """\
| module | mutants | killed | of them by time | explained | survived | source |
|---|--:|--:|--:|--:|--:|---|
"""
_ROW = re.compile(r"^\| `([\w.]+)` \| (\d+) \| (\d+) \| (\d+) \| (\d+) \| (\d+) \| `(\w*)` \|$", re.MULTILINE)


class Row(NamedTuple):
    """The digest of a module's source, and what came of its mutants."""

    source: str
    mutants: int
    killed: int
    out_of_time: int
    explained: int
    survived: int


def read_rows() -> dict[str, Row]:
    """The page's rows, by module."""
    rows = _ROW.findall(PAGE.read_text(encoding="utf-8"))
    return {module: Row(source, *map(int, counts)) for module, *counts, source in rows}


def show_row(module: str, row: Row) -> str:
    """A row as the page has it."""
    source, *counts = row
    return f"| `{module}` | {' | '.join(map(str, counts))} | `{source}` |"


def write_page(rows: Mapping[str, Row]) -> None:
    """Puts rows into the page, in the order in which the modules are walked."""
    text = PAGE.read_text(encoding="utf-8")
    known = [(each.module, rows[each.module]) for each in list_subjects() if each.module in rows]
    lines = [show_row(module, row) for module, row in known]
    _sources, *counts = zip(*(row for _, row in known), strict=True)
    lines.append(f"| all | {' | '.join(f'{sum(each):,}' for each in counts)} | |")
    before = text[: text.index("| module |")]
    PAGE.write_text(f"{before}{_HEAD}{'\n'.join(lines)}\n", encoding="utf-8")
