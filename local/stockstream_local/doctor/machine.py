"""What the doctor looks at on this machine: a run here needs nothing else."""

import os
import re
import shutil
import socket
import sys
import tomllib
from collections.abc import Callable, Iterator, Mapping
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from stockstream.settings import LOOPBACK
from stockstream_local.containers import has_compose
from stockstream_local.deployment import DeploymentError, host_architecture, read_overrides
from stockstream_operate.doctor.finding import Finding, good, note, problem
from stockstream_operate.environment import KEY_VARIABLES
from stockstream_operate.page.page_server import FIRST_PORT

PYTHON = (3, 13)
# The environment is there already; a build takes 100 MB, and a day of three instruments 10 MB.
NEEDED_BYTES = 1_000_000_000
_LOCKED = re.compile(r"^([A-Za-z0-9._-]+)==([^ ;\\]+)( ; )?", re.MULTILINE)
_NAMED = 3
_MORE_TOOLS = {
    "aws": "Signing in to AWS is easiest with it, `aws configure`: https://aws.amazon.com/cli",
    "docker": "`make search` and `stockstream invoke` run containers: https://docs.docker.com/engine/install",
}
_COMPOSE = "`make search` runs its containers with it: https://docs.docker.com/compose/install"


def examine_machine(root: Path, state: Path, environ: Mapping[str, str]) -> Iterator[Finding]:
    """What is found here, in the order in which it would be in the way.

    Args:
        root: the clone.
        state: the directory that a run writes to.
        environ: the user's environment.
    """
    yield examine_python(sys.version_info[:2])
    yield examine_processor()
    # `make setup-tests` has left .complete where it has installed all of them.
    lock = "dev.txt" if (root / ".venv" / ".complete").exists() else "run.txt"
    yield examine_packages(root / "requirements" / lock, version)
    yield from examine_template(root)
    yield examine_folder(state)
    yield examine_disk(shutil.disk_usage(root).free)
    yield examine_port(FIRST_PORT)
    yield from examine_tools(lambda name: shutil.which(name, path=environ.get("PATH")), has_compose)
    yield examine_keys(environ)


def examine_python(found: tuple[int, ...]) -> Finding:
    """Whether this is the Python that Lambda runs, too."""
    words = f"Python {'.'.join(map(str, found))}"
    if found == PYTHON:
        return good("Python", words)
    return problem("Python", f"{words}, and not 3.13", "Remove .venv and run `make setup`.")


def examine_processor() -> Finding:
    """Whether Lambda has this machine's processor."""
    try:
        return good("processor", host_architecture())
    except DeploymentError as error:
        return problem("processor", str(error), "Use a machine that is an x86_64 or an arm64.")


def examine_packages(lock: Path, installed: Callable[[str], str]) -> Finding:
    """Whether the packages are the locked ones.

    Args:
        lock: the requirements file, with hashes.
        installed: gives the version of a package; raises PackageNotFoundError.
    """
    remedy = "Run `make setup`, in a clone that has its lock."
    try:
        locked = _LOCKED.findall(lock.read_text(encoding="utf-8"))
    except OSError as error:
        return problem("packages", f"{lock} cannot be read ({error.strerror})", remedy)
    strange = []
    for name, wanted, is_for_some_machines in locked:
        try:
            found = installed(name)
        except PackageNotFoundError:
            if not is_for_some_machines:
                strange.append(f"{name} is missing")
            continue
        if found != wanted:
            strange.append(f"{name} is {found} and not {wanted}")
    if not strange:
        return good("packages", f"the {len(locked)} of {lock.name}")
    more = f", and {len(strange) - _NAMED} more" if len(strange) > _NAMED else ""
    return problem(
        "packages",
        ", ".join(strange[:_NAMED]) + more,
        f"Run `rm -f .venv/.ready && touch {lock.parent.name}/{lock.name} && make setup`.",
    )


def examine_template(root: Path) -> Iterator[Finding]:
    """Whether there is a template, and samconfig.toml names parameters that it has."""
    template, settings = root / "template.yaml", root / "samconfig.toml"
    if not template.exists():
        yield problem("template", f"there is none in {root}", "Run this from a clone of the repository.")
        return
    # sam takes longer to import than everything else here.
    from samcli.yamlhelper import yaml_parse  # noqa: PLC0415
    from yaml import YAMLError  # noqa: PLC0415 (it comes with sam)

    try:
        known = set(yaml_parse(template.read_text(encoding="utf-8"))["Parameters"])
    except (YAMLError, KeyError, TypeError) as error:
        yield problem("template", f"{template} is no template ({error})", "`git diff template.yaml`")
        return
    try:
        with settings.open("rb") as file:
            environments: dict[str, Any] = tomllib.load(file)
        named = {
            (environment, text.partition("=")[0])
            for environment, commands in environments.items()
            if isinstance(commands, dict)
            for text in read_overrides(commands.get("deploy", {}).get("parameters", {}))
        }
    except (OSError, ValueError) as error:  # ValueError: no TOML, or a quotation mark that is not closed
        yield problem("samconfig.toml", f"it cannot be read ({error})", "`git diff samconfig.toml`")
        return
    if unknown := sorted(f"{name} of [{environment}]" for environment, name in named if name not in known):
        yield problem(
            "samconfig.toml",
            f"the template has no parameter {', '.join(unknown)}",
            "See docs/parameters.md for what it has.",
        )
    else:
        yield good("template", f"{len(known)} parameters; samconfig.toml names {len(named)} of them")


def examine_folder(state: Path) -> Finding:
    """Whether a run can write where it has to."""
    existing = next(folder for folder in (state, *state.parents) if folder.exists())
    if existing.is_dir() and os.access(existing, os.W_OK | os.X_OK):
        return good("folder", f"{state} can be written")
    return problem("folder", f"{existing} cannot be written", "Move the clone to a folder of yours.")


def examine_disk(free: int) -> Finding:
    """Whether there is room for a build and a lake."""
    words = f"{free / 1e9:,.1f} GB are free"
    if free >= NEEDED_BYTES:
        return good("disk", words)
    return problem("disk", words, f"Make room: a run wants {NEEDED_BYTES / 1e9:.0f} GB.")


def examine_port(port: int) -> Finding:
    """Whether the page gets the port that people remember."""
    with socket.socket() as probe:
        # As the page does: a port that was left a moment ago is free.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except OSError as error:
            return note(
                "port", f"{port} is taken ({error.strerror})", "Nothing: the page takes the next free one."
            )
    return good("port", f"{port} is free for the page; the others are free ones by themselves")


def examine_tools(find: Callable[[str], str | None], has_compose: Callable[[], bool]) -> Iterator[Finding]:
    """Which tools of other people are there, of those that only a part of the commands needs.

    Args:
        find: gives the path of a program, or None.
        has_compose: whether Docker, where it is there, has its plug-in Compose.
    """
    for name, purpose in _MORE_TOOLS.items():
        path = find(name)
        if path and name == "docker" and not has_compose():
            yield note(name, f"{path}, without Docker Compose", _COMPOSE)
        else:
            yield good(name, path) if path else note(name, "it is not installed", purpose)


def examine_keys(environ: Mapping[str, str]) -> Finding:
    """Which provider's key `make run` would use."""
    named = [name for name in KEY_VARIABLES if environ.get(name)]
    if named:
        return good("provider's key", f"{' and '.join(named)}: `make run` shows real prices")
    return good("provider's key", "none in the environment: `make run` invents prices")
