"""Where things are: the clone that this is installed from, and the one directory that a run writes to."""

from pathlib import Path

ROOT = Path(__file__).parents[2]
STATE = ROOT / ".stockstream"
