"""`stockstream deploy`: checks, builds and deploys the stack, and asks nothing."""

import argparse
import os
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import boto3
from botocore.exceptions import BotoCoreError, ClientError

from alert.settings import parse_channels
from stockstream.instrument_file import INSTRUMENT_FILE
from stockstream_deploy.account import (
    Account,
    ask,
    ask_account,
    examine_catalog_for,
    examine_log_policies,
    examine_names,
    examine_state,
)
from stockstream_deploy.architecture import examine_build
from stockstream_deploy.change_set import carry_out, require_data_stays
from stockstream_deploy.drift import revert_drift
from stockstream_deploy.parameters import (
    DeployError,
    Environment,
    merge,
    parse_assignments,
    read_environment,
)
from stockstream_deploy.sam import BUILT, build, make_change_set
from stockstream_deploy.stored_secrets import examine_channels, examine_key
from stockstream_deploy.values import Values, examine_values, read_producer
from stockstream_local.doctor.doctor_command import show_findings
from stockstream_operate.aws_errors import say_aws_error
from stockstream_operate.doctor.deployed import CHECKS
from stockstream_operate.doctor.finding import Finding, Level, problem
from stockstream_operate.screen import Screen
from stockstream_operate.workplace import ROOT

# What is worth an answer; all others have defaults that work.
DECIDED = ("Instruments", "ApiKeyParameterName", "AlertEmail")


def add_deploy(command: argparse.ArgumentParser) -> None:
    """Adds the options of `stockstream deploy`."""
    command.description = (
        "Builds the stack and deploys it to AWS, after a look at what would fail there. It asks nothing: a "
        "parameter that is not named keeps the value that the stack has, or else its default "
        "(docs/parameters.md)."
    )
    command.add_argument("parameters", nargs="*", metavar="NAME=VALUE", help="parameters to set")
    command.add_argument(
        "--config-env",
        metavar="NAME",
        default="default",
        help="the environment of samconfig.toml (%(default)s)",
    )
    command.add_argument("--stack", metavar="NAME", help="a stack of another name than samconfig.toml's")
    command.add_argument("--check", action="store_true", help="only say what would be in the way")
    command.add_argument(
        "--may-lose",
        metavar="RESOURCE",
        action="append",
        default=[],
        help="let CloudFormation replace or remove this resource, with its data; may be repeated",
    )
    command.add_argument(
        "--back",
        action="store_true",
        help="deploy an older version: what only the newer one has may be removed",
    )
    # What .github/deploy.sh adds.
    command.add_argument(
        "--built", action="store_true", help="build nothing, and deploy what lies in .aws-sam/build"
    )
    command.add_argument("--bucket", metavar="NAME", help="put the code into this bucket, and make none")
    command.add_argument("--role", metavar="ARN", help="the role that CloudFormation takes meanwhile")
    command.add_argument(
        "--revert-drift",
        action="store_true",
        help="build nothing, and put back what somebody changed by hand",
    )
    command.set_defaults(run=run_deploy, is_for_aws=True)


def run_deploy(asked: argparse.Namespace, screen: Screen) -> None:
    """Looks for what would be in the way, builds, looks at the build, and deploys.

    Raises:
        StockstreamError: something is in the way, or sam failed; the text says what to do.
    """
    environment = read_environment(ROOT, asked.config_env)
    if asked.stack:
        environment = environment._replace(stack_name=asked.stack)
    chosen = dict(environment.parameters) | parse_assignments(asked.parameters)
    _use_region_and_profile(environment)
    template = read_template(ROOT)
    merge(template, {}, chosen)  # refuses a name that the template does not know, before AWS is asked
    try:
        account = ask_account(environment.stack_name)
    except (BotoCoreError, ClientError) as error:
        findings = [
            problem("account", say_aws_error(error), "Sign in, and choose a region: `aws configure`.")
        ]
        findings += examine_values(Values(template, merge(template, {}, chosen)))
        _judge(findings, screen)
        return
    if asked.revert_drift:
        _judge(list(examine_state(account)), screen)
        _refuse_changes(account, asked.parameters)
        revert_drift(account.stack, asked.may_lose, screen)
        return
    parameters = merge(template, account.stack.parameters, chosen)
    with screen.step("Looking for what would be in the way", "Looked for what would be in the way"):
        findings = list(examine_all(Values(template, parameters), account))
    _judge(findings, screen)
    _say_decisions(parameters, screen)
    if asked.check:
        return
    if not asked.built:
        with screen.step("Building the functions and their layer: sam build", "Built: sam build"):
            build(environment, parameters["Architecture"])
    _judge(list(examine_build(ROOT / BUILT, parameters["Architecture"])), screen)
    _deploy(environment, chosen | {"Architecture": parameters["Architecture"]}, asked, account, screen)
    screen.say(_next_steps(environment.stack_name, parameters))


def read_template(root: Path) -> dict[str, Any]:
    """The template, with CloudFormation's short functions written out."""
    from samcli.yamlhelper import yaml_parse  # noqa: PLC0415 (sam takes long to import)

    template: dict[str, Any] = yaml_parse((root / "template.yaml").read_text(encoding="utf-8"))
    return template


def examine_all(values: Values, account: Account) -> Iterator[Finding]:
    """All that can be looked at before anything is built.

    Args:
        values: the template and its parameters.
        account: whose it is, and what it has of the stack.
    """
    yield from examine_state(account)
    yield from ask("names", examine_names(account))
    found = list(examine_values(values))
    yield from found
    if any(each.level is Level.PROBLEM for each in found):
        return
    secrets_key = values.parameters["SecretsKeyArn"]
    yield from ask("provider's key", examine_key(account, read_producer(values), secrets_key))
    names = [each.parameter for each in parse_channels(values.parameters["AlertChannels"])]
    yield from ask("channel", examine_channels(account, names, secrets_key))
    yield from ask("search", examine_log_policies(account, values.parameters))
    yield from ask("catalog", examine_catalog_for(account, values.parameters["LakeFormat"]))
    if "LakeBucketName" in account.stack.outputs:
        # As it is to be, with the list as it is.
        grown = replace(account.stack, parameters=values.parameters)
        found = list(ask("size", CHECKS["size"](grown)))
        yield from (each for each in found if each.level is not Level.GOOD)
    if "NoticeTopicArn" in account.stack.outputs:
        for each in ask("notices", CHECKS["notices"](account.stack)):
            # A subscription that is not confirmed brings no notices, and is no reason not to deploy.
            yield each._replace(level=Level.NOTE) if each.level is Level.PROBLEM else each


def _use_region_and_profile(environment: Environment) -> None:
    """Lets boto3, and sam after it, use the region and the profile that samconfig.toml names."""
    if environment.region:
        os.environ["AWS_DEFAULT_REGION"] = environment.region
    if environment.profile:
        os.environ["AWS_PROFILE"] = environment.profile
    boto3.setup_default_session()


def _judge(findings: list[Finding], screen: Screen) -> None:
    """Shows the findings.

    Raises:
        DeployError: something is in the way.
    """
    show_findings(findings, screen)
    problems = sum(each.level is Level.PROBLEM for each in findings)
    if problems:
        raise DeployError(f"{problems} of these would be in the way. Nothing was uploaded.")


def _refuse_changes(account: Account, parameters: list[str]) -> None:
    """Refuses parameters: --revert-drift puts back what was deployed, and changes nothing else.

    Raises:
        DeployError: there is no stack, or a parameter was named.
    """
    if account.status is None:
        raise DeployError(f"There is no stack {account.stack.name}: nobody can have changed it.")
    if parameters:
        raise DeployError("--revert-drift changes no parameter: deploy without it, before or after.")


def _say_decisions(parameters: Mapping[str, str], screen: Screen) -> None:
    """The parameters that are worth an answer, and how to give one."""
    values = ", ".join(f"{name}={parameters[name] or '(none)'}" for name in DECIDED)
    if parameters["InstrumentsFileEnabled"] == "true":
        values += f", and what {INSTRUMENT_FILE} lists in the place of Instruments"
    screen.say(f"{values}. Other values: make deploy ARGS='Instruments=AAPL,MSFT AlertEmail=me@example.com'")


def _deploy(
    environment: Environment,
    parameters: Mapping[str, str],
    asked: argparse.Namespace,
    account: Account,
    screen: Screen,
) -> None:
    """Uploads what was built, and changes the stack if that costs no data.

    Raises:
        StockstreamError: sam or CloudFormation failed, or data would be lost; the text says which, and why.
    """
    with screen.step(
        "Uploading it, and asking CloudFormation what would change: sam deploy", "Uploaded: sam deploy"
    ):
        change_set = make_change_set(environment, parameters, asked.bucket, asked.role)
    if change_set is None:
        screen.say("Nothing is new: the stack is as it is.")
        return
    count = require_data_stays(change_set, asked.may_lose, screen, goes_back=asked.back)
    is_new = account.status is None
    with screen.step(f"Changing {count} resources", f"Changed {count} resources"):
        try:
            carry_out(change_set, environment.stack_name, is_new=is_new)
        except DeployError as error:
            remove = f".venv/bin/stockstream remove --stack {environment.stack_name} --yes"
            begin_anew = f"\nA first deployment that failed has to be removed: {remove}" if is_new else ""
            raise DeployError(f"{error}{begin_anew}") from error


def _next_steps(name: str, parameters: Mapping[str, str]) -> str:
    mail = parameters["AlertEmail"]
    confirm = f"Confirm the subscription that SNS mails to {mail}. " if mail else ""
    return f"{confirm}What flows and what does not: .venv/bin/stockstream doctor --stack {name} --wait"
