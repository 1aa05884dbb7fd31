"""The deployment: its parameters, and what a person is told when sam fails."""

import json
import os
import platform
import shutil
from collections.abc import Mapping
from pathlib import Path
from zipfile import ZipFile

import pytest

from stockstream_local import deployment
from stockstream_local.deployment import DeploymentError
from stockstream_local.tools import ToolError

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
    with pytest.raises(ToolError, match=r"`sam build` failed(.|\n)*sam-build\.log"):
        deployment.build(tmp_path, os.environ, tmp_path)  # there is no template.yaml


def test_a_tool_that_is_missing_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.executable", str(tmp_path / "python"))

    with pytest.raises(ToolError, match=r"sam is not in .*make setup"):
        deployment.build(ROOT, os.environ, tmp_path)


class FakeSam:
    """Builds as sam does: a template that names folders beside it."""

    def __init__(self) -> None:
        self.runs = 0

    def run_tool(
        self, _name: str, command: list[str], _folder: Path, _environ: Mapping[str, str], _log: Path
    ) -> None:
        if command[0] != "sam":
            return
        self.runs += 1
        built = Path(command[command.index("--build-dir") + 1])
        shutil.rmtree(built, ignore_errors=True)
        (built / "F" / "package").mkdir(parents=True)
        (built / "F" / "package" / "code.py").write_text(f"run = {self.runs}")
        (built / "template.yaml").write_text(
            "Resources:\n"
            "  F: { Type: AWS::Serverless::Function, Properties: { CodeUri: F, Role: !Sub '${R}' } }\n"
            "  L: { Type: AWS::Serverless::LayerVersion, Properties: { ContentUri: L } }\n"
            "  Q: { Type: AWS::SQS::Queue }\n"
        )


@pytest.fixture
def sam(monkeypatch: pytest.MonkeyPatch) -> FakeSam:
    sam = FakeSam()
    monkeypatch.setattr(deployment, "run_tool", sam.run_tool)
    return sam


@pytest.fixture
def sources(tmp_path: Path) -> Path:
    root = tmp_path / "root"
    for folder in ("functions/alert", "layers/common/__pycache__", "tests"):
        (root / folder).mkdir(parents=True)
    (root / "template.yaml").write_text("Resources: {}")
    (root / "functions" / "alert" / "handler.py").write_text("one")
    return root


def test_what_was_built_is_packed_for_the_emulator(sam: FakeSam, sources: Path, tmp_path: Path) -> None:
    template = deployment.build(sources, {}, tmp_path)

    assert sam.runs == 1
    packaged = json.loads((template.parent / "packaged.json").read_text())["Resources"]
    assert packaged["F"]["Properties"]["CodeUri"] == "s3://stockstream-archives/F.zip"
    assert packaged["F"]["Properties"]["Role"] == {"Fn::Sub": "${R}"}
    assert packaged["L"]["Properties"]["ContentUri"] == "s3://stockstream-archives/L.zip"
    with ZipFile(template.parent / "archives" / "F.zip") as archive:
        assert archive.read("package/code.py") == b"run = 1"


def test_nothing_is_built_again_until_a_source_changes(sam: FakeSam, sources: Path, tmp_path: Path) -> None:
    deployment.build(sources, {}, tmp_path)
    (sources / "tests" / "test.py").write_text("is in no function")
    (sources / "layers" / "common" / "__pycache__" / "x.pyc").write_text("is in no function")
    deployment.build(sources, {}, tmp_path)
    assert sam.runs == 1

    for file in ("template.yaml", "functions/alert/handler.py", "layers/common/new.py"):
        (sources / file).write_text("changed")
        assert not deployment.is_built(sources, tmp_path)
        deployment.build(sources, {}, tmp_path)
        assert deployment.is_built(sources, tmp_path)
    (sources / "layers" / "common" / "new.py").rename(sources / "layers" / "common" / "moved.py")
    deployment.build(sources, {}, tmp_path)
    assert sam.runs == 5


def test_a_build_that_was_broken_off_is_none(
    sam: FakeSam, sources: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def end(_built: Path) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(deployment, "_package", end)
        with pytest.raises(KeyboardInterrupt):
            deployment.build(sources, {}, tmp_path)

    assert not deployment.is_built(sources, tmp_path)
    deployment.build(sources, {}, tmp_path)
    assert sam.runs == 2


@pytest.mark.usefixtures("sam")
def test_what_an_older_version_has_packaged_is_built_again(sources: Path, tmp_path: Path) -> None:
    template = deployment.build(sources, {}, tmp_path)
    (template.parent / "packaged.json").rename(template.parent / "packaged.yaml")

    assert not deployment.is_built(sources, tmp_path)
