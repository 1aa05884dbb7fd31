"""Where things are: the clone that this is installed from, and the one directory that a run writes to."""

from pathlib import Path

ROOT = Path(__file__).parents[2]
STATE = ROOT / ".stockstream"


def find_other_clone(folder: Path) -> Path | None:
    """The clone in a folder, if it is not the one that runs: the commands of a copy are the original's."""
    here = folder.resolve()
    is_clone = (here / "template.yaml").exists() and (here / ".venv" / "bin" / "stockstream").exists()
    return here if is_clone and here != ROOT.resolve() else None


def make_state() -> Path:
    """Makes STATE if it is not there. It holds a run's key: no other user here may look into it."""
    STATE.mkdir(exist_ok=True)
    STATE.chmod(0o700)
    return STATE
