"""What a channel answered, for a log line."""

from stockstream.reading import shorten

_LONGEST = 150


def quote_answer(body: bytes) -> str:
    """The beginning of an answer, in quotation marks."""
    return f'"{shorten(body.decode("utf-8", "replace"))[:_LONGEST]}"'
