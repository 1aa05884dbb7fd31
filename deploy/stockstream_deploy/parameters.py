"""A deployment's parameters: those that are given, samconfig.toml's, the stack's own, and the defaults."""

import re
import tomllib
from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Any, NamedTuple

from stockstream.errors import StockstreamError
from stockstream_local.deployment import read_overrides

_ASSIGNMENT = re.compile(r"(\w+)=(.*)", re.ASCII | re.DOTALL)


class DeployError(StockstreamError):
    """The stack is not deployed; the text says why, and what to do."""


class Environment(NamedTuple):
    """What samconfig.toml says of one environment.

    Attributes:
        name: as in --config-env.
        stack_name: the stack's name in CloudFormation.
        region: where it is deployed; None where AWS's own settings say it.
        profile: whose credentials are used; None where AWS's own settings say it.
        parameters: those that the file fixes.
    """

    name: str
    stack_name: str
    region: str | None
    profile: str | None
    parameters: Mapping[str, str]


def read_environment(root: Path, name: str) -> Environment:
    """What samconfig.toml says of an environment, as sam reads it: the deploy section before the global one.

    Args:
        root: where samconfig.toml is.
        name: the environment's.

    Raises:
        DeployError: the file cannot be read, or has no such environment.
    """
    file = root / "samconfig.toml"
    try:
        everything: dict[str, Any] = tomllib.loads(file.read_text(encoding="utf-8"))
    except (OSError, tomllib.TOMLDecodeError) as error:
        raise DeployError(f"{file} cannot be read ({error}). `git diff samconfig.toml`") from error
    if name not in everything or name == "version":
        known = ", ".join(each for each in everything if each != "version")
        raise DeployError(f"samconfig.toml has no environment {name}; it has {known}.")
    found = {
        key: value
        for section in ("global", "deploy")
        for key, value in everything[name].get(section, {}).get("parameters", {}).items()
    }
    if "stack_name" not in found:
        raise DeployError(
            f"samconfig.toml: [{name}.global.parameters] names no stack: stack_name = 'stockstream-{name}'"
        )
    try:
        parameters = parse_assignments(read_overrides(found))
    except ValueError as error:
        raise DeployError(
            f"samconfig.toml: parameter_overrides of [{name}] cannot be read ({error})."
        ) from None
    return Environment(name, found["stack_name"], found.get("region"), found.get("profile"), parameters)


def parse_assignments(texts: Iterable[str]) -> dict[str, str]:
    """The parameters of a list such as `Instruments=AAPL,MSFT`, `AlertEmail=`.

    Raises:
        DeployError: one is not written so.
    """
    parameters = {}
    for text in texts:
        found = _ASSIGNMENT.fullmatch(text)
        if not found:
            raise DeployError(f"{text!r} is no parameter: write NAME=VALUE, as in Instruments=AAPL,MSFT.")
        parameters[found[1]] = found[2]
    return parameters


def as_override(name: str, value: str) -> str:
    """A parameter as `sam deploy --parameter-overrides` takes it, whatever is in it.

    No parameter of the template takes a quotation mark or a backslash.
    """
    return f'{name}="{value}"'


def merge(
    template: Mapping[str, Any], deployed: Mapping[str, str], chosen: Mapping[str, str]
) -> dict[str, str]:
    """The value of every parameter after a deployment: `sam deploy` lets AWS keep what is not chosen.

    Args:
        template: the template.
        deployed: the parameters that the stack has; none where it is new.
        chosen: what samconfig.toml and the command line say.

    Raises:
        DeployError: the template has no parameter of a name that was chosen.
    """
    known: Mapping[str, Mapping[str, Any]] = template["Parameters"]
    for name in chosen:
        if name not in known:
            near = get_close_matches(name, known, n=1, cutoff=0.5)
            hint = f"did you mean {near[0]}?" if near else "docs/parameters.md lists those that there are."
            raise DeployError(f"The template has no parameter {name}: {hint}")
    defaults = {name: str(each["Default"]) for name, each in known.items()}
    kept = {name: value for name, value in deployed.items() if name in known}
    return defaults | kept | dict(chosen)
