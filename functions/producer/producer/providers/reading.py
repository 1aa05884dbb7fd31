"""Reading what any provider sends: JSON objects, and the numbers of a bar."""

import json
from typing import Any

from producer.ohlcv import Ohlcv
from producer.providers.provider_errors import MalformedAnswerError
from stockstream import shown_bars
from stockstream.reading import shorten

# The longest answer that is asked for is 31 days of a coin: 44,640 bars, of eight values at the most.
MOST_VALUES = 500_000
# One letter that ASCII lacks makes the whole text up to four times as large; a currency's name may have some.
_LONGEST_FOREIGN = 1024 * 1024


def read_object(body: bytes, subject: str) -> dict[str, Any]:
    """The JSON object that an answer is.

    Args:
        body: the answer's bytes.
        subject: what was asked for, for the error's text.

    Raises:
        MalformedAnswerError: it is something else.
    """
    try:
        answer = parse_json(body)
    except (ValueError, RecursionError):
        raise MalformedAnswerError(
            f"{subject}: the answer of {len(body)} bytes is not JSON, or too much of it"
        ) from None
    if not isinstance(answer, dict):
        raise MalformedAnswerError(f"{subject}: the answer is a JSON {type(answer).__name__}")
    return answer


def parse_json(body: bytes) -> Any:  # noqa: ANN401 (JSON holds anything)
    """What a provider's JSON holds, in 100 MB of memory at the most: 16 MB of `[],[],` would take 380.

    Raises:
        ValueError: it is no JSON, or holds more than an answer can.
        RecursionError: it is nested too deeply.
    """
    if sum(map(body.count, (b",", b"[", b"{"))) > MOST_VALUES:
        raise ValueError(f"it holds more than {MOST_VALUES:,} values")
    if len(body) > _LONGEST_FOREIGN and (not body.isascii() or b"\\u" in body):
        raise ValueError(f"it has more than {_LONGEST_FOREIGN:,} bytes, and not all are ASCII")
    return json.loads(body)


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
