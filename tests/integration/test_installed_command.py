"""What `uv tool install .` gives: the wheel by itself, with the packages that it asks for."""

import os
import re
import subprocess
import sys
from importlib.metadata import PackageNotFoundError, distribution, packages_distributions, requires
from pathlib import Path
from zipfile import ZipFile

import pytest
from hatchling.builders.wheel import WheelBuilder

from stockstream_generate.template_file import ROOT
from stockstream_local import cli

LISTING = """
import importlib, pkgutil, sys
import stockstream_operate, stockstream_local.doctor.doctor_command
for module in pkgutil.walk_packages(stockstream_operate.__path__, "stockstream_operate."):
    importlib.import_module(module.name)
print(*sys.modules)
"""


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    (wheel,) = WheelBuilder(str(ROOT)).build(directory=str(folder), versions=["standard"])
    with ZipFile(wheel) as archive:
        archive.extractall(folder / "unpacked")
    return folder / "unpacked"


def run(installed: Path, code: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Runs Python in a folder that is no clone, with the unpacked wheel in front of the clone's packages."""
    return subprocess.run(  # noqa: S603 (this Python)
        [sys.executable, "-c", code, *arguments],
        env=os.environ | {"PYTHONPATH": str(installed)},
        cwd=installed.parent,
        capture_output=True,
        text=True,
        check=False,
    )


def ask(installed: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return run(installed, "from stockstream_local.cli import main; raise SystemExit(main())", *arguments)


def test_it_holds_the_operators_packages_and_the_search_indexs_sources(installed: Path) -> None:
    assert {each.name for each in installed.iterdir() if each.suffix != ".dist-info"} == {
        "stockstream",
        "stockstream_operate",
        "stockstream_local",
    }
    for source in [*(ROOT / "dashboards" / "index").iterdir(), ROOT / "dashboards" / "saved-objects.ndjson"]:
        (copy,) = (installed / "stockstream_operate" / "installed").rglob(source.name)
        assert copy.read_bytes() == source.read_bytes()


def test_it_offers_what_works_on_a_stack_in_aws(installed: Path) -> None:
    offered = ask(installed, "--help").stdout

    names = {command.name for command in cli.COMMANDS_WITHOUT_ONE}
    assert f"{{{','.join(command.name for command in cli.COMMANDS_WITHOUT_ONE)}}}" in offered
    assert names == {command.name for command in cli.COMMANDS_OF_A_CLONE} - {
        "up",
        "down",
        "deploy",
        "compare",
        "status",
        "invoke",
        "alarm",
        "fault",
        "mend",
        "env",
    }


def test_it_finds_the_saved_queries_and_says_that_nothing_runs(installed: Path) -> None:
    assert "biggest movers" in ask(installed, "query").stdout
    assert "Nothing was delivered here yet" in ask(installed, "tail").stderr.replace("\n", " ")


def test_its_doctor_looks_for_no_clone(installed: Path) -> None:
    told = ask(installed, "doctor")

    assert told.returncode == 0
    assert "template" not in told.stdout


def needed(names: list[str]) -> set[str]:
    """The packages of a list of requirements, with all that these need."""
    found: set[str] = set()
    while names:
        name = re.sub(r"[-_.]+", "-", re.split(r"[^\w.-]", names.pop())[0]).lower()
        if name not in found:
            found.add(name)
            try:
                names += [each for each in requires(name) or [] if "extra ==" not in each]
            except PackageNotFoundError:
                continue  # of another machine
    return found


def test_it_asks_for_each_package_that_it_imports(installed: Path) -> None:
    (metadata,) = installed.glob("*.dist-info/METADATA")
    asked = re.findall(r"^Requires-Dist: (.+)$", metadata.read_text(encoding="utf-8"), re.MULTILINE)
    own = {"stockstream", "stockstream_operate", "stockstream_local"}
    by_module = packages_distributions()

    listed = run(installed, LISTING)

    assert listed.returncode == 0, listed.stderr
    imported = {module.partition(".")[0] for module in listed.stdout.split()} - own
    packages = {distribution(by_module[name][0]).name.lower() for name in imported if name in by_module}
    assert {"duckdb", "rich"} <= packages
    # Where a library uses a faster one if it is there, it does so here; setuptools looks in at each start.
    optional = {"setuptools", "simplejson", "awscrt", "pyopenssl", "cryptography", "cffi", "mypy-extensions"}
    assert {re.sub("[-_.]+", "-", name) for name in packages} - needed(asked) - optional == set()


@pytest.mark.sampled(1)
@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_a_shell_completes_each_command(installed: Path, shell: str) -> None:
    script = ask(installed, "completion", shell).stdout

    for command in cli.COMMANDS_WITHOUT_ONE:
        assert command.name in script
    assert "as-of" in script


@pytest.mark.parametrize(
    ("words", "completed"), [("stockstream qu", "query"), ("stockstream query --sta", "--stack")]
)
def test_bash_completes_a_command_and_its_options(
    words: str, completed: str, installed: Path, tmp_path: Path
) -> None:
    (tmp_path / "completion").write_text(ask(installed, "completion", "bash").stdout, "utf-8")
    code = f"source completion; COMP_WORDS=({words}); COMP_CWORD={words.count(' ')}; _shtab_stockstream; "

    ended = subprocess.run(  # noqa: S603 (the words are ours)
        ["bash", "-c", code + "echo ${COMPREPLY[@]}"],  # noqa: S607 (the shell that is completed)
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
    )

    assert ended.stdout.strip() == completed
