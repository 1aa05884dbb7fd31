"""Where things are: the clone that this is installed from, if any, and the directory that a run writes to."""

import os
from pathlib import Path

_PACKAGE = Path(__file__).parent
# `make setup` installs from a clone, in place; `uv tool install` copies what an operator needs.
IN_A_CLONE = (_PACKAGE.parents[1] / "template.yaml").is_file()
ROOT = _PACKAGE.parents[1] if IN_A_CLONE else Path()
STATE = ROOT / ".stockstream"
# The sources of the search index and of its dashboards.
SEARCH_SOURCES = ROOT / "dashboards" if IN_A_CLONE else _PACKAGE / "installed"


def find_other_clone(folder: Path) -> Path | None:
    """The clone in a folder, if it is not the one that runs: a copy's commands are still the original's."""
    here = folder.resolve()
    is_clone = (here / "template.yaml").exists() and (here / ".venv" / "bin" / "stockstream").exists()
    return here if is_clone and here != ROOT.resolve() else None


def make_state() -> Path:
    """Makes STATE if it is not there. It holds a run's key: no other user here may look into it.

    What this process and those that it starts write from now on is this user's alone, wherever it is.
    """
    os.umask(0o077)
    STATE.mkdir(exist_ok=True)
    # A run of an older version has left it open to all.
    STATE.chmod(0o700)
    return STATE
