"""The templates as data, with CloudFormation's short functions written out: `!Ref X` is `{"Ref": "X"}`."""

from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parents[2]
TEMPLATE, BUDGET, DEPLOY_ROLE = ROOT / "template.yaml", ROOT / "budget.yaml", ROOT / "deploy-role.yaml"


class _Loader(yaml.CSafeLoader):
    """Reads CloudFormation's tags, besides what YAML itself has."""


def _read_tag(loader: _Loader, tag: str, node: yaml.Node) -> dict[str, Any]:
    value: Any
    if isinstance(node, yaml.ScalarNode):
        value = loader.construct_scalar(node)
    elif isinstance(node, yaml.SequenceNode):
        value = loader.construct_sequence(node, deep=True)
    else:
        value = loader.construct_mapping(node, deep=True)  # type: ignore[arg-type]  # there is no fourth kind
    if tag in {"Ref", "Condition"}:
        return {tag: value}
    if tag == "GetAtt" and isinstance(value, str):
        value = value.split(".", 1)
    return {f"Fn::{tag}": value}


_Loader.add_multi_constructor("!", _read_tag)


def read_template(path: Path = TEMPLATE) -> dict[str, Any]:
    """A template before any transformation."""
    template: dict[str, Any] = yaml.load(path.read_bytes(), Loader=_Loader)  # noqa: S506 (it is a safe loader)
    return template
