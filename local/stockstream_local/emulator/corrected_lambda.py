"""Lambda as AWS has it, where ministack's differs: its metrics, and asynchronous calls that fail.

ministack measures only calls that come through Invoke, and no events that are given up. For SNS and the
scheduler it calls a function once: no retry follows, and nothing reaches the dead-letter queue.
"""

import json
import logging
import time
from typing import Any

from ministack.core.responses import request_scope
from ministack.services import cloudwatch, eventbridge, lambda_svc, sns

_log = logging.getLogger(__name__)

type Json = dict[str, Any]


def correct() -> None:
    """Puts the corrections in place."""
    emit, run = lambda_svc._emit_lambda_metrics, lambda_svc._execute_function_dispatch
    give_up = lambda_svc._route_async_failure

    def run_and_measure(function: Json, config: Json, event: Json, request_id: str, started: float) -> Json:
        result: Json = run(function, config, event, request_id, started)
        milliseconds = (time.time() - started) * 1000
        emit(
            config["FunctionName"], duration_ms=milliseconds, error=bool(result.get("error")), throttle=False
        )
        return result

    def emit_throttles(name: str, duration_ms: float, *, error: bool, throttle: bool) -> None:
        if throttle:
            emit(name, duration_ms=duration_ms, error=error, throttle=True)

    def give_up_and_measure(target: str, name: str, event: Json, result: Json) -> None:
        give_up(target, name, event, result)
        cloudwatch.record_metric("AWS/Lambda", "AsyncEventsDropped", 1.0, "Count", {"FunctionName": name})

    lambda_svc._execute_function_dispatch = run_and_measure
    lambda_svc._route_async_failure = give_up_and_measure
    # Everything else in ministack that measures would count a call a second time.
    lambda_svc._emit_lambda_metrics = emit_throttles
    eventbridge._dispatch_to_lambda = lambda arn, payload: _call(arn, json.loads(payload))
    sns._deliver_to_lambda = _deliver_notification


def _deliver_notification(endpoint: str, envelope: str, _topic: str, subscription: str, *_: object) -> None:
    record = {
        "EventSource": "aws:sns",
        "EventVersion": "1.0",
        "EventSubscriptionArn": subscription,
        "Sns": json.loads(envelope),
    }
    _call(endpoint, {"Records": [record]})


def _call(arn: str, event: Json) -> None:
    function, config, name = lambda_svc._get_func_record_for_ref(arn)
    if not function or not config:
        _log.warning("function %s not found", name)
        return
    # The thread that it starts takes its account and region from here.
    with request_scope(*lambda_svc._account_region_from_function_config(config)):
        lambda_svc.invoke_async_with_retry(lambda_svc._execution_record_for_config(function, config), event)
