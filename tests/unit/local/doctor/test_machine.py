"""What the doctor says of a machine, good and bad."""

import os
import socket
from importlib.metadata import PackageNotFoundError
from pathlib import Path

import pytest

from stockstream_local.doctor.machine import (
    examine_disk,
    examine_folder,
    examine_keys,
    examine_machine,
    examine_packages,
    examine_port,
    examine_processor,
    examine_python,
    examine_template,
    examine_tools,
)
from stockstream_operate.doctor.finding import Finding, Level

ROOT = Path(__file__).parents[4]
LOCK = """\
boto3==1.43.2 \\
    --hash=sha256:1
awslambdaric==4.0.1 ; sys_platform == 'linux' \\
    --hash=sha256:2
rich==15.0 \\
    --hash=sha256:3
"""
TEMPLATE = "Parameters:\n  Provider: {Type: String}\n  Interval: {Type: String, Default: !Ref Provider}\n"
SETTINGS = """\
version = 0.1
[local.deploy.parameters]
parameter_overrides = ["Provider=replay", "Intervall=1min"]
"""


def test_nothing_is_in_the_way_where_these_tests_run(tmp_path: Path) -> None:
    findings = list(examine_machine(ROOT, tmp_path, os.environ))

    assert [each for each in findings if each.level is Level.PROBLEM] == []
    assert all(each.words for each in findings)
    assert [each.subject for each in findings] == [
        *("Python", "processor", "packages", "template", "folder", "disk", "port", "aws", "docker"),
        "provider's key",
    ]
    assert all(bool(each.remedy) is (each.level is not Level.GOOD) for each in findings)


def test_another_python_is_a_problem() -> None:
    assert examine_python((3, 13)).level is Level.GOOD
    assert examine_python((3, 12)) == Finding(
        "Python", Level.PROBLEM, "Python 3.12, and not 3.13", "Remove .venv and run `make setup`."
    )


def test_a_processor_that_lambda_has_not_is_a_problem(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("platform.machine", lambda: "riscv64")

    found = examine_processor()

    assert (found.level, "riscv64" in found.words) == (Level.PROBLEM, True)


@pytest.mark.parametrize(
    ("installed", "level", "words"),
    [
        ({"boto3": "1.43.2", "awslambdaric": "4.0.1", "rich": "15.0"}, Level.GOOD, "the 3 of dev.txt"),
        ({"boto3": "1.43.2", "rich": "15.0"}, Level.GOOD, "the 3 of dev.txt"),  # not for this machine
        (
            {"boto3": "1.40", "awslambdaric": "3"},
            Level.PROBLEM,
            "boto3 is 1.40 and not 1.43.2, awslambdaric is 3 and not 4.0.1, rich is missing",
        ),
    ],
)
def test_packages_are_held_to_the_lock(
    tmp_path: Path, installed: dict[str, str], level: Level, words: str
) -> None:
    (tmp_path / "dev.txt").write_text(LOCK)

    def version(name: str) -> str:
        if name not in installed:
            raise PackageNotFoundError
        return installed[name]

    found = examine_packages(tmp_path / "dev.txt", version)

    assert (found.level, found.words) == (level, words)


def test_many_strange_packages_are_counted(tmp_path: Path) -> None:
    (tmp_path / "dev.txt").write_text("".join(f"p{number}==1 \\\n" for number in range(9)))

    assert examine_packages(tmp_path / "dev.txt", lambda _name: "2").words.endswith("and not 1, and 6 more")


def test_without_a_lock_nothing_is_right(tmp_path: Path) -> None:
    assert "cannot be read" in examine_packages(tmp_path / "dev.txt", str).words


@pytest.mark.parametrize(
    ("template", "settings", "words"),
    [
        (None, SETTINGS, "there is none in"),
        ("Resources: {}", SETTINGS, "is no template"),
        ("a: [", SETTINGS, "is no template"),
        (TEMPLATE, None, "cannot be read"),
        (TEMPLATE, "version = ", "cannot be read"),
        (TEMPLATE, "[a.deploy.parameters]\nparameter_overrides = 'Interval=\"1min'", "No closing quotation"),
        (TEMPLATE, SETTINGS, "the template has no parameter Intervall of [local]"),
    ],
)
def test_what_is_wrong_with_the_template_is_named(
    tmp_path: Path, template: str | None, settings: str | None, words: str
) -> None:
    for name, text in {"template.yaml": template, "samconfig.toml": settings}.items():
        if text is not None:
            (tmp_path / name).write_text(text)

    (found,) = examine_template(tmp_path)

    assert (found.level, words in found.words) == (Level.PROBLEM, True), found


def test_overrides_may_be_one_text_as_sams_questions_write_it(tmp_path: Path) -> None:
    (tmp_path / "template.yaml").write_text(TEMPLATE)
    text = """parameter_overrides = 'Provider="kraken" Interval="1min"'"""
    (tmp_path / "samconfig.toml").write_text(f"[prod.deploy.parameters]\n{text}\n")

    (found,) = examine_template(tmp_path)

    assert (found.level, found.words) == (Level.GOOD, "2 parameters; samconfig.toml names 2 of them")


def test_a_template_and_its_settings_that_fit_are_good(tmp_path: Path) -> None:
    (tmp_path / "template.yaml").write_text(TEMPLATE)
    (tmp_path / "samconfig.toml").write_text(SETTINGS.replace("Intervall", "Interval"))

    (found,) = examine_template(tmp_path)

    assert (found.level, found.words) == (Level.GOOD, "2 parameters; samconfig.toml names 2 of them")


def test_a_folder_that_cannot_be_written_is_a_problem(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")

    assert examine_folder(tmp_path / "not" / "there" / "yet").level is Level.GOOD
    assert examine_folder(tmp_path / "file" / "below").level is Level.PROBLEM


def test_a_disk_that_is_almost_full_is_a_problem() -> None:
    assert examine_disk(1_000_000_000).level is Level.GOOD
    assert examine_disk(999_999_999).level is Level.PROBLEM


def test_a_taken_port_is_no_problem() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        assert examine_port(port).level is Level.NOTE
    assert examine_port(port).level is Level.GOOD


def test_tools_that_are_missing_are_named_with_their_use() -> None:
    found = {each.subject: each for each in examine_tools({"aws": "/usr/bin/aws"}.get, lambda: False)}

    assert (found["aws"].level, found["aws"].words) == (Level.GOOD, "/usr/bin/aws")
    assert (found["docker"].level, "make search" in found["docker"].remedy) == (Level.NOTE, True)


@pytest.mark.parametrize(
    ("status", "level", "words", "remedy"),
    [
        (0, Level.GOOD, "{path}", ""),
        (125, Level.NOTE, "{path}, without Docker Compose", "https://docs.docker.com/compose/install"),
    ],
)
def test_a_docker_without_compose_is_noted_since_the_search_needs_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, status: int, level: Level, words: str, remedy: str
) -> None:
    docker = tmp_path / "docker"
    docker.write_text(f'#!/bin/sh\ntest "$*" = "compose version" || exit 1\nexit {status}\n')
    docker.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))

    (found,) = (each for each in examine_machine(ROOT, tmp_path, os.environ) if each.subject == "docker")

    assert (found.level, found.words) == (level, words.format(path=docker))
    assert remedy in found.remedy


def test_a_key_is_named_and_never_shown() -> None:
    found = examine_keys({"ALPHAVANTAGE_API_KEY": "SECRET"})

    assert "ALPHAVANTAGE_API_KEY" in found.words
    assert "SECRET" not in repr(found)
    assert "invents" in examine_keys({"ALPHAVANTAGE_API_KEY": ""}).words
