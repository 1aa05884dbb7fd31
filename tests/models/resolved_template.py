"""template.yaml as CloudFormation would see it with given parameters, as far as our tests need it."""

import base64
import re
from collections.abc import Callable
from typing import Any

from stockstream_generate.template_file import read_template

TEMPLATE = read_template()
PSEUDO = {
    "AWS::StackName": "stockstream",
    "AWS::Region": "us-east-1",
    "AWS::AccountId": "123456789012",
    "AWS::Partition": "aws",
    "AWS::URLSuffix": "amazonaws.com",
}
# The account that ministack answers for.
EMULATED_ACCOUNT = "000000000000"
# What SAM makes of an event of a function, and the template names.
_MADE_BY_SAM = {"ProducerFunctionEveryMinuteRole"}
_NOTHING = object()


class ResolvedTemplate:
    """The template with its parameters, conditions and references filled in.

    A resource's Ref is its logical id, and its Arn `arn:<logical id>`; so tests can name what they expect.

    Args:
        account_id: the account that it is deployed to.
        partition: the part of AWS that the account is in.
        parameters: those that differ from their defaults.
    """

    def __init__(
        self, *, account_id: str = PSEUDO["AWS::AccountId"], partition: str = "aws", **parameters: str
    ) -> None:
        self._pseudo = PSEUDO | {"AWS::AccountId": account_id, "AWS::Partition": partition}
        defaults = {name: str(each["Default"]) for name, each in TEMPLATE["Parameters"].items()}
        assert set(parameters) <= set(defaults)
        self.parameters = defaults | parameters
        self.resources = {
            name: resource
            for name, resource in TEMPLATE["Resources"].items()
            if self.holds(resource.get("Condition"))
        }

    def of_kind(self, *kinds: str) -> dict[str, dict[str, Any]]:
        """The properties of the resources of some types, resolved, by logical id."""
        return {
            name: self.resolve(resource["Properties"])
            for name, resource in self.resources.items()
            if resource["Type"] in kinds
        }

    def holds(self, condition: str | None) -> bool:
        """Whether a condition is true; None always is."""
        return condition is None or bool(self.resolve(TEMPLATE["Conditions"][condition]))

    def resolve(self, value: Any) -> Any:
        """The value with its functions carried out."""
        if isinstance(value, list):
            return [item for item in map(self.resolve, value) if item is not _NOTHING]
        if not isinstance(value, dict):
            return value
        if len(value) == 1:
            ((name, argument),) = value.items()
            if name in self._functions:
                return self._functions[name](argument)
        items = {key: self.resolve(item) for key, item in value.items()}
        return {key: item for key, item in items.items() if item is not _NOTHING}

    @property
    def _functions(self) -> dict[str, Callable[[Any], Any]]:
        return {
            "Ref": self._reference,
            "Condition": self.holds,
            "Fn::If": lambda these: self.resolve(these[1] if self.holds(these[0]) else these[2]),
            "Fn::Equals": lambda these: len({str(self.resolve(each)) for each in these}) == 1,
            "Fn::Not": lambda these: not self.resolve(these[0]),
            "Fn::And": lambda these: all(self.resolve(these)),
            "Fn::Or": lambda these: any(self.resolve(these)),
            "Fn::GetAtt": lambda these: self._attribute(
                *(these if isinstance(these, list) else these.split(".", 1))
            ),
            "Fn::Join": lambda these: str(these[0]).join(map(str, self.resolve(these[1]))),
            "Fn::Select": lambda these: self.resolve(these[1])[int(these[0])],
            "Fn::Split": lambda these: self.resolve(these[1]).split(these[0]),
            "Fn::Base64": lambda text: base64.b64encode(self.resolve(text).encode()).decode(),
            "Fn::FindInMap": self._find,
            "Fn::Sub": self._substitute,
        }

    def _find(self, path: list[Any]) -> Any:
        mapping, key, name = self.resolve(path)
        return TEMPLATE["Mappings"][mapping][key][name]

    def _substitute(self, argument: str | list[Any]) -> str:
        text, variables = argument if isinstance(argument, list) else (argument, {})
        known = {name: str(self.resolve(item)) for name, item in variables.items()}
        return re.sub(r"\$\{([^}]+)\}", lambda found: self._named(found[1], known), text)

    def _named(self, name: str, known: dict[str, str]) -> str:
        if name.startswith("!"):
            return f"${{{name[1:]}}}"
        if name in known:
            return known[name]
        if "." in name:
            return self._attribute(*name.split(".", 1))
        return str(self._reference(name))

    def _reference(self, name: str) -> Any:
        if name == "AWS::NoValue":
            return _NOTHING
        if name in self._pseudo:
            return self._pseudo[name]
        if name in self.parameters:
            return self.parameters[name]
        assert name in self.resources, f"{name} is not there with these parameters"
        return name

    def _attribute(self, name: str, attribute: str) -> str:
        assert name in self.resources.keys() | _MADE_BY_SAM, f"{name} is not there with these parameters"
        return f"arn:{name}" if attribute == "Arn" else name
