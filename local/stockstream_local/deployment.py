"""The real `sam build` and `sam deploy` of template.yaml, against the emulator.

Everything is built below .stockstream/, never in .aws-sam/: what is made for this machine must not reach AWS.
"""

import platform
import sys
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from stockstream.errors import StockstreamError
from stockstream_local.processes import run_group

LINES_OF_A_FAILURE = 15


class DeploymentError(StockstreamError):
    """sam failed; the text holds its last lines, and the path of its log."""


def host_architecture() -> str:
    """Lambda's name for this machine's processor.

    Raises:
        DeploymentError: Lambda has no such processor.
    """
    names = {"x86_64": "x86_64", "amd64": "x86_64", "arm64": "arm64", "aarch64": "arm64"}
    machine = platform.machine().lower()
    if machine not in names:
        raise DeploymentError(
            f"This machine is a {machine}; the functions are built for x86_64 and arm64 only."
        )
    return names[machine]


def build(root: Path, environ: Mapping[str, str], state: Path) -> Path:
    """Builds the functions and the layer for this machine; what has not changed comes from a cache.

    Args:
        root: where template.yaml is.
        environ: the environment to run sam in.
        state: the directory for the build, its cache and its log.

    Returns:
        The built template.

    Raises:
        DeploymentError: the build failed.
    """
    _run(
        "build",
        [
            *("--template-file", str(root / "template.yaml")),
            *("--config-file", str(root / "samconfig.toml"), "--config-env", "local"),
            *("--build-dir", str(state / "build")),
            *("--cache-dir", str(state / "cache"), "--cached", "--parallel"),
            *("--parameter-overrides", f"Architecture={host_architecture()}"),
        ],
        root,
        environ,
        state,
    )
    if not _runs_linux_wheels():
        lay_host_wheels(root, environ, state)
    return state / "build" / "template.yaml"


def deploy(
    root: Path, template: Path, parameters: Mapping[str, str], environ: Mapping[str, str], state: Path
) -> None:
    """Deploys a built template with samconfig.toml's [local] environment.

    Args:
        root: where samconfig.toml is.
        template: what build returned.
        parameters: what this run adds to the parameters of samconfig.toml, or puts in their place.
        environ: the environment to run sam in.
        state: the directory for its log.

    Raises:
        DeploymentError: the deployment failed.
    """
    # Overrides on the command line replace those of the file wholly.
    overrides = local_parameters(root) | dict(parameters)
    _run(
        "deploy",
        [
            *("--template-file", str(template)),
            *("--config-file", str(root / "samconfig.toml"), "--config-env", "local"),
            *("--parameter-overrides", *(f"{name}={value}" for name, value in overrides.items())),
        ],
        root,
        environ,
        state,
    )


def local_parameters(root: Path) -> dict[str, str]:
    """The parameters that samconfig.toml fixes for [local]."""
    with (root / "samconfig.toml").open("rb") as file:
        config: dict[str, Any] = tomllib.load(file)
    items: list[str] = config["local"]["deploy"]["parameters"]["parameter_overrides"]
    return dict(item.split("=", 1) for item in items)


def _run(action: str, arguments: list[str], root: Path, environ: Mapping[str, str], state: Path) -> None:
    execute(f"sam {action}", ["sam", action, *arguments], root, environ, state / f"sam-{action}.log")


def execute(name: str, command: list[str], folder: Path, environ: Mapping[str, str], log: Path) -> None:
    """Runs one of the tools beside this Python.

    Args:
        name: what messages call it.
        command: its name and its arguments.
        folder: where it runs.
        environ: its environment, whole.
        log: the file that gets what it prints.

    Raises:
        DeploymentError: it is not there, or it failed.
    """
    program = Path(sys.executable).with_name(command[0])
    if not program.exists():
        raise DeploymentError(
            f"{command[0]} is not in {program.parent}. Run `make setup`, which installs it there."
        )
    with run_group([str(program), *command[1:]], environ, folder, log) as process:
        status = process.wait()
    if status:
        said = log.read_text(errors="replace").strip().splitlines()
        raise DeploymentError(
            "\n".join([f"`{name}` failed:", *said[-LINES_OF_A_FAILURE:], f"All of it: {log}"])
        )


def _runs_linux_wheels() -> bool:
    """Whether this machine loads what the layer holds: wheels for Linux with glibc, as Lambda is."""
    return platform.system() == "Linux" and platform.libc_ver()[0] == "glibc"


def lay_host_wheels(root: Path, environ: Mapping[str, str], state: Path) -> None:
    """Installs this machine's wheels of the same versions in the place of the built layer's Linux ones.

    The emulator runs functions with this machine's Python: on macOS, and on Linux with musl, a Linux wheel's
    compiled modules cannot be loaded.

    Args:
        root: where the layer's lock is.
        environ: the environment to run uv in.
        state: the directory of the build, and for the log.

    Raises:
        DeploymentError: uv failed.
    """
    execute(
        "uv pip install",
        [
            # Without --reinstall uv sees the right versions there, and leaves another platform's files.
            *("uv", "pip", "install", "--reinstall", "--no-deps", "--require-hashes"),
            *("--python", sys.executable),
            *("--requirements", str(root / "layers" / "common" / "requirements.txt")),
            *("--target", str(state / "build" / "CommonLayer" / "python")),
        ],
        root,
        environ,
        state / "host-wheels.log",
    )
