"""What the tests that run the whole pipeline share."""

import os
from pathlib import Path

import pytest
from clone import build_once


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The template as `sam build` has built it, once for all workers: it takes two cores half a minute."""
    base = tmp_path_factory.getbasetemp()
    return build_once((base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "shared-build")
