"""The real `sam build` and `sam deploy`, for AWS: sam builds, uploads, and has a change set made."""

import json
import os
from collections.abc import Mapping, Sequence
from itertools import chain
from pathlib import Path

from stockstream_deploy.parameters import DeployError, Environment, as_override
from stockstream_local.tools import run_tool
from stockstream_operate.workplace import ROOT, make_state

BUILT = Path(".aws-sam") / "build"


def build(environment: Environment, architecture: str) -> None:
    """Builds the functions and the layer into BUILT.

    Args:
        environment: of samconfig.toml.
        architecture: the parameter Architecture: sam itself would take the template's default.

    Raises:
        ToolError: it failed; the text has its last lines.
    """
    options = ("--parameter-overrides", as_override("Architecture", architecture))
    _run_sam("build", [*_in_environment(environment), *options], make_state() / "sam-build-for-aws.log")


def make_change_set(
    environment: Environment, parameters: Mapping[str, str], bucket: str | None, role: str | None
) -> str | None:
    """Uploads what was built, and lets CloudFormation make a change set of it, without carrying it out.

    Args:
        environment: of samconfig.toml.
        parameters: those to send; CloudFormation keeps the values of the others.
        bucket: where the code is put; None for the one that sam makes.
        role: the ARN of the role that CloudFormation takes; None for the caller's own rights.

    Returns:
        The change set's ARN; None where nothing would change.

    Raises:
        ToolError: sam failed; the text has its last lines.
        DeployError: it did not say which change set it has made.
    """
    log = make_state() / "sam-deploy-to-aws.log"
    options = [
        *_in_environment(environment),
        *("--template-file", str(BUILT / "template.yaml"), "--stack-name", environment.stack_name),
        *("--no-confirm-changeset", "--no-fail-on-empty-changeset"),
        # As JSON it says which change set it has made.
        *("--no-execute-changeset", "--output", "json"),
        *(("--s3-bucket", bucket, "--s3-prefix", environment.stack_name) if bucket else ()),
        *(("--role-arn", role) if role else ()),
        *chain(["--parameter-overrides"], (as_override(*each) for each in parameters.items())),
    ]
    _run_sam("deploy", options, log)
    for line in log.read_text(encoding="utf-8", errors="replace").splitlines():
        # Beside its results it says what it uploads.
        said = json.loads(line) if line.startswith('{"type": "result"') else {}
        if said.get("status") == "no_changes":
            return None
        if "changeset_id" in said:
            return str(said["changeset_id"])
    raise DeployError(f"`sam deploy` has not said which change set it has made: {log}")


def _in_environment(environment: Environment) -> tuple[str, ...]:
    """Sam's options for it; without the file's path it would look beside the built template."""
    return "--config-file", str(ROOT / "samconfig.toml"), "--config-env", environment.name


def _run_sam(action: str, options: Sequence[str], log: Path) -> None:
    environ = os.environ | {"SAM_CLI_TELEMETRY": "0"}
    run_tool(f"sam {action}", ["sam", action, *options], ROOT, environ, log)
