"""docs/mutants.md has a row of each module that computes or decides, and none of a module that is gone."""

from mutants_page import read_rows
from mutated_modules import find_strays, list_subjects


def test_each_module_has_its_row() -> None:
    """A new one gets it by `make mutants ARGS='--changed --report'`, or LEFT_OUT says why it needs none."""
    assert {each.module for each in list_subjects()} == set(read_rows())


def test_no_mutant_of_the_table_survived() -> None:
    assert {module: row.survived for module, row in read_rows().items() if row.survived} == {}


def test_what_the_tool_lists_is_there() -> None:
    assert find_strays() == []
