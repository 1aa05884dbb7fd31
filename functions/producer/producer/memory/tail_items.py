"""The two items in which a tail is kept: a base, and a head that says what has changed since.

A tail of 299 bars takes 2 to 9 KB, and DynamoDB bills each started KB of a write. So the base is the tail of
some time ago, and each write writes a head within one KB. The head names its base by a digest: another base,
or a damaged one, is never taken for it.
"""

from dataclasses import replace
from functools import lru_cache
from hashlib import blake2b
from typing import Any, NamedTuple

from producer.memory.tail import Tail
from producer.memory.tail_codec import decode_tail, encode_tail
from producer.ohlcv import Ohlcv

type Item = dict[str, Any]

# What a write unit pays for.
WRITE_UNIT_BYTES = 1024


class Base(NamedTuple):
    """What a head stands on: the bytes of an earlier tail, and their digest.

    It stays bytes in memory, where the numbers of 299 bars would take 60 KB, and these take 3.
    """

    data: bytes
    digest: bytes

    def bars(self) -> dict[str, Ohlcv]:
        """The bars of the earlier tail."""
        return _decode_base(self.data) if self.data else {}


NO_BASE = Base(b"", b"")


# A base is needed twice in a run, for reading the tail and for writing it: as many as are between the two.
@lru_cache(maxsize=400)
def _decode_base(data: bytes) -> dict[str, Ohlcv]:
    return decode_tail(data).bars


def base_key(key: str) -> str:
    """The key of the base beside the head with this key."""
    return f"{key}|base"


def encode_base(key: str, tail: Tail) -> tuple[Item, Base]:
    """The item that makes a tail the base of the head with this key, and that base."""
    data = encode_tail(Tail(tail.bars))
    return {"key": {"S": base_key(key)}, "bars": {"B": data}}, Base(data, _digest(data))


def find_base(item: Item | None, digest: bytes) -> Base | None:
    """The base of an item; None where it is not the one that the digest names."""
    if item is None or _digest(item["bars"]["B"]) != digest:
        return None
    return Base(item["bars"]["B"], digest)


def named_base(head: Item) -> bytes:
    """The digest of the base that a head stands on; that of NO_BASE where it stands alone."""
    digest: bytes = head["base"]["B"] if "base" in head else NO_BASE.digest
    return digest


def encode_head(key: str, version: int, tail: Tail, base: Base) -> Item:
    """The item that says how a tail differs from a base; it stands alone where they share too little."""
    kept = _kept(base, tail.oldest)
    if not kept.keys() <= tail.bars.keys():
        kept = {}
    changed = {time: numbers for time, numbers in tail.bars.items() if kept.get(time) != numbers}
    head: Item = {
        "key": {"S": key},
        "version": {"N": str(version)},
        "changes": {"B": encode_tail(replace(tail, bars=changed))},
    }
    return head | {"base": {"B": base.digest}, "oldest": {"S": tail.oldest}} if kept else head


def decode_head(head: Item, base: Base) -> Tail:
    """The tail of a head and the base that it names.

    Raises:
        UnreadableTailError: the head or the base holds no tail, or one in another layout.
    """
    changes = decode_tail(head["changes"]["B"])
    kept = _kept(base, head["oldest"]["S"]) if "base" in head else {}
    return replace(changes, bars=dict(sorted((kept | changes.bars).items())))


def fits_one_unit(item: Item) -> bool:
    """Whether writing the item takes one write unit."""
    # DynamoDB counts names and values; a number takes at most one byte more than it has digits.
    size = sum(len(name) + len(value) + 1 for name, typed in item.items() for value in typed.values())
    return size <= WRITE_UNIT_BYTES


def _kept(base: Base, oldest: str) -> dict[str, Ohlcv]:
    """What a tail that begins with the oldest time keeps of its base."""
    return {time: numbers for time, numbers in base.bars().items() if time >= oldest}


def _digest(data: bytes) -> bytes:
    return blake2b(data, digest_size=8).digest()
