"""The bytes of a tail: compressed JSON, by columns, since the numbers of one column resemble each other.

DynamoDB bills each started KB of a write, and every bar is a write.
"""

import json
import sys
import zlib
from collections.abc import Iterator
from functools import partial
from typing import Any

import orjson

from producer.memory.tail import Tail, TailError
from producer.ohlcv import Ohlcv
from stockstream.splits import Split


class UnreadableTailError(TailError):
    """What is stored is no tail that this version can read; the text says what to do."""


def encode_tail(tail: Tail) -> bytes:
    """The bytes of a tail."""
    document: dict[str, object] = {
        "times": list(tail.bars),
        "columns": list(zip(*tail.bars.values(), strict=True)),
        "doubtful": sorted(tail.doubtful),
        "forgotten": tail.forgotten,
    }
    if tail.splits:
        document["splits"] = [(split.at, split.new, split.old) for split in tail.splits]
    # Not orjson: it writes null for NaN and for an infinite number.
    return zlib.compress(json.dumps(document, separators=(",", ":")).encode(), level=9)


def decode_tail(data: bytes) -> Tail:
    """The tail that was encoded, to the last bit.

    Raises:
        UnreadableTailError: the bytes are no tail, or one in another layout.
    """
    try:
        document = _parse(zlib.decompress(data))
        # The same minutes are in the tails of all instruments, and need not lie in memory once for each.
        times = map(sys.intern, document["times"])
        bars = dict(zip(times, _rows(document["columns"]), strict=True))
        splits = tuple(Split(*split) for split in document.get("splits", ()))
        return Tail(bars, frozenset(document["doubtful"]), document["forgotten"], splits)
    except (zlib.error, ValueError, TypeError, KeyError, RecursionError) as error:
        raise UnreadableTailError(f"its bytes are no tail ({type(error).__name__}: {error})") from None


def _rows(columns: list[list[Any]]) -> Iterator[Ohlcv]:
    if columns and len(columns) != len(Ohlcv._fields):
        raise ValueError(f"{len(columns)} columns")
    # The tuple's own constructor: a call of Python's for each bar would take half as long again.
    return map(partial(tuple.__new__, Ohlcv), zip(*columns, strict=True))


def _parse(text: bytes) -> Any:  # noqa: ANN401 (any JSON)
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError:
        return json.loads(text)  # which also reads NaN and the infinite numbers
