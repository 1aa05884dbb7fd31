"""The size of what the layer holds, as installed here."""

import re
from importlib.metadata import distribution
from pathlib import Path

ROOT = Path(__file__).parents[1]


def installed_sizes() -> dict[str, int]:
    """The bytes of each distribution that the layer's lock names, without compiled caches."""
    lock = (ROOT / "layers/common/requirements.txt").read_text(encoding="utf-8")
    sizes = {}
    for name in re.findall(r"^([\w.-]+)==", lock, re.MULTILINE):
        files = distribution(name).files or []
        paths = [Path(str(file.locate())) for file in files if "__pycache__" not in file.parts]
        sizes[name] = sum(path.stat().st_size for path in paths if path.is_file())
    return sizes


def measure() -> None:
    """Prints the size of the layer, the largest part first."""
    sizes = installed_sizes()
    print(f"\nThe layer, unzipped: {sum(sizes.values()) / 1e6:.1f} MB")
    for name, size in sorted(sizes.items(), key=lambda item: -item[1]):
        print(f"{name:28}{size / 1e6:7.2f} MB")
