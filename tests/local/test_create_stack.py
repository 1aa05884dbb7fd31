"""The stack of a packaged template, created in the emulator: what is there then, or why it is not."""

import os
from collections.abc import Iterator
from pathlib import Path

import boto3
import pytest
from reaching import reaching

from stockstream_local.deployment import DeploymentError, create_stack
from stockstream_local.emulator.server import run_emulator

pytestmark = pytest.mark.local

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


@pytest.fixture
def root(tmp_path: Path) -> Iterator[Path]:
    """A directory with a configuration; this process's environment leads to an emulator of its own."""
    (tmp_path / "samconfig.toml").write_text(CONFIG)
    (tmp_path / "build" / "archives").mkdir(parents=True)
    (tmp_path / "build" / "archives" / "F.zip").write_bytes(b"PK")
    with run_emulator(None, os.environ, tmp_path) as emulator, reaching(emulator):
        yield tmp_path


def test_the_stack_stands_with_the_parameters_of_the_file_and_of_the_run(root: Path) -> None:
    (root / "build" / "packaged.yaml").write_text(TEMPLATE % "AWS::SQS::Queue")

    create_stack(root, root / "build" / "template.yaml", {"Second": "of the run"})

    assert boto3.client("ssm").get_parameter(Name="/kept")["Parameter"]["Value"] == "of the file, of the run"
    archive = boto3.client("s3").get_object(Bucket="stockstream-archives", Key="F.zip")
    assert archive["Body"].read() == b"PK"


def test_what_cannot_be_created_is_named_with_the_reason(root: Path) -> None:
    (root / "build" / "packaged.yaml").write_text(TEMPLATE % "AWS::Nothing::Here")

    with pytest.raises(DeploymentError, match=r"(?s)The stack cannot be created:.*AWS::Nothing::Here"):
        create_stack(root, root / "build" / "template.yaml", {})
