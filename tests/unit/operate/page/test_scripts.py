"""The chart library's scripts are inside an installed package."""

import re

import pytest

from stockstream_operate.page import scripts
from stockstream_operate.page.scripts import ENTRY, NoScriptsError, find_scripts


def test_each_script_that_is_imported_is_there() -> None:
    found = find_scripts()

    assert ENTRY in found
    for file in found.values():
        imported = re.findall(r"""from\s*["']\./([^"']+)["']""", file.read_text(encoding="utf-8"))
        assert set(imported) <= set(found), file


def test_the_entry_exports_what_the_page_imports() -> None:
    assert "as echarts" in find_scripts()[ENTRY].read_text(encoding="utf-8")


@pytest.mark.parametrize(("name", "value"), [("_PACKAGE", "no-such-package"), ("_FOLDER", "elsewhere/")])
def test_without_them_a_sentence_says_what_to_do(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    monkeypatch.setattr(scripts, name, value)

    with pytest.raises(NoScriptsError, match="make setup"):
        find_scripts()
