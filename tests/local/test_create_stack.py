"""The stack of a packaged template, created in the emulator: what is there then, or why it is not."""

import io
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import boto3
import pytest
from reaching import reaching

from stockstream_local.deployment import DeploymentError, create_stack
from stockstream_local.emulator.server import run_emulator
from stockstream_operate.environment import Emulator

pytestmark = pytest.mark.local

WAITING: Any = {"Delay": 0.1, "MaxAttempts": 100}
CONFIG = """[local.deploy.parameters]
parameter_overrides = ["First=of the file", "Second=of the file"]
"""
TEMPLATE = """
Parameters: { First: { Type: String }, Second: { Type: String } }
Resources:
  Kept:
    Type: AWS::SSM::Parameter
    Properties: { Name: /kept, Type: String, Value: !Sub '${First}, ${Second}' }
  Other: { Type: %s }
"""


@pytest.fixture(scope="module")
def emulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Emulator]:
    with run_emulator(None, os.environ, tmp_path_factory.mktemp("state")) as emulator:
        yield emulator


@pytest.fixture
def root(tmp_path: Path, emulator: Emulator) -> Iterator[Path]:
    """A directory with a configuration; this process reaches an emulator that has no such stack."""
    (tmp_path / "samconfig.toml").write_text(CONFIG)
    (tmp_path / "build" / "archives").mkdir(parents=True)
    (tmp_path / "build" / "archives" / "F.zip").write_bytes(b"PK")
    with reaching(emulator):
        yield tmp_path
        cloudformation = boto3.client("cloudformation")
        cloudformation.delete_stack(StackName="stockstream")
        cloudformation.get_waiter("stack_delete_complete").wait(StackName="stockstream", WaiterConfig=WAITING)


def test_the_stack_stands_with_the_parameters_of_the_file_and_of_the_run(root: Path) -> None:
    (root / "build" / "packaged.json").write_text(TEMPLATE % "AWS::SQS::Queue")

    create_stack(root, root / "build" / "template.yaml", {"Second": "of the run"})

    assert boto3.client("ssm").get_parameter(Name="/kept")["Parameter"]["Value"] == "of the file, of the run"
    archive = boto3.client("s3").get_object(Bucket="stockstream-archives", Key="F.zip")
    assert archive["Body"].read() == b"PK"


def test_a_function_finds_the_layer_where_it_was_built(root: Path) -> None:
    module = root / "build" / "CommonLayer" / "python" / "in_the_layer.py"
    module.parent.mkdir(parents=True)
    module.write_text("print('found')")
    (root / "build" / "packaged.json").write_text(TEMPLATE % "AWS::SQS::Queue")

    create_stack(root, root / "build" / "template.yaml", {})

    # As the emulator takes a layer up.
    archive = boto3.client("s3").get_object(Bucket="stockstream-archives", Key="CommonLayer.zip")
    ZipFile(io.BytesIO(archive["Body"].read())).extractall(root / "opt")
    (site_directory,) = (root / "opt" / "python" / "lib").glob("*/site-packages")
    code = f"import site; site.addsitedir({str(site_directory)!r}); import in_the_layer"
    assert subprocess.check_output([sys.executable, "-c", code], text=True) == "found\n"  # noqa: S603


def test_what_cannot_be_created_is_named_with_the_reason(root: Path) -> None:
    (root / "build" / "packaged.json").write_text(TEMPLATE % "AWS::Nothing::Here")

    with pytest.raises(DeploymentError, match=r"(?s)The stack cannot be created:.*AWS::Nothing::Here"):
        create_stack(root, root / "build" / "template.yaml", {})
