"""local/setup.sh: a place that cannot be set up, or was set up elsewhere, is said to be so."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """A clone whose uv does nothing but fail."""
    clone = tmp_path / "clone"
    (clone / "local").mkdir(parents=True)
    (clone / ".venv").mkdir()
    shutil.copy(ROOT / "local" / "setup.sh", clone / "local")
    shutil.copy(ROOT / "Makefile", clone)
    tools = tmp_path / "tools"
    tools.mkdir()
    uv = tools / "uv"
    uv.write_text('#!/bin/sh\n[ "$1" = --version ]\n')
    uv.chmod(0o755)
    return clone


def set_up(clone: Path, *command: str) -> str:
    path = f"{clone.parent / 'tools'}:{os.environ['PATH']}"
    environ = {**os.environ, "PATH": path}
    done = subprocess.run(command, cwd=clone, env=environ, capture_output=True, text=True, check=False)  # noqa: S603 (the tests' own words)
    return done.stderr + done.stdout


def test_a_clone_that_was_copied_is_set_up_anew(clone: Path) -> None:
    (clone / ".venv" / "old").touch()
    (clone / ".venv" / ".ready").write_text("/elsewhere/original\n")

    said = set_up(clone, "local/setup.sh")
    assert "moved or copied from /elsewhere/original" in said
    assert not (clone / ".venv" / "old").exists()


def test_a_clone_that_stays_keeps_what_was_set_up(clone: Path) -> None:
    (clone / ".venv" / "old").touch()
    (clone / ".venv" / ".ready").write_text(f"{clone.resolve()}\n")

    assert "moved or copied" not in set_up(clone, "local/setup.sh")
    assert (clone / ".venv" / "old").exists()


@pytest.mark.parametrize("place", ["here", "elsewhere"])
def test_make_sets_up_again_only_where_the_place_is_another(clone: Path, place: str) -> None:
    for name in ("requirements/run.txt", "requirements/dev.txt", "pyproject.toml"):
        (clone / name).parent.mkdir(exist_ok=True)
        (clone / name).touch()
    for name in (".ready", ".complete"):
        (clone / ".venv" / name).write_text(f"{clone.resolve() if place == 'here' else '/elsewhere'}\n")

    for target in ("setup", "setup-tests"):
        said = set_up(clone, "make", "--dry-run", target)
        assert ("local/setup.sh" in said) is (place == "elsewhere")


def test_a_run_needs_no_packages_of_the_tests_and_keeps_those_that_are_there(clone: Path) -> None:
    """`uv pip sync` is given the lock of a run, that of the tests, and that again where it was asked for."""
    (clone / ".venv" / "bin").mkdir()
    (clone / ".venv" / "bin" / "python").symlink_to(sys.executable)
    uv = clone.parent / "tools" / "uv"
    uv.write_text(f'#!/bin/sh\nfor last; do :; done\n[ "$2" != sync ] || echo "$last" >>{clone}/synced\n')

    for words in ([], ["tests"], []):
        set_up(clone, "local/setup.sh", *words)

    run, tests = "requirements/run.txt", "requirements/dev.txt"
    assert (clone / "synced").read_text().split() == [run, tests, tests]
    assert (clone / ".venv" / ".ready").read_text() == f"{clone.resolve()}\n"


def test_what_a_run_needs_is_what_the_tests_have_too() -> None:
    """The same versions, so that what is tested is what runs."""
    run, tests = (
        set(re.findall(r"^\S+==\S+", (ROOT / "requirements" / name).read_text(), re.MULTILINE))
        for name in ("run.txt", "dev.txt")
    )

    assert run < tests
    # A run needs nothing of these.
    for name in ("pytest", "mypy", "moto", "ta-lib", "vl-convert-python", "osmem-server"):
        assert [each for each in tests - run if each.startswith(f"{name}==")]


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_that_cannot_be_written_is_named(clone: Path) -> None:
    clone.chmod(0o555)
    try:
        said = set_up(clone, "local/setup.sh")
    finally:
        clone.chmod(0o755)
    assert f"nothing can be written in {clone.resolve()}" in said
    assert "apt install" not in said
