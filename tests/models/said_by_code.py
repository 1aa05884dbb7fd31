"""What the functions say of themselves, read from their source: metrics, log messages and log keys."""

import ast
import json
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from producer.publishing.price_moves import PriceMove
from stockstream.errors import Reason, RecordError
from transform.report import log_lines

ROOT = Path(__file__).parents[2]
FUNCTIONS = ROOT / "functions"
# What the layer says through a function's logger.
SAID_BY_THE_LAYER = {"producer": [ROOT / "layers" / "common" / "stockstream" / "bar_stream.py"]}
# Powertools' own: https://docs.powertools.aws.dev/lambda/python/latest/core/logger/#standard-structured-keys
STANDARD_KEYS = {"level", "location", "message", "timestamp", "service", "function_request_id", "exception"}


@cache
def metrics_of(function: str) -> frozenset[str]:
    """The names of the metrics that a function can send."""
    if function == "transform":  # which writes its metrics by itself
        refusals = [(str(number), RecordError(reason, "")) for number, reason in enumerate(Reason)]
        *_, line = log_lines({"records": []}, [], refusals, 0, "stockstream", "ERROR")
        (directive,) = json.loads(line)["_aws"]["CloudWatchMetrics"]
        return frozenset(metric["Name"] for metric in directive["Metrics"])
    names: set[str] = set()
    for tree in _trees(function):
        for node in ast.walk(tree):
            if isinstance(node, ast.For):
                names |= _looped_names(node)
            elif isinstance(node, ast.Call) and _called(node) == "add_metric":
                names |= {str(arg.value) for arg in node.args[:1] if isinstance(arg, ast.Constant)}
    return frozenset(names)


@cache
def messages_of(function: str) -> frozenset[str]:
    """The constant messages of a function's log lines."""
    return frozenset(
        value.value
        for call in _log_calls(function)
        for argument in [*call.args[:1], *(each.value for each in call.keywords if each.arg == "message")]
        for value in ast.walk(argument)
        if isinstance(value, ast.Constant) and isinstance(value.value, str)
    )


@cache
def keys_of(function: str) -> frozenset[str]:
    """The keys of a function's log lines."""
    keys = {*STANDARD_KEYS, *metrics_of(function)}
    for call in _log_calls(function):
        keys |= {each.arg for each in call.keywords if each.arg}
    for tree in _trees(function):
        for node in ast.walk(tree):
            # Keys that several lines share stand in a dict of that name, or in extra={...}.
            shared = isinstance(node, ast.Assign) and any(
                isinstance(target, ast.Name) and target.id == "keys" for target in node.targets
            )
            if shared or (isinstance(node, ast.keyword) and node.arg == "extra"):
                keys |= {
                    str(key.value)
                    for each in ast.walk(node)
                    if isinstance(each, ast.Dict)
                    for key in each.keys
                    if isinstance(key, ast.Constant)
                }
    return frozenset(keys | set(PriceMove._fields) if function == "producer" else keys)


def _trees(function: str) -> Iterator[ast.Module]:
    for path in [
        *sorted((FUNCTIONS / function / function).rglob("*.py")),
        *SAID_BY_THE_LAYER.get(function, []),
    ]:
        yield ast.parse(path.read_text(encoding="utf-8"))


def _called(call: ast.Call) -> str:
    return call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")


def _log_calls(function: str) -> Iterator[ast.Call]:
    for tree in _trees(function):
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and _called(node) in {
                "info",
                "warning",
                "error",
                "_encode",
                "_warn",
            }:
                yield node


def _looped_names(loop: ast.For) -> set[str]:
    """The names of a loop `for metric, count in {"BarsPublished": ...}.items()` that adds metrics."""
    adds = any(isinstance(node, ast.Call) and _called(node) == "add_metric" for node in ast.walk(loop))
    keys = [key for node in ast.walk(loop.iter) if isinstance(node, ast.Dict) for key in node.keys]
    return {str(key.value) for key in keys if isinstance(key, ast.Constant)} if adds else set()
