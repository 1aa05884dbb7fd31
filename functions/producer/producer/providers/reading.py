"""Reading what any provider sends: JSON objects, and the numbers of a bar."""

import json
from typing import Any

from producer.ohlcv import Ohlcv
from producer.providers.provider_errors import MalformedAnswerError
from stockstream.errors import Reason, RecordError
from stockstream.reading import read_number, shorten
from stockstream.validation import check_prices, check_volume


def read_object(body: bytes, subject: str) -> dict[str, Any]:
    """The JSON object that an answer is.

    Args:
        body: the answer's bytes.
        subject: what was asked for, for the error's text.

    Raises:
        MalformedAnswerError: it is something else.
    """
    try:
        answer = json.loads(body)
    except (ValueError, RecursionError):
        raise MalformedAnswerError(f"{subject}: the answer of {len(body)} bytes is not JSON") from None
    if not isinstance(answer, dict):
        raise MalformedAnswerError(f"{subject}: the answer is a JSON {type(answer).__name__}")
    return answer


def show_fields(fields: object) -> str:
    """The fields of a bar as JSON, cut to what a log line can bear."""
    try:
        return shorten(json.dumps(fields))
    except RecursionError:
        return ""


def read_numbers(fields: object, prices: tuple[str, str, str, str], volume: str) -> Ohlcv:
    """The numbers of one bar, by its names for open, high, low and close, and for the volume if it has one.

    A volume that is blank is none: its prices are as good as those of a bar without one.

    Raises:
        RecordError: the bar breaks the rules; its reason says how.
    """
    if not isinstance(fields, dict):
        raise RecordError(Reason.BAD_TYPE, "the bar is not an object")
    open_, high, low, close = (_read_field(fields, name) for name in prices)
    is_blank = fields.get(volume) is None or str(fields[volume]).strip() == ""
    traded = None if is_blank else _read_field(fields, volume)
    check_prices(open_, high, low, close)
    check_volume(traded)
    return Ohlcv(open_, high, low, close, traded)


def _read_field(fields: dict[str, Any], name: str) -> float:
    if name not in fields:
        raise RecordError(Reason.MISSING_FIELD, f"{name} is missing")
    return read_number(fields[name], name)
