"""Whether the parameters' values can work: by the template, as AWS judges, and by the functions' settings."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from alert.settings import parse_channels
from producer.settings import ProducerSettings, read_settings
from stockstream.errors import SettingsError
from stockstream.windows import parse_windows
from stockstream_operate.doctor.finding import Finding, good, problem

SUBJECT = "parameters"
FUNCTIONS = ("ProducerFunction", "TransformFunction", "AlertFunction")
# A parameter's value ends there, and a function's environment in all.
MOST_BYTES = 4096
# How much longer than their logical ids the names can be that AWS gives a function's resources.
_GROWTH = 250
_REMEDY = "docs/parameters.md says what each takes."


class Values:
    """A template with its parameters filled in.

    Args:
        template: as sam parses it.
        parameters: the value of each.
    """

    def __init__(self, template: dict[str, Any], parameters: Mapping[str, str]) -> None:
        # With these `sam local` resolves a template. sam takes two seconds to import.
        from samcli.lib.intrinsic_resolver.intrinsic_property_resolver import (  # noqa: PLC0415
            IntrinsicResolver,
        )
        from samcli.lib.intrinsic_resolver.intrinsics_symbol_table import IntrinsicsSymbolTable  # noqa: PLC0415

        self.template, self.parameters = template, parameters
        symbols = IntrinsicsSymbolTable(template=template, logical_id_translator=dict(parameters))
        self._resolver = IntrinsicResolver(template=template, symbol_resolver=symbols)

    def resolve(self, value: Any) -> Any:  # noqa: ANN401 (any part of a template)
        """A part of the template with its functions carried out; a resource's Ref is its logical id."""
        return self._resolver.intrinsic_property_resolver(value, ignore_errors=False)

    def environment(self, function: str) -> dict[str, str]:
        """The environment that a function gets."""
        own = self.template["Resources"][function]["Properties"]["Environment"]["Variables"]
        shared = self.template["Globals"]["Function"]["Environment"]["Variables"]
        return {name: str(self.resolve(value)) for name, value in (shared | own).items()}


def examine_values(values: Values) -> Iterator[Finding]:
    """What AWS or a function would refuse; that all is well is a finding, too."""
    refused = list(_examine_by_template(values))
    # A function's error about what the template refuses already would be the same news twice.
    refused += [] if refused else list(_examine_by_functions(values))
    yield from refused
    if not refused:
        yield good(SUBJECT, f"the template and the functions take all {len(values.parameters)}")


def read_producer(values: Values) -> ProducerSettings:
    """What the producer would read.

    Raises:
        SettingsError: it would refuse them.
    """
    return read_settings(values.environment("ProducerFunction"))


def _examine_by_template(values: Values) -> Iterator[Finding]:
    for name, rule in values.template["Parameters"].items():
        text = values.parameters[name]
        allowed = [str(each) for each in rule.get("AllowedValues", [])]
        if allowed and text not in allowed:
            yield problem(SUBJECT, f"{name} is {text!r}", f"It must be one of {', '.join(allowed)}.")
        elif not re.fullmatch(rule.get("AllowedPattern", ".*"), text):
            yield problem(SUBJECT, f"{name} is {text!r}", f"It must be {rule['ConstraintDescription']}.")
        elif len(text.encode()) > MOST_BYTES:
            yield problem(
                SUBJECT, f"{name} has {len(text.encode()):,} bytes", f"{MOST_BYTES:,} are the most."
            )
    for rule in values.template.get("Rules", {}).values():
        if values.resolve(rule["RuleCondition"]):
            for each in rule["Assertions"]:
                if not values.resolve(each["Assert"]):
                    yield problem(SUBJECT, each["AssertDescription"], _REMEDY)


def _examine_by_functions(values: Values) -> Iterator[Finding]:
    environments = {name: values.environment(name) for name in FUNCTIONS}
    try:
        settings = read_producer(values)
        transform = environments["TransformFunction"]
        parse_windows(transform["SMA_WINDOWS"], transform["EMA_WINDOWS"])
        parse_channels(environments["AlertFunction"]["CHANNELS"])
    except SettingsError as error:
        yield problem(SUBJECT, f"a function would stop: {error}", _REMEDY)
        return
    if settings.provider == "replay":
        yield problem(
            SUBJECT,
            "Provider is replay, a market that runs on your own machine",
            "Provider=alphavantage, Provider=alpaca or Provider=kraken.",
        )
    for name, variables in environments.items():
        size = sum(len(key.encode()) + len(value.encode()) for key, value in variables.items())
        if size + _GROWTH > MOST_BYTES:
            yield problem(
                SUBJECT,
                f"the environment of {name} would have {size:,} bytes and the names that AWS gives",
                f"Lambda takes {MOST_BYTES:,}: name fewer instruments, or divide them among two stacks.",
            )
