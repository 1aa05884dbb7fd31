"""CloudFormation as AWS has it, where ministack's differs: composite alarms, and the account in conditions.

ministack evaluates composite alarms that are made by PutCompositeAlarm, and refuses templates that hold one.
It knows AWS::AccountId everywhere but in a template's conditions.
"""

from collections.abc import Mapping
from typing import Any

from ministack.core.responses import get_account_id
from ministack.services import cloudwatch
from ministack.services.cloudformation import changesets, engine, handlers, provisioners, stacks

from stockstream.errors import StockstreamError

type Json = dict[str, Any]


class CompositeAlarmError(StockstreamError):
    """A template's composite alarm is refused; the text is CloudWatch's."""


def correct() -> None:
    """Puts the correction in place."""
    provisioners._RESOURCE_HANDLERS["AWS::CloudWatch::CompositeAlarm"] = {
        "create": _create,
        "update": _update,
        "delete": _delete,
    }
    evaluate = engine._evaluate_conditions

    def evaluate_with_account(template: Json, parameters: Json) -> dict[str, bool]:
        account = {"AWS::AccountId": {"Value": get_account_id(), "NoEcho": False}}
        result: dict[str, bool] = evaluate(template, parameters | account)
        return result

    # The other modules have imported it by name.
    for module in (engine, changesets, handlers, stacks):
        module._evaluate_conditions = evaluate_with_account


def _create(logical_id: str, properties: Json, stack_name: str) -> tuple[str, Json]:
    name = properties.get("AlarmName") or provisioners._physical_name(stack_name, logical_id, max_len=255)
    return _put(name, properties)


def _update(physical_id: str, _old: Json, properties: Json, _stack_name: str) -> tuple[str, Json]:
    return _put(physical_id, properties)


def _delete(physical_id: str, _properties: Json) -> None:
    cloudwatch._delete_alarms({}, {"AlarmNames": [physical_id]}, is_cbor=False, is_json=True)


def _put(name: str, properties: Mapping[str, Any]) -> tuple[str, Json]:
    request = {**properties, "AlarmName": name}
    status, _, body = cloudwatch._put_composite_alarm({}, request, is_cbor=False, is_json=True)
    if status != 200:  # noqa: PLR2004 (HTTP's OK)
        raise CompositeAlarmError(f"{name}: {body.decode()}")
    return name, {"Arn": cloudwatch._composite_alarms[name]["AlarmArn"]}
