"""GitHub's workflows: pinned to commits, with the rights that a job uses, and commands that there are."""

import argparse
import os
import re
import subprocess
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import yaml

from stockstream_deploy.deploy_command import add_deploy
from stockstream_deploy.parameters import read_environment
from stockstream_generate.template_file import DEPLOY_ROLE, ROOT, read_template

FOLDER = ROOT / ".github"
WORKFLOWS = sorted((FOLDER / "workflows").glob("*.yml"))
TARGETS = set(
    re.findall(r"^\.PHONY: (.+)$", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)[0].split()
)

# A job's rights; each that is not to read has its reason beside it in the workflow.
RIGHTS = {
    ("test", "test"): {"contents": "read"},
    ("test", "docs"): {"contents": "read"},
    ("nightly", "slow"): {"contents": "read"},
    ("nightly", "drill"): {"contents": "read"},
    ("nightly", "soak"): {"contents": "read"},
    ("nightly", "year"): {"contents": "read"},
    ("nightly", "audit"): {"contents": "read"},
    ("release", "build"): {"contents": "read"},
    ("release", "publish"): {"attestations": "write", "contents": "write", "id-token": "write"},
    ("mutants", "mutants"): {"contents": "read"},
    ("dependencies", "compile"): {"contents": "read"},
    ("dependencies", "propose"): {"actions": "write", "contents": "write", "pull-requests": "write"},
    ("deploy", "deploy"): {"contents": "read", "id-token": "write"},
}


class Job(NamedTuple):
    workflow: str
    name: str
    job: dict[str, Any]

    @property
    def steps(self) -> list[dict[str, Any]]:
        steps: list[dict[str, Any]] = self.job["steps"]
        return steps


def read(path: Path) -> dict[str, Any]:
    workflow: dict[str, Any] = yaml.safe_load(path.read_text(encoding="utf-8"))
    return workflow


JOBS = [Job(path.stem, name, job) for path in WORKFLOWS for name, job in read(path)["jobs"].items()]


def commands() -> Iterator[str]:
    for job in JOBS:
        for step in job.steps:
            if "run" in step:
                yield step["run"]


def test_each_job_has_the_rights_that_it_uses_and_a_workflow_none() -> None:
    assert {(each.workflow, each.name): each.job["permissions"] for each in JOBS} == RIGHTS
    assert [read(path)["permissions"] for path in WORKFLOWS] == [{}] * len(WORKFLOWS)


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_each_action_is_pinned_to_a_commit_and_says_its_version(path: Path) -> None:
    used = re.findall(r"^ *-? *uses: (.+)$", path.read_text(encoding="utf-8"), re.MULTILINE)

    assert used
    for action in used:
        assert re.fullmatch(r"[\w-]+/[\w-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+", action), action


def test_an_action_has_one_version_in_all_workflows() -> None:
    used = {
        action
        for path in WORKFLOWS
        for action in re.findall(r"uses: (.+)$", path.read_text("utf-8"), re.MULTILINE)
    }

    assert len(used) == len({action.partition("@")[0] for action in used})


def test_a_job_ends_and_keeps_no_credentials_in_its_clone() -> None:
    for each in JOBS:
        assert 0 < each.job["timeout-minutes"] <= 180
        for step in each.steps:
            if step.get("uses", "").startswith("actions/checkout@"):
                assert step["with"]["persist-credentials"] is False


def test_what_the_jobs_type_is_there() -> None:
    typed = "\n".join(commands())
    made = set(re.findall(r"\bmake ([a-z-]+)", typed))
    scripts = set(re.findall(r"(\.github/\S+\.sh)", typed))

    assert (
        {"test", "test-slow", "mutants", "drill", "soak", "year", "audit", "docs", "release", "lock", "build"}
        <= made
        <= TARGETS
    )
    assert scripts == {f".github/{path.name}" for path in FOLDER.glob("*.sh")}
    assert all(os.access(ROOT / script, os.X_OK) for script in scripts)


@pytest.mark.parametrize("back", ["", "--back"])
def test_a_workflow_deploys_by_the_command_that_anybody_types(tmp_path: Path, back: str) -> None:
    """What stands in the stage's variables comes to it as it is, a word for each parameter."""
    for name, text in {
        ".github/deploy.sh": (FOLDER / "deploy.sh").read_text(encoding="utf-8"),
        ".venv/bin/stockstream": '#!/bin/sh\nfor word; do echo "$word"; done\n',
    }.items():
        (tmp_path / name).parent.mkdir(parents=True)
        (tmp_path / name).write_text(text, encoding="utf-8")
        (tmp_path / name).chmod(0o700)
    stage = {"STACK": "mine", "BUCKET": "code", "STACK_ROLE": "arn:r", "BACK": back}
    stage["PARAMETERS"] = "Instruments=IBM,fx:EUR/USD AlertEmail=me@a.io"

    said = subprocess.run(  # noqa: S603 (our own script)
        [str(tmp_path / ".github" / "deploy.sh")],
        env=os.environ | stage,
        capture_output=True,
        text=True,
        check=True,
    ).stdout.splitlines()

    parser = argparse.ArgumentParser()
    add_deploy(parser)
    assert said[0] == "deploy"
    asked = parser.parse_args(said[1:])
    assert asked.parameters == ["Instruments=IBM,fx:EUR/USD", "AlertEmail=me@a.io"]
    assert (asked.stack, asked.bucket, asked.role, asked.built) == ("mine", "code", "arn:r", True)
    assert asked.back is bool(back)
    assert read_environment(ROOT, asked.config_env).stack_name


def test_a_command_takes_nothing_from_outside_but_by_its_environment() -> None:
    """What stands in ${{ }} becomes part of the command before the shell reads it."""
    assert [command for command in commands() if "${{" in command] == []


def test_no_secret_is_kept_for_a_deployment() -> None:
    for path in WORKFLOWS:
        assert "secrets." not in path.read_text(encoding="utf-8")


def test_the_tests_run_where_the_readme_says_that_they_do() -> None:
    (test,) = [each.job for each in JOBS if (each.workflow, each.name) == ("test", "test")]

    assert test["strategy"]["matrix"]["machine"] == ["ubuntu-24.04", "ubuntu-24.04-arm", "macos-15"]
    assert [step["run"] for step in test["steps"] if "run" in step] == ["make test"]


def test_the_page_on_delivery_names_each_variable_of_a_stage_and_the_output_that_it_is() -> None:
    page = (ROOT / "docs" / "delivery.md").read_text(encoding="utf-8")
    asked_for = set(
        re.findall(r"vars\.(\w+)", (FOLDER / "workflows" / "deploy.yml").read_text(encoding="utf-8"))
    )
    explained = dict(re.findall(r"^\| `([A-Z_]+)` \| (.+?) \|", page, re.MULTILINE))
    outputs = read_template(DEPLOY_ROLE)["Outputs"]

    assert explained.keys() == asked_for
    for name, output in outputs.items():
        (variable,) = re.findall(r"variable (\w+) of", output["Description"])
        assert f"`{name}`" in explained[variable]


def test_what_a_stage_is_deployed_with_asks_nobody() -> None:
    settings = tomllib.loads((ROOT / "samconfig.toml").read_text(encoding="utf-8"))["stage"]["deploy"][
        "parameters"
    ]

    assert settings == {
        "capabilities": "CAPABILITY_IAM",
        "confirm_changeset": False,
        "fail_on_empty_changeset": False,
    }


def test_dependabot_looks_after_the_actions_alone() -> None:
    updates = read(FOLDER / "dependabot.yml")["updates"]

    assert [each["package-ecosystem"] for each in updates] == ["github-actions"]


def test_nothing_that_was_installed_runs_beside_the_rights_to_publish() -> None:
    for each in JOBS:
        if each.job["permissions"].get("contents") == "write":
            typed = "\n".join(step.get("run", "") for step in each.steps)
            assert not re.search(r"\b(make|python|pip|uv)\b|\.venv", typed), each.name
