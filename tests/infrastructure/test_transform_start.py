"""What the transform imports, and what the layer weighs."""

import re
import subprocess
import sys
from importlib.metadata import distribution
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def imported() -> set[str]:
    program = "import sys, transform.handler; print(*sys.modules)"
    process = subprocess.run(  # noqa: S603 - our own interpreter and program
        [sys.executable, "-c", program], capture_output=True, check=True, text=True
    )
    return set(process.stdout.split())


@pytest.mark.parametrize(
    "module",
    [
        *("aws_lambda_powertools", "boto3", "botocore", "msgspec", "numpy", "pandas", "pydantic", "requests"),
        *("logging", "typing", "urllib", "zoneinfo"),
    ],
)
def test_the_transform_imports_nothing_that_it_does_not_use(imported: set[str], module: str) -> None:
    assert module not in imported


def test_the_layer_unzipped_stays_below_10_mb() -> None:
    lock = (ROOT / "layers/common/requirements.txt").read_text(encoding="utf-8")
    names = re.findall(r"^([\w.-]+)==", lock, re.MULTILINE)
    files = [file for name in names for file in distribution(name).files or [] if file.suffix != ".pyc"]
    assert 1_000_000 < sum(Path(str(file.locate())).stat().st_size for file in files) < 10_000_000
