"""A copy of what `stockstream up` needs, so that a test leaves the user's own run and lake alone."""

import fcntl
import os
import shutil
import sys
from pathlib import Path

from stockstream_local import deployment
from stockstream_operate.environment import KEY_VARIABLES

ROOT = Path(__file__).parents[2]
PACKAGES = ("operate", "local")
COMMAND = [sys.executable, "-c", "from stockstream_local.cli import main; raise SystemExit(main())"]


def build_once(state: Path) -> Path:
    """A build of what is here, by the real `sam build`; made once for all who ask, also at the same time.

    Args:
        state: the directory for it, which all who ask share.

    Returns:
        The built template.
    """
    state.mkdir(exist_ok=True)
    with (state / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        return deployment.build(ROOT, os.environ, state)


def make_clone(folder: Path, built: Path | None = None) -> Path:
    """Fills a folder with the copy; what no run writes to, it shares, with all that is compiled of it.

    Args:
        folder: the folder.
        built: what `build_once` gave, for a copy that needs no build of its own.
    """
    if built:
        (folder / ".stockstream").mkdir(parents=True)
        (folder / ".stockstream" / "build").symlink_to(built.parent)
    for name in PACKAGES:
        (folder / name).symlink_to(ROOT / name)
    for name in ("functions", "layers"):
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("template.yaml", "samconfig.toml"):
        shutil.copy(ROOT / name, folder)
    return folder


def environment(clone: Path) -> dict[str, str]:
    """The environment in which COMMAND is the copy's, and not the installed one's."""
    # A provider's key would make `stockstream up` ask that provider.
    kept = {name: value for name, value in os.environ.items() if name not in KEY_VARIABLES}
    return kept | {"PYTHONPATH": os.pathsep.join(str(clone / name) for name in PACKAGES)}
