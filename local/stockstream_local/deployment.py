"""template.yaml, built by the real `sam build` and deployed to the emulator.

Everything is built below .stockstream/, never in .aws-sam/: what is made for this machine must not reach AWS.

`make run` creates the stack from what was packaged with the build, which takes a second where `sam deploy`
takes ten. That `sam deploy` works, too, tests/local/test_pipeline.py shows.
"""

import hashlib
import io
import json
import platform
import shlex
import shutil
import sys
import tomllib
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import boto3
from botocore.exceptions import ClientError, WaiterError

from stockstream.errors import StockstreamError
from stockstream_local.tools import run_tool
from stockstream_operate.stack import STACK_NAME
from stockstream_operate.whole_file import naming

# In the build's directory: the template whose code is in the bucket, the archives, what they were made of.
_PACKAGED, _ARCHIVES, _MADE_OF = "packaged.json", "archives", "made-of"
_BUCKET = "stockstream-archives"
_WAITING: Any = {"Delay": 0.1, "MaxAttempts": 1200}  # two minutes; botocore's types know whole seconds only


class DeploymentError(StockstreamError):
    """The stack cannot be created here; the text says why."""


def host_architecture() -> str:
    """Lambda's name for this machine's processor.

    Raises:
        DeploymentError: Lambda has no such processor.
    """
    names = {"x86_64": "x86_64", "amd64": "x86_64", "arm64": "arm64", "aarch64": "arm64"}
    machine = platform.machine().lower()
    if machine not in names:
        raise DeploymentError(
            f"This machine is a {machine}; the functions are built for x86_64 and arm64 only."
        )
    return names[machine]


def build(root: Path, environ: Mapping[str, str], state: Path) -> Path:
    """Builds and packages the functions and the layer for this machine, unless nothing has changed.

    Args:
        root: where template.yaml is.
        environ: the environment to run sam in.
        state: the directory for the build, its cache and its log.

    Returns:
        The built template.

    Raises:
        ToolError: the build failed.
    """
    built, made_of = state / "build", _read_sources(root)
    if is_built(root, state):
        return built / "template.yaml"
    _run(
        "build",
        [
            *("--template-file", str(root / "template.yaml")),
            *("--config-file", str(root / "samconfig.toml"), "--config-env", "local"),
            *("--build-dir", str(state / "build")),
            *("--cache-dir", str(state / "cache"), "--cached", "--parallel"),
            *("--parameter-overrides", f"Architecture={host_architecture()}"),
        ],
        root,
        # Of each package that pip says it takes from this disk, sam would make a wheel of the wheel.
        {**environ, "PIP_QUIET": "1"},
        state,
    )
    if not _runs_linux_wheels():
        lay_host_wheels(root, environ, state)
    with naming(built):
        _package(built)
        # Written last, so that a build that was broken off does not count as one.
        (built / _MADE_OF).write_text(made_of)
    return built / "template.yaml"


def is_built(root: Path, state: Path) -> bool:
    """Whether there is a build of just these sources, by this sam and this Python.

    Args:
        root: where template.yaml is.
        state: the directory for the build.
    """
    built = state / "build"
    made_of = built / _MADE_OF
    # An older version has packaged what it built under another name.
    is_whole = made_of.exists() and (built / _PACKAGED).exists()
    return is_whole and made_of.read_text() == _read_sources(root)


def _read_sources(root: Path) -> str:
    """What a build depends on, in short."""
    digest = hashlib.sha256(f"{version('aws-sam-cli')} {sys.version} {platform.platform()}".encode())
    files = [root / "template.yaml", *(root / "functions").rglob("*"), *(root / "layers").rglob("*")]
    for file in sorted(file for file in files if file.is_file() and "__pycache__" not in file.parts):
        content = file.read_bytes()
        digest.update(f"{file.relative_to(root)} {len(content)} ".encode() + content)
    return digest.hexdigest()


def _package(built: Path) -> None:
    """Packs what was built, and writes the template that names the archives in their bucket."""
    # sam is imported where it has just run: it takes longer to import than to do this.
    from samcli.yamlhelper import yaml_parse  # noqa: PLC0415

    template: dict[str, Any] = yaml_parse((built / "template.yaml").read_text())
    archives = built / _ARCHIVES
    shutil.rmtree(archives, ignore_errors=True)
    archives.mkdir()
    for resource in template["Resources"].values():
        for name in ("CodeUri", "ContentUri"):
            folder = resource.get("Properties", {}).get(name)
            if folder is None:
                continue
            resource["Properties"][name] = f"s3://{_BUCKET}/{folder}.zip"
            if name == "ContentUri":
                continue  # of a layer, see _lead_to
            # Not compressed: they stay on this machine.
            with ZipFile(archives / f"{folder}.zip", "w") as archive:
                for file in sorted((built / folder).rglob("*")):
                    archive.write(file, file.relative_to(built / folder))
    # As JSON, which the emulator reads in a hundredth of the time.
    (built / _PACKAGED).write_text(json.dumps(template))


def _lead_to(layer: Path) -> bytes:
    """The archive of a layer that lies in the build: it holds the way there.

    The emulator unpacks a layer for each process of each function: a thousand files, which every process
    would compile anew. So it unpacks one line, which Python runs as it takes up a site directory.
    """
    archive = io.BytesIO()
    with ZipFile(archive, "w") as packed:
        way = f"import sys; sys.path.insert(0, {str(layer.resolve())!r})\n"
        packed.writestr("python/lib/python/site-packages/layer.pth", way)
    return archive.getvalue()


def create_stack(root: Path, template: Path, parameters: Mapping[str, str]) -> None:
    """Creates the stack in the emulator that this process's environment leads to.

    Args:
        root: where samconfig.toml is; its [local] environment holds the parameters.
        template: what build returned.
        parameters: what this run adds to the parameters of samconfig.toml, or puts in their place.

    Raises:
        DeploymentError: a resource could not be created; the text says which, and why.
    """
    s3, cloudformation = boto3.client("s3"), boto3.client("cloudformation")
    s3.create_bucket(Bucket=_BUCKET)
    for archive in sorted((template.parent / _ARCHIVES).iterdir()):
        s3.put_object(Bucket=_BUCKET, Key=archive.name, Body=archive.read_bytes())
    for layer in template.parent.glob("*/python"):
        s3.put_object(Bucket=_BUCKET, Key=f"{layer.parent.name}.zip", Body=_lead_to(layer))
    s3.put_object(Bucket=_BUCKET, Key=_PACKAGED, Body=(template.parent / _PACKAGED).read_bytes())
    overrides = local_parameters(root) | dict(parameters)
    try:
        cloudformation.create_stack(
            StackName=STACK_NAME,
            TemplateURL=f"{s3.meta.endpoint_url}/{_BUCKET}/{_PACKAGED}",
            Parameters=[{"ParameterKey": name, "ParameterValue": value} for name, value in overrides.items()],
            Capabilities=["CAPABILITY_IAM", "CAPABILITY_AUTO_EXPAND"],
        )
        cloudformation.get_waiter("stack_create_complete").wait(StackName=STACK_NAME, WaiterConfig=_WAITING)
    except ClientError as error:
        raise DeploymentError(f"The stack cannot be created: {error}") from error
    except WaiterError as error:
        events = cloudformation.describe_stack_events(StackName=STACK_NAME)["StackEvents"]
        failed = [
            f"{each['LogicalResourceId']}: {each.get('ResourceStatusReason')}"
            for each in reversed(events)
            if each["ResourceStatus"] == "CREATE_FAILED"
        ]
        raise DeploymentError("\n".join(["The stack cannot be created:", *failed])) from error


def deploy(
    root: Path, template: Path, parameters: Mapping[str, str], environ: Mapping[str, str], state: Path
) -> None:
    """Deploys a built template by the real `sam deploy`, with samconfig.toml's [local] environment.

    Args:
        root: where samconfig.toml is.
        template: what build returned.
        parameters: what this run adds to the parameters of samconfig.toml, or puts in their place.
        environ: the environment to run sam in.
        state: the directory for its log.

    Raises:
        ToolError: the deployment failed.
    """
    # Overrides on the command line replace those of the file wholly.
    overrides = local_parameters(root) | dict(parameters)
    _run(
        "deploy",
        [
            *("--template-file", str(template)),
            *("--config-file", str(root / "samconfig.toml"), "--config-env", "local"),
            *("--parameter-overrides", *(f"{name}={value}" for name, value in overrides.items())),
        ],
        root,
        environ,
        state,
    )


def local_parameters(root: Path) -> dict[str, str]:
    """The parameters that samconfig.toml fixes for [local]."""
    with (root / "samconfig.toml").open("rb") as file:
        config: dict[str, Any] = tomllib.load(file)
    return dict(item.split("=", 1) for item in read_overrides(config["local"]["deploy"]["parameters"]))


def read_overrides(parameters: Mapping[str, Any]) -> list[str]:
    """The `NAME=VALUE` of a command's parameters in samconfig.toml.

    It is a list, or one text with quotation marks, which `sam deploy --guided` writes.

    Raises:
        ValueError: a quotation mark of the text is not closed.
    """
    overrides = parameters.get("parameter_overrides", [])
    return shlex.split(overrides) if isinstance(overrides, str) else [str(each) for each in overrides]


def _run(action: str, arguments: list[str], root: Path, environ: Mapping[str, str], state: Path) -> None:
    run_tool(f"sam {action}", ["sam", action, *arguments], root, environ, state / f"sam-{action}.log")


def _runs_linux_wheels() -> bool:
    """Whether this machine loads what the layer holds: wheels for Linux with glibc, as Lambda is."""
    return platform.system() == "Linux" and platform.libc_ver()[0] == "glibc"


def lay_host_wheels(root: Path, environ: Mapping[str, str], state: Path) -> None:
    """Installs this machine's wheels of the same versions in the place of the built layer's Linux ones.

    The emulator runs functions with this machine's Python: on macOS, and on Linux with musl, a Linux wheel's
    compiled modules cannot be loaded.

    Args:
        root: where the layer's lock is.
        environ: the environment to run uv in.
        state: the directory of the build, and for the log.

    Raises:
        ToolError: uv failed.
    """
    run_tool(
        "uv pip install",
        [
            # Without --reinstall uv sees the right versions there, and leaves another platform's files.
            *("uv", "pip", "install", "--reinstall", "--no-deps", "--require-hashes"),
            *("--python", sys.executable),
            *("--requirements", str(root / "layers" / "common" / "requirements.txt")),
            *("--target", str(state / "build" / "CommonLayer" / "python")),
        ],
        root,
        environ,
        state / "host-wheels.log",
    )
