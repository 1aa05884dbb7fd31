"""Metric math as CloudWatch's user guide tells of it ("Using math expressions with CloudWatch metrics").

It knows what the template's alarms use: FILL with a number, IF, DIFF, AND and OR, comparisons and arithmetic.
The guide does not say whether FILL fills a series that has no value at all. Here it does not: an alarm that
goes off here goes off in AWS in either case.
"""

import ast
import operator
from collections.abc import Callable, Mapping, Sequence
from functools import cache

from stockstream.errors import StockstreamError

type Series = Sequence[float | None]

_ARITHMETIC: dict[type[ast.AST], Callable[[float, float], float]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
}


class MetricMathError(StockstreamError):
    """A formula that is not known here; the text quotes it."""


def calculate(formulas: Mapping[str, str], measured: Mapping[str, Series], name: str) -> list[float | None]:
    """The datapoints of a formula, newest first.

    Args:
        formulas: by id.
        measured: of each metric, by id, the datapoints of periods that follow each other, newest first; None
            is a missing one. All are of one length.
        name: the id of the formula.

    Raises:
        MetricMathError: it holds what is not known here.
    """
    length = len(next(iter(measured.values())))
    return [_Period(formulas, measured, age, length).value(ast.Name(name)) for age in range(length)]


class _Period:
    """The formulas' values in one period, `age` periods ago."""

    def __init__(
        self, formulas: Mapping[str, str], measured: Mapping[str, Series], age: int, length: int
    ) -> None:
        self._formulas, self._measured = formulas, measured
        self._age, self._length = age, length

    def value(self, node: ast.expr) -> float | None:
        found: float | None
        match node:
            case ast.Name(id=name) if name in self._measured:
                found = self._measured[name][self._age]
            case ast.Name(id=name) if name in self._formulas:
                found = self.value(_parse(self._formulas[name]))
            case ast.Constant(value=int() | float() as number):
                found = float(number)
            case (
                ast.BinOp(left=left, op=op, right=right)
                | ast.Compare(left=left, ops=[op], comparators=[right])
            ) if type(op) in _ARITHMETIC:
                found = self._combine(op, left, right)
            case ast.BoolOp():
                found = self._join(node)
            case ast.Call(func=ast.Name(id=function)):
                found = self._call(function, node)
            case _:
                raise _unknown(node)
        return found

    def _call(self, function: str, call: ast.Call) -> float | None:
        match function, call.args:
            case "FILL", [series, ast.Constant(value=int() | float() as filler)]:
                found = self.value(series)
                return float(filler) if found is None and self._has_any(series) else found
            case "DIFF", [series]:
                older, newer = self._at(self._age + 1).value(series), self.value(series)
                return None if older is None or newer is None else newer - older
            case "IF", [condition, yes, *no]:
                return self._choose(condition, yes, *no)
        raise _unknown(call)

    def _join(self, node: ast.BoolOp) -> float | None:
        found = [self.value(each) for each in node.values]
        if all(each is None for each in found):
            return None
        return float(all(found) if isinstance(node.op, ast.And) else any(found))

    def _combine(self, op: ast.AST, left: ast.expr, right: ast.expr) -> float | None:
        one, two = self.value(left), self.value(right)
        # The guide: "Missing values in a time series are treated as 0", and in comparisons they are where the
        # other series has a value. A number is no series. What would be divided by zero is dropped.
        known = [
            each
            for each, side in ((one, left), (two, right))
            if each is not None and not isinstance(side, ast.Constant)
        ]
        if not known:
            return None
        if isinstance(op, ast.Div) and not two:
            return None
        return float(_ARITHMETIC[type(op)](one or 0.0, two or 0.0))

    def _choose(self, condition: ast.expr, yes: ast.expr, no: ast.expr | None = None) -> float | None:
        asked = self.value(condition)
        if asked is None:
            return None
        if asked:
            return self.value(yes) or 0.0  # the guide: 0 where the condition is true and the value missing
        return self.value(no) if no else None

    def _has_any(self, series: ast.expr) -> bool:
        return any(self._at(age).value(series) is not None for age in range(self._length))

    def _at(self, age: int) -> "_Period":
        if age < self._length:
            return _Period(self._formulas, self._measured, age, self._length)
        before = {name: [None] * self._length for name in self._measured}  # older than what was looked at
        return _Period(self._formulas, before, 0, self._length)


def _unknown(node: ast.expr) -> MetricMathError:
    return MetricMathError(f"{ast.unparse(node)}: metric math that the emulator does not know.")


@cache
def _parse(formula: str) -> ast.expr:
    try:
        return ast.parse(formula.replace(" AND ", " and ").replace(" OR ", " or "), mode="eval").body
    except SyntaxError as error:
        raise MetricMathError(f"{formula}: no formula ({error.msg}).") from error
