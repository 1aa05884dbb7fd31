"""How IAM decides, as far as our policies go: an Allow that fits, and no Deny that does.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html
"""

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple


class Request(NamedTuple):
    """A call, as IAM sees it.

    Attributes:
        action: `s3:GetObject`.
        resource: the ARN of what it is about.
        context: the keys that come along with it, and no others.
        principal: who calls; empty for the holder of a role.
    """

    action: str
    resource: str
    context: Mapping[str, str] = {}
    principal: str = ""


def is_allowed(statements: Iterable[Mapping[str, Any]], request: Request) -> bool:
    """Whether a policy allows a call; what its conditions ask for has to come along."""
    effects = {each["Effect"] for each in statements if _fits(each, request)}
    return "Allow" in effects and "Deny" not in effects


def _fits(statement: Mapping[str, Any], request: Request) -> bool:
    return (
        any(_like(request.action.lower(), each.lower()) for each in _listed(statement["Action"]))
        # A role's trust is about that role.
        and any(_like(request.resource, each) for each in _listed(statement.get("Resource", "*")))
        and _is_principal(statement.get("Principal"), request.principal)
        and all(
            _holds(operator, request.context.get(key), _listed(wanted))
            for operator, keys in statement.get("Condition", {}).items()
            for key, wanted in keys.items()
        )
    )


def _is_principal(wanted: Any, principal: str) -> bool:
    if wanted is None:
        return not principal
    if wanted == "*":
        return True
    return principal in [each for kind in wanted.values() for each in _listed(kind)]


def _like(text: str, pattern: str) -> bool:
    parts = (".*" if each == "*" else "." if each == "?" else re.escape(each) for each in pattern)
    return re.fullmatch("".join(parts), text) is not None


# What each operator asks of a key's value and a policy's; ArnEquals takes wildcards, as ArnLike does.
_OPERATORS: dict[str, Callable[[str, str], bool]] = {
    "StringEquals": lambda value, wanted: value == wanted,
    "StringLike": _like,
    "ArnLike": _like,
    "ArnEquals": _like,
    "Bool": lambda value, wanted: value.lower() == wanted.lower(),
}


def _holds(operator: str, value: str | None, wanted: list[str]) -> bool:
    """A key that does not come along fits no operator of ours."""
    return value is not None and any(_OPERATORS[operator](value, each) for each in wanted)


def _listed(value: Any) -> list[str]:
    return [value] if isinstance(value, str) else list(value)
