"""A copy of what `stockstream up` needs, so that a test leaves the user's own run and lake alone."""

import os
import shutil
import sys
from pathlib import Path

from stockstream_operate.environment import KEY_VARIABLES

ROOT = Path(__file__).parents[2]
PACKAGES = ("operate", "local")
COMMAND = [sys.executable, "-c", "from stockstream_local.cli import main; raise SystemExit(main())"]


def make_clone(folder: Path) -> Path:
    """Fills a folder with the copy."""
    for name in ("functions", "layers", *PACKAGES):
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("template.yaml", "samconfig.toml"):
        shutil.copy(ROOT / name, folder)
    return folder


def environment(clone: Path) -> dict[str, str]:
    """The environment in which COMMAND is the copy's, and not the installed one's."""
    # A provider's key would make `stockstream up` ask that provider.
    kept = {name: value for name, value in os.environ.items() if name not in KEY_VARIABLES}
    return kept | {"PYTHONPATH": os.pathsep.join(str(clone / name) for name in PACKAGES)}
