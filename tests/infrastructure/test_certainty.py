"""docs/certainty.md against the template: each type of resource is there, and is as sure as the page says."""

import re

import pytest
from policy_statements import expanded_template
from resolved_template import EMULATED_ACCOUNT, ResolvedTemplate

from stockstream_generate.template_file import ROOT
from stockstream_local.deployment import local_parameters

PAGE = (ROOT / "docs" / "certainty.md").read_text(encoding="utf-8")
ROWS = [
    [cell.strip() for cell in line.strip("|").split("|")]
    for line in PAGE.splitlines()
    if line.startswith("| ") and not line.startswith(("| part", "| what is done"))
]
KINDS = {kind: row for row in ROWS for kind in re.findall(r"`(AWS::\w+::\w+)`", row[0])}


def made_by_a_run() -> set[str]:
    """The types of which `make run` makes a resource in the emulator."""
    run = ResolvedTemplate(account_id=EMULATED_ACCOUNT, **local_parameters(ROOT))
    return {
        resource["Type"]
        for resource in expanded_template()["Resources"].values()
        if run.holds(resource.get("Condition"))
    }


def test_each_type_of_the_template_has_its_row_and_no_other() -> None:
    types = {resource["Type"] for resource in expanded_template()["Resources"].values()}

    assert set(KINDS) == types
    named = re.findall(r"`(AWS::\w+::\w+)`", PAGE)
    assert sorted(named) == sorted(set(named))


def test_what_is_said_to_be_made_on_the_emulator_is_made_there() -> None:
    assert {kind for kind, row in KINDS.items() if row[1].startswith("made")} == made_by_a_run()
    assert all(row[1].startswith(("made", "not made")) for row in KINDS.values())


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row[0][:40])
def test_each_row_says_all_three_and_names_tests_that_are_there(row: list[str]) -> None:
    _, emulator, documented, neither = row

    tests = re.findall(r"`(tests/[\w/]+\.py)`", emulator + documented)
    assert tests
    assert [name for name in tests if not (ROOT / name).is_file()] == []
    # Nobody here has tried anything in AWS, so that something is left everywhere.
    assert neither
    assert documented
