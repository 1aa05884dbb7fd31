"""Reading what a provider sends: JSON objects, and the numbers of a bar."""

import json
from typing import Any

from producer.ohlcv import Ohlcv
from producer.providers.provider_errors import MalformedAnswerError
from stockstream import shown_bars
from stockstream.reading import shorten

# The longest answer is 31 days of a coin: 44,640 bars of eight values at the most.
MOST_VALUES = 500_000
# One letter outside ASCII makes Python's string up to four times as large. A short answer may have some, such
# as a currency's name.
_LONGEST_FOREIGN = 1024 * 1024


def read_object(body: bytes, subject: str) -> dict[str, Any]:
    """An answer that must be a JSON object.

    Args:
        body: the answer's bytes.
        subject: what was asked for, for the error's text.

    Raises:
        MalformedAnswerError: it is none.
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
    """A provider's JSON, within 100 MB of memory: 16 MB of `[],[],` would take 380.

    Raises:
        ValueError: it is no JSON, or holds more values than any answer.
        RecursionError: it is nested too deeply.
    """
    if sum(map(body.count, (b",", b"[", b"{"))) > MOST_VALUES:
        raise ValueError(f"it holds more than {MOST_VALUES:,} values")
    if len(body) > _LONGEST_FOREIGN and (not body.isascii() or b"\\u" in body):
        raise ValueError(f"it has more than {_LONGEST_FOREIGN:,} bytes, and not all are ASCII")
    return json.loads(body)


def show_fields(fields: object) -> str:
    """The fields of a bar as JSON, cut to the length of a log line."""
    try:
        return shorten(json.dumps(fields))
    except RecursionError:
        return ""


def read_ohlcv(fields: object, prices: tuple[str, str, str, str], volume: str) -> Ohlcv:
    """The numbers of one bar, by the provider's names for its prices and its volume.

    A missing or blank volume becomes None: the prices are valid without it.

    Raises:
        RecordError: the bar breaks the rules; its reason says how.
    """
    return Ohlcv(*shown_bars.read_numbers(fields, prices, volume))
