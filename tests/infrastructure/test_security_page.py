"""docs/security.md: each threat has a test, each of these is there, and so is what it says of the locks."""

import ast
import re
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml

from stockstream_generate.template_file import ROOT

PAGE = (ROOT / "docs" / "security.md").read_text(encoding="utf-8")
SECTIONS = {
    heading: [
        [cell.strip() for cell in line.strip("|").split("|")]
        for line in text.splitlines()
        if line.startswith("|") and not line.startswith(("|---", "| threat |"))
    ]
    for heading, text in re.findall(r"^## (.+?)\n(.*?)(?=^## |\Z)", PAGE, re.MULTILINE | re.DOTALL)
}
ROWS = [row for rows in SECTIONS.values() for row in rows]
LOCKS = sorted([ROOT / "layers" / "common" / "requirements.txt", *(ROOT / "requirements").glob("*.txt")])


@cache
def find_tests(path: Path) -> set[str]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row[0][:40])
def test_each_threat_has_what_stops_it_and_a_test_that_is_there(row: list[str]) -> None:
    threat, remedy, named = row
    tests = re.findall(r"`(tests/[\w/]+\.py)::(test_\w+)`", named)

    assert threat
    assert remedy
    assert tests
    # Nothing stands in the cell but tests.
    assert re.fullmatch(r"`tests/[\w/]+\.py::test_\w+`(, `tests/[\w/]+\.py::test_\w+`)*", named)
    assert [name for path, name in tests if name not in find_tests(ROOT / path)] == []


def test_each_side_that_is_not_trusted_has_threats() -> None:
    *sides, last = SECTIONS

    assert last == "What stays open"
    assert [side for side in sides if len(SECTIONS[side]) < 3] == []


def test_who_reads_of_security_finds_the_page() -> None:
    for name in ("README.md", "SECURITY.md", "docs/index.md"):
        links = re.findall(r"\]\(([^)#]+)", (ROOT / name).read_text(encoding="utf-8"))
        assert {"docs/security.md", "security.md"} & set(links), name


@pytest.mark.parametrize("lock", LOCKS, ids=lambda lock: str(lock.relative_to(ROOT)))
def test_each_package_of_each_lock_has_its_hashes(lock: Path) -> None:
    text = re.sub(r"^\s*#.*\n", "", lock.read_text(encoding="utf-8"), flags=re.MULTILINE)
    packages = re.split(r"\n(?=\S)", text.strip())

    assert packages
    assert [each for each in packages if not re.match(r"[\w.-]+(\[[\w,]+\])?==\S+[^\n]*\\\n", each)] == []
    assert [each for each in packages if "--hash=sha256:" not in each] == []


def test_the_audit_reads_each_lock_each_night() -> None:
    recipe = (ROOT / "Makefile").read_text(encoding="utf-8").partition("\naudit:")[2].partition("\n\n")[0]
    nightly: dict[str, Any] = yaml.safe_load(
        (ROOT / ".github" / "workflows" / "nightly.yml").read_text(encoding="utf-8")
    )

    assert "in layers/common/requirements.txt requirements/*.txt" in recipe
    assert "--strict" in recipe
    assert "make audit" in [step.get("run") for step in nightly["jobs"]["audit"]["steps"]]
