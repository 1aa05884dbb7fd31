"""What a query's answer looks like: a table for a person, CSV and JSON lines for a program."""

import csv
import json
import math
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, date, datetime
from io import StringIO
from typing import Any

from rich.table import Table
from rich.text import Text

from stockstream_operate.lake.result import LakeQueryError, Result

_NOTHING = "-"


def as_table(result: Result) -> Table:
    """A row for each row; numbers to the right, to nine digits."""
    return _make_table(result, range(len(result.columns)))


def as_tables(result: Result, fits: Callable[[Table], bool]) -> Iterator[Table]:
    """The columns in several tables, as many in each as fit, for what is too wide for one.

    Each begins with the row's number, so that a row is found again in the next.

    Args:
        result: the answer.
        fits: whether a table can be shown whole.
    """
    chosen: list[int] = []
    for place in range(len(result.columns)):
        if chosen and not fits(_make_table(result, [*chosen, place], is_numbered=True)):
            yield _make_table(result, chosen, is_numbered=True)
            chosen = []
        chosen.append(place)
    if chosen:
        yield _make_table(result, chosen, is_numbered=True)


def _make_table(result: Result, places: Sequence[int], *, is_numbered: bool = False) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold")
    if is_numbered:
        table.add_column("", justify="right", no_wrap=True)
    for place in places:
        is_number = any(isinstance(row[place], int | float) for row in result.rows)
        table.add_column(result.columns[place], justify="right" if is_number else "left", no_wrap=True)
    for number, row in enumerate(result.rows, 1):
        numbered = [str(number)] if is_numbered else []
        table.add_row(*numbered, *(Text(_show(row[place])) for place in places))
    return table


def as_csv(result: Result) -> str:
    """Comma-separated values with a line of names; null is empty, times are as in JSON."""
    text = StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(result.columns)
    writer.writerows([_write(value) for value in row] for row in result.rows)
    return text.getvalue().removesuffix("\n")


def as_json_lines(result: Result) -> str:
    """One JSON object a line, as in the lake; what is no number is null.

    Raises:
        LakeQueryError: two columns have one name, so that an object could hold only one of them.
    """
    doubled = [name for name, count in Counter(result.columns).items() if count > 1]
    if doubled:
        raise LakeQueryError(
            f"Two columns are called {doubled[0]}, and a JSON object holds each name once: "
            f"name one of them anew, as in {doubled[0]} AS other."
        )
    return "\n".join(
        json.dumps(dict(zip(result.columns, map(_jsonable, row), strict=True)), ensure_ascii=False)
        for row in result.rows
    )


def _show(value: Any) -> str:  # noqa: ANN401 (a column may hold anything)
    match value:
        case None:
            return _NOTHING
        case float():
            return f"{value:.9g}"
        case datetime():
            # Bars begin at whole minutes; what has a fraction of a second shows it to the millisecond.
            return _in_utc(value).isoformat(" ", "milliseconds" if value.microsecond else "seconds")
    return str(value)


def _write(value: Any) -> Any:  # noqa: ANN401 (a column may hold anything)
    match value:
        case datetime():
            return _in_utc(value).isoformat(timespec="milliseconds") + "Z"
        case date():
            return value.isoformat()
        case None | bool() | int() | float() | str():
            return value
    return str(value)


def _jsonable(value: Any) -> Any:  # noqa: ANN401 (a column may hold anything)
    """JSON has neither NaN nor Infinity."""
    return None if isinstance(value, float) and not math.isfinite(value) else _write(value)


def _in_utc(moment: datetime) -> datetime:
    """The moment without a zone, as the lake's times are; now() has one."""
    return moment.astimezone(UTC).replace(tzinfo=None) if moment.tzinfo else moment
