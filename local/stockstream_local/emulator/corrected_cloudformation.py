"""CloudFormation as AWS has it, where ministack's differs: alarms of some kinds, and functions in conditions.

ministack evaluates composite alarms that are made by PutCompositeAlarm, and refuses templates that hold one.
It refuses alarms on metric math, too, which corrected_cloudwatch evaluates.
In conditions it works out the Ref of a parameter, and takes other functions and AWS::AccountId for values.
"""

from collections.abc import Callable, Mapping
from typing import Any

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
    record = provisioners._cw_metric_alarm_record
    provisioners._cw_metric_alarm_record = lambda name, properties: _record(record, name, properties)
    evaluate = engine._evaluate_conditions

    def evaluate_resolved(template: Json, parameters: Json) -> dict[str, bool]:
        conditions = _resolve(template.get("Conditions", {}), parameters)
        evaluated: dict[str, bool] = evaluate(template | {"Conditions": conditions}, parameters)
        return evaluated

    # The other modules have imported it by name.
    for module in (engine, changesets, handlers, stacks):
        module._evaluate_conditions = evaluate_resolved


def _resolve(value: Any, parameters: Json) -> Any:  # noqa: ANN401 (a template's values are of any kind)
    """A template's conditions, with what each Equals compares worked out."""
    if isinstance(value, list):
        return [_resolve(item, parameters) for item in value]
    if not isinstance(value, dict):
        return value
    if "Fn::Equals" in value:
        compared = [
            engine._resolve_refs(each, {}, parameters, {}, {}, "", "") for each in value["Fn::Equals"]
        ]
        return {"Fn::Equals": compared}
    return {key: _resolve(item, parameters) for key, item in value.items()}


def _record(record: Callable[[str, Json], Json], name: str, properties: Json) -> Json:
    """What DescribeAlarms tells of a template's alarm."""
    metrics = [_typed(each) for each in properties.get("Metrics") or []]
    if not metrics:
        return record(name, properties)
    of_one_metric = {**properties, "Metrics": None, "MetricName": "-", "Namespace": "-"}
    (period,) = {each["MetricStat"]["Period"] for each in metrics if "MetricStat" in each}
    no_metric = dict.fromkeys(("MetricName", "Namespace", "Statistic", "Unit"))
    return {**record(name, of_one_metric), **no_metric, "Period": period, "Metrics": metrics}


def _typed(query: Json) -> Json:
    """One of an alarm's Metrics; a template's values may all be text."""
    typed = dict(query)
    if "ReturnData" in query:
        typed["ReturnData"] = str(query["ReturnData"]).lower() == "true"
    if "MetricStat" in query:
        typed["MetricStat"] = {**query["MetricStat"], "Period": int(query["MetricStat"]["Period"])}
    return typed


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
