"""What a stranger meets: forms that ask for what helps, and commands in them that there are."""

import json
import re
import shlex
from typing import Any

import pytest
import yaml

from stockstream_generate.template_file import ROOT
from stockstream_local import cli
from stockstream_operate import running

FORMS = sorted((ROOT / ".github" / "ISSUE_TEMPLATE").glob("*.yml"))


def fields(name: str) -> dict[str, dict[str, Any]]:
    form = yaml.safe_load((ROOT / ".github" / "ISSUE_TEMPLATE" / name).read_text(encoding="utf-8"))
    return {each["id"]: each for each in form["body"] if "id" in each}


def test_a_bug_is_told_with_what_the_doctor_says_and_the_version() -> None:
    asked = fields("bug.yml")

    assert "`.venv/bin/stockstream doctor --json`" in asked["doctor"]["attributes"]["description"]
    assert "`.venv/bin/stockstream --version`" in asked["version"]["attributes"]["description"]
    assert all(each["validations"]["required"] for each in asked.values())


def test_what_is_no_bug_for_the_public_is_sent_elsewhere() -> None:
    first = yaml.safe_load((ROOT / ".github" / "ISSUE_TEMPLATE" / "bug.yml").read_text(encoding="utf-8"))[
        "body"
    ][0]

    assert first["type"] == "markdown"
    assert "SECURITY.md" in first["attributes"]["value"]
    assert not yaml.safe_load((FORMS[0].parent / "config.yml").read_text(encoding="utf-8"))[
        "blank_issues_enabled"
    ]


@pytest.mark.parametrize("form", FORMS, ids=lambda form: form.stem)
def test_each_command_of_the_forms_can_be_typed(form: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(running, "run_asked", lambda _asked: 42)

    for command in re.findall(r"`\.venv/bin/(stockstream [^`]+)`", form.read_text(encoding="utf-8")):
        if "--version" not in command:
            assert cli.main(shlex.split(command)[1:]) == 42


def test_each_make_target_that_contributing_names_is_there() -> None:
    named = set(re.findall(r"`make ([a-z][a-z-]+)", (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")))
    targets = set(
        re.findall(r"^([a-z][a-z-]*)(?=[ :])", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)
    )

    assert {"check", "test", "run"} <= named
    assert named <= targets


def test_a_devcontainer_is_set_up_by_the_make_target() -> None:
    container = json.loads((ROOT / ".devcontainer" / "devcontainer.json").read_text(encoding="utf-8"))
    (minor,) = re.findall(r"^python:(3\.\d+)-", container["image"])

    assert container["postCreateCommand"] == "make setup-tests"
    assert minor == (ROOT / ".python-version").read_text(encoding="utf-8").strip()
