"""docs/parameters.md: every parameter of the template, in the groups in which SAM's form shows them."""

from collections.abc import Iterator
from typing import Any

from stockstream_generate.template_file import read_template

HEAD = """\
# The parameters of the stack

Made by `make generate` from template.yaml; do not edit it by hand.

To set some, at first or later: `make deploy ARGS="NAME=VALUE NAME=VALUE"`.
What is not named keeps the value that the stack has.
"""


def write_parameters_page() -> str:
    """The page."""
    template = read_template()
    groups = template["Metadata"]["AWS::CloudFormation::Interface"]["ParameterGroups"]
    return HEAD + "".join(
        "\n".join(["", f"## {group['Label']['default']}", "", *_rows(group["Parameters"], template), ""])
        for group in groups
    )


def _rows(names: list[str], template: dict[str, Any]) -> Iterator[str]:
    yield "| parameter | default | what it says |"
    yield "|---|---|---|"
    for name in names:
        parameter = template["Parameters"][name]
        default = f"`{parameter['Default']}`" if parameter["Default"] != "" else "empty"
        choices = parameter.get("AllowedValues")
        told = f" One of {', '.join(f'`{each}`' for each in choices)}." if choices else ""
        yield f"| `{name}` | {default} | {parameter['Description']}{told} |"
