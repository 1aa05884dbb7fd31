"""The layer where Linux wheels cannot be loaded, such as on a Mac: this machine's own take their place."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from stockstream_local.deployment import lay_host_wheels
from stockstream_operate.environment import Emulator, isolate

pytestmark = pytest.mark.local

ROOT = Path(__file__).parents[2]


def test_a_layer_of_another_platform_loads_here_afterwards(tmp_path: Path) -> None:
    # GIVEN a built layer whose compiled modules this machine cannot load
    environ = isolate(os.environ, Emulator("http://127.0.0.1:1", "none"))
    layer = tmp_path / "build" / "CommonLayer" / "python"
    lay_host_wheels(ROOT, environ, tmp_path)
    compiled = list(layer.rglob("*.so"))
    assert compiled
    for module in compiled:
        module.rename(module.with_name(f"{module.name.split('.')[0]}.cpython-313-otheros.so"))
    # WHEN the host's wheels are laid over it
    lay_host_wheels(ROOT, environ, tmp_path)
    # THEN a Python that has nothing else imports them
    subprocess.run(
        [sys.executable, "-S", "-c", "import orjson, pybase64, requests"],
        env={"PYTHONPATH": str(layer)},
        check=True,
    )
