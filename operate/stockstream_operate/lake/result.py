"""The answer to a query of the lake, or why there is none."""

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

import duckdb

from stockstream.errors import StockstreamError
from stockstream_operate.whole_file import say_full, say_os_error

_SENTENCE = re.compile(r"(?:\w+ )+Error: (.*?)(?:\n\s*(?:LINE|Candidate functions:) .*)?", re.DOTALL)
# An error of one of its threads stands in that of another, as JSON.
_WITHIN = re.compile(r'\{"exception_type":.*\}', re.DOTALL)


class LakeQueryError(StockstreamError):
    """A query cannot be answered; the text says why."""


class Result(NamedTuple):
    """The answer to a query.

    Attributes:
        columns: their names.
        rows: a value for each column: str, int, float, date, datetime (UTC, without a zone), None.
    """

    columns: tuple[str, ...]
    rows: list[tuple[Any, ...]]


@contextmanager
def in_words() -> Iterator[None]:
    """Within, what DuckDB or the disk cannot do is a LakeQueryError in its words."""
    try:
        yield
    except duckdb.CatalogException as error:
        # DuckDB would suggest tables and functions of its own.
        raise LakeQueryError(_say(error).splitlines()[0]) from error
    except duckdb.Error as error:
        raise LakeQueryError(say_full(_say(error))) from error
    except OSError as error:
        raise LakeQueryError(say_os_error(error)) from error


def _say(error: duckdb.Error) -> str:
    """DuckDB's own words, without the line that they are about: that is of the translation."""
    if within := _WITHIN.search(str(error)):
        return str(json.loads(within[0])["exception_message"])
    said = _SENTENCE.fullmatch(str(error))
    return said[1] if said else str(error)
