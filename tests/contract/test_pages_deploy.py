"""What the pages say to type in order to deploy, try and remove a stack works as it stands there."""

import argparse
import re
import shlex
from pathlib import Path

import pytest

from stockstream_deploy.deploy_command import add_deploy
from stockstream_deploy.parameters import merge, parse_assignments
from stockstream_deploy.values import Values, examine_values
from stockstream_generate.template_file import read_template
from stockstream_local.cli import COMMANDS
from stockstream_operate.doctor.finding import Level

ROOT = Path(__file__).parents[2]
PAGES = {
    page.name: page.read_text(encoding="utf-8")
    for page in [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
    if page.name != "decisions.md"  # which tells of what was
}
TEMPLATE = read_template()


def shell_lines() -> list[tuple[str, str]]:
    """Each line of each block of commands, without its comment."""
    return [
        (name, line.partition("  #")[0].strip())
        for name, text in PAGES.items()
        for block in re.findall(r"```sh\n(.*?)```", text, re.DOTALL)
        for line in block.splitlines()
    ]


DEPLOYMENTS = [
    (name, shlex.split(arguments.strip("'\"")))
    for name, text in PAGES.items()
    for arguments in re.findall(r"make deploy ARGS=(\"[^\"]+\"|'[^']+'|[^\s`]+)", text)
    if not arguments.strip("'\"").startswith(("NAME", "--stack NAME"))
]


def test_the_pages_deploy() -> None:
    assert {"README.md", "notices.md", "search.md", "runbook.md"} <= {name for name, _ in DEPLOYMENTS}


@pytest.mark.parametrize(("page", "arguments"), DEPLOYMENTS)
def test_what_a_page_deploys_with_is_taken(page: str, arguments: list[str]) -> None:
    parser = argparse.ArgumentParser()
    add_deploy(parser)
    asked = parser.parse_args(arguments)

    values = Values(TEMPLATE, merge(TEMPLATE, {}, parse_assignments(asked.parameters)))
    assert [each.words for each in examine_values(values) if each.level is not Level.GOOD] == [], page


def test_every_command_of_the_pages_is_there() -> None:
    named = {
        (page, found[1])
        for page, line in shell_lines()
        if (found := re.match(r"(?:\.venv/bin/)?stockstream ([a-z-]+)", line))
    }

    assert named
    assert {each for each in named if each[1] not in {command.name for command in COMMANDS}} == set()


def test_no_page_says_to_deploy_past_the_checks_or_to_type_a_secret() -> None:
    past = [
        (page, line)
        for page, line in shell_lines()
        if line.startswith(("sam deploy", "sam build", "sam delete")) or "--type SecureString" in line
    ]

    assert past == []
