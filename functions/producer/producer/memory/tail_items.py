"""The two items in which a tail is kept: a base, and a head that says what has changed since.

A tail of 299 bars takes 2 to 9 KB, and DynamoDB bills each started KB of a write. So the base is an earlier
tail, and most writes write only a head, of less than one KB. The head has its base's digest, so that another
base, or a damaged one, is never taken for it.
"""

from collections import OrderedDict
from dataclasses import replace
from hashlib import blake2b
from typing import Any, NamedTuple

from producer.memory.tail import Tail
from producer.memory.tail_codec import decode_tail, encode_tail
from producer.ohlcv import Ohlcv

type Item = dict[str, Any]

# What one write unit covers.
WRITE_UNIT_BYTES = 1024
# A base is decoded when its tail is read, and needed again when that is written. In between, so many other
# instruments may be read.
_MOST_DECODED = 400


class Base(NamedTuple):
    """The base of a head: the bytes of an earlier tail, and their digest.

    In memory it stays encoded: 299 bars take 3 KB so, and 60 KB as numbers.

    Attributes:
        key: of its item.
    """

    key: str
    data: bytes
    digest: bytes

    def bars(self) -> dict[str, Ohlcv]:
        """The bars of the earlier tail."""
        return _decoded.bars(self) if self.data else {}


NO_BASE = Base("", b"", b"")


class _DecodedBases:
    """A cache of the bars of the newest bases, for all threads.

    It has one base for each item, since an earlier one is not needed again. 400 of them take 24 MB.
    """

    def __init__(self) -> None:
        self._by_key: OrderedDict[str, tuple[bytes, dict[str, Ohlcv]]] = OrderedDict()

    def bars(self, base: Base) -> dict[str, Ohlcv]:
        digest, bars = self._by_key.pop(base.key, (b"", {}))
        if digest != base.digest:
            bars = decode_tail(base.data).bars
        self._by_key[base.key] = base.digest, bars
        if len(self._by_key) > _MOST_DECODED:
            self._by_key.popitem(last=False)
        return bars


_decoded = _DecodedBases()


def base_key(key: str) -> str:
    """The key of the base beside the head with this key."""
    return f"{key}|base"


def encode_base(key: str, tail: Tail) -> tuple[Item, Base]:
    """A tail as the base of the head with this key: its item, and the base."""
    data = encode_tail(Tail(tail.bars))
    item: Item = {"key": {"S": base_key(key)}, "bars": {"B": data}}
    return item, Base(base_key(key), data, _digest(data))


def find_base(item: Item | None, digest: bytes) -> Base | None:
    """The base of an item; None if the digest is that of another one."""
    if item is None or _digest(item["bars"]["B"]) != digest:
        return None
    return Base(item["key"]["S"], item["bars"]["B"], digest)


def named_base(head: Item) -> bytes:
    """The digest of a head's base; that of NO_BASE if it has none."""
    digest: bytes = head["base"]["B"] if "base" in head else NO_BASE.digest
    return digest


def encode_head(key: str, version: int, tail: Tail, base: Base) -> Item:
    """The head's item: how a tail differs from a base. It has no base if they share too little."""
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
    """The bars of a base that are in a tail which begins at `oldest`."""
    return {time: numbers for time, numbers in base.bars().items() if time >= oldest}


def _digest(data: bytes) -> bytes:
    return blake2b(data, digest_size=8).digest()
