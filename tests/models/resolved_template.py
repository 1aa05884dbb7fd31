"""template.yaml as CloudFormation would see it with given parameters, as far as our tests need it."""

import re
from pathlib import Path
from typing import Any

from cfnlint.decode.cfn_yaml import load

TEMPLATE: dict[str, Any] = load(str(Path(__file__).parents[2] / "template.yaml"))
PSEUDO = {
    "AWS::StackName": "stockstream",
    "AWS::Region": "us-east-1",
    "AWS::AccountId": "123456789012",
    "AWS::Partition": "aws",
}
_NOTHING = object()


class ResolvedTemplate:
    """The template with its parameters, conditions and references filled in.

    A resource's Ref is its logical id, and its Arn `arn:<logical id>`; so tests can name what they expect.

    Args:
        parameters: those that differ from their defaults.
    """

    def __init__(self, **parameters: str) -> None:
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

    def resolve(self, value: Any) -> Any:  # noqa: ANN401 - whatever stands in a template
        """The value with its functions carried out."""
        if isinstance(value, list):
            items = [self._resolve(item) for item in value]
            return [item for item in items if item is not _NOTHING]
        if isinstance(value, dict) and len(value) == 1:
            ((key, argument),) = value.items()
            if key == "Ref" or key == "Condition" or str(key).startswith("Fn::"):
                return self._call(str(key), argument)
        if isinstance(value, dict):
            items = {key: self._resolve(item) for key, item in value.items()}
            return {key: item for key, item in items.items() if item is not _NOTHING}
        return value

    _resolve = resolve

    def _call(self, function: str, argument: Any) -> Any:  # noqa: ANN401
        match function:
            case "Ref":
                return self._reference(argument)
            case "Condition":
                return self.holds(argument)
            case "Fn::If":
                return self.resolve(argument[1] if self.holds(argument[0]) else argument[2])
            case "Fn::Equals":
                first, second = self.resolve(argument)
                return str(first) == str(second)
            case "Fn::Not":
                return not self.resolve(argument)[0]
            case "Fn::And":
                return all(self.resolve(argument))
            case "Fn::GetAtt":
                name, attribute = argument if isinstance(argument, list) else argument.split(".", 1)
                return self._attribute(name, attribute)
            case "Fn::Join":
                separator, parts = argument
                return str(separator).join(map(str, self.resolve(parts)))
            case "Fn::FindInMap":
                mapping, key, name = self.resolve(argument)
                return TEMPLATE["Mappings"][mapping][key][name]
            case "Fn::Sub":
                text, variables = argument if isinstance(argument, list) else (argument, {})
                known = {name: str(self.resolve(item)) for name, item in variables.items()}
                return re.sub(r"\$\{([^}]+)\}", lambda found: self._named(found[1], known), text)
        raise NotImplementedError(function)

    def _named(self, name: str, known: dict[str, str]) -> str:
        if name in known:
            return known[name]
        if "." in name:
            return self._attribute(*name.split(".", 1))
        return str(self._reference(name))

    def _reference(self, name: str) -> Any:  # noqa: ANN401
        if name == "AWS::NoValue":
            return _NOTHING
        if name in PSEUDO:
            return PSEUDO[name]
        if name in self.parameters:
            return self.parameters[name]
        assert name in self.resources, f"{name} is not there with these parameters"
        return name

    def _attribute(self, name: str, attribute: str) -> str:
        assert name in self.resources, f"{name} is not there with these parameters"
        return f"arn:{name}" if attribute == "Arn" else name
