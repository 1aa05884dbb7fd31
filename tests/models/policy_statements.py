"""Every statement of the template's policies, SAM's own included, as a row that a page can hold."""

import json
from collections.abc import Iterator
from functools import cache
from typing import Any, NamedTuple

from stockstream_generate.template_file import ROOT

_NOTHING = "${AWS::NoValue}"


class Statement(NamedTuple):
    """One statement of a policy.

    Attributes:
        holder: the logical id of the role, or of the policy of a resource.
        principal: who may, in a policy of a resource or a role's trust; else empty.
        effect: Allow or Deny.
        actions: what.
        resources: on what, with references in braces: `${BarStream.Arn}`.
        conditions: operators and keys, such as `StringEquals sts:ExternalId`.
    """

    holder: str
    principal: str
    effect: str
    actions: tuple[str, ...]
    resources: tuple[str, ...]
    conditions: tuple[str, ...]


@cache
def expanded_template() -> dict[str, Any]:
    """The template with what SAM makes of its resources."""
    # Imported here, since it takes longer than most tests.
    from cfnlint.decode import decode  # noqa: PLC0415
    from cfnlint.template.transforms._sam import Transform  # noqa: PLC0415

    path = str(ROOT / "template.yaml")
    template, _ = decode(path)
    transform = Transform(path, template, "us-east-1")
    assert transform.transform_template() == []
    expanded: dict[str, Any] = transform.template()
    return expanded


def list_statements() -> list[Statement]:
    """All statements, in the template's order; those that a condition leaves out are among them."""
    return [
        _read(name, each["Fn::If"][1] if "Fn::If" in each else each)
        for name, resource in expanded_template()["Resources"].items()
        for each in _find(resource.get("Properties", {}))
    ] + [
        Statement(
            name,
            properties["Principal"],
            "Allow",
            (properties["Action"],),
            tuple(texts(properties["FunctionName"])),
            ("ArnLike aws:SourceArn",),  # what Lambda makes of SourceArn
        )
        for name, resource in expanded_template()["Resources"].items()
        if resource["Type"] == "AWS::Lambda::Permission"
        for properties in [resource["Properties"]]
    ]


def _find(value: Any) -> Iterator[dict[str, Any]]:
    if isinstance(value, dict):
        if "Statement" in value:
            yield from value["Statement"]
        elif str(value.get("Fn::Sub", "")).startswith("{"):
            yield from json.loads(value["Fn::Sub"])["Statement"]
        else:
            for each in value.values():
                yield from _find(each)
    elif isinstance(value, list):
        for each in value:
            yield from _find(each)


def _read(holder: str, statement: dict[str, Any]) -> Statement:
    principal = statement.get("Principal", "")
    return Statement(
        holder,
        ", ".join(texts(list(principal.values()) if isinstance(principal, dict) else principal)),
        statement["Effect"],
        tuple(texts(statement["Action"])),
        tuple(dict.fromkeys(texts(statement.get("Resource", [])))),
        tuple(
            f"{operator} {key}" for operator, keys in statement.get("Condition", {}).items() for key in keys
        ),
    )


def texts(value: Any) -> list[str]:
    """What a value can be, with references in braces; a condition's both branches."""
    if isinstance(value, str):
        return [value]
    if isinstance(value, list):
        return [text for each in value for text in texts(each)]
    ((name, argument),) = value.items()
    if name == "Ref":
        found = [f"${{{argument}}}"]
    elif name == "Fn::GetAtt":
        found = [f"${{{argument if isinstance(argument, str) else '.'.join(argument)}}}"]
    elif name == "Fn::Sub":
        found = [argument if isinstance(argument, str) else argument[0]]
    else:
        assert name == "Fn::If", name
        found = texts(argument[1:])
    return [text for text in found if text != _NOTHING]
