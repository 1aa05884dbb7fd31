"""Reading what any provider sends: JSON objects, and the numbers of a bar."""

import json
from typing import Any

from producer.ohlcv import Ohlcv
from producer.providers.provider_errors import MalformedAnswerError
from stockstream import shown_bars
from stockstream.reading import shorten


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
    return Ohlcv(*shown_bars.read_numbers(fields, prices, volume))
