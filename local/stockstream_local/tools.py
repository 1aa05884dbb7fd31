"""The tools that are installed beside this Python: sam and uv."""

import sys
from collections.abc import Mapping
from pathlib import Path

from stockstream.errors import StockstreamError
from stockstream_local.processes import run_group

LINES_OF_A_FAILURE = 15


class ToolError(StockstreamError):
    """A tool failed, or is not there; the text holds its last lines, and the path of its log."""


def run_tool(name: str, command: list[str], folder: Path, environ: Mapping[str, str], log: Path) -> None:
    """Runs one of the tools beside this Python.

    Args:
        name: what messages call it.
        command: its name and its arguments.
        folder: where it runs.
        environ: its environment, whole.
        log: the file that gets what it prints.

    Raises:
        ToolError: it is not there, or it failed.
    """
    program = Path(sys.executable).with_name(command[0])
    if not program.exists():
        raise ToolError(
            f"{command[0]} is not in {program.parent}. Run `make setup`, which installs it there."
        )
    with run_group([str(program), *command[1:]], environ, folder, log) as process:
        status = process.wait()
    if status:
        said = log.read_text(errors="replace").strip().splitlines()
        raise ToolError("\n".join([f"`{name}` failed:", *said[-LINES_OF_A_FAILURE:], f"All of it: {log}"]))
