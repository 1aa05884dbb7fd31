"""The deployment: its parameters, and what a person is told when sam fails."""

import os
import platform
from pathlib import Path

import pytest

from stockstream_local import deployment
from stockstream_local.deployment import DeploymentError

ROOT = Path(__file__).parents[3]


@pytest.mark.parametrize(
    ("machine", "architecture"),
    [("x86_64", "x86_64"), ("AMD64", "x86_64"), ("arm64", "arm64"), ("aarch64", "arm64")],
)
def test_knows_lambdas_name_for_a_processor(
    monkeypatch: pytest.MonkeyPatch, machine: str, architecture: str
) -> None:
    monkeypatch.setattr(platform, "machine", lambda: machine)

    assert deployment.host_architecture() == architecture


def test_says_that_lambda_has_no_such_processor(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(platform, "machine", lambda: "riscv64")

    with pytest.raises(DeploymentError, match="riscv64"):
        deployment.host_architecture()


def test_reads_the_parameters_that_samconfig_fixes() -> None:
    parameters = deployment.local_parameters(ROOT)

    assert parameters["Provider"] == "replay"
    assert parameters["ApiKeyParameterName"].startswith("/")


def test_a_build_that_fails_ends_with_sams_own_words(tmp_path: Path) -> None:
    with pytest.raises(DeploymentError, match=r"`sam build` failed(.|\n)*sam-build\.log"):
        deployment.build(tmp_path, os.environ, tmp_path)  # there is no template.yaml


def test_a_tool_that_is_missing_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.executable", str(tmp_path / "python"))

    with pytest.raises(DeploymentError, match=r"sam is not in .*make setup"):
        deployment.build(ROOT, os.environ, tmp_path)
