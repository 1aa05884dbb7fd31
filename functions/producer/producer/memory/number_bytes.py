"""Numbers as bytes: whole numbers in as many as each needs, lowest first, and doubles in eight."""

import struct
from collections.abc import Iterable, Iterator, Sequence
from itertools import accumulate

# Seven bits of a byte are the number's; the eighth says that more follow.
_BITS = 7
_MORE = 1 << _BITS


def differences(numbers: Sequence[int], others: Sequence[int]) -> list[int]:
    """Each number less the other one at its place; others may be longer."""
    return [number - other for number, other in zip(numbers, others, strict=False)]


def write_wholes(numbers: Iterable[int]) -> bytes:
    """The bytes of numbers from 0."""
    data = bytearray()
    for number in numbers:
        rest = int(number)
        while rest >= _MORE:
            data.append(rest & (_MORE - 1) | _MORE)
            rest >>= _BITS
        data.append(rest)
    return bytes(data)


def write_signed(numbers: Iterable[int]) -> bytes:
    """The bytes of numbers of either sign; small ones are short."""
    # 0, -1, 1, -2, ... become 0, 1, 2, 3, ...
    return write_wholes(2 * number if number >= 0 else -2 * number - 1 for number in numbers)


def write_changes(numbers: Sequence[int]) -> bytes:
    """The bytes of numbers that differ little from one to the next."""
    return write_signed(differences(numbers, [0, *numbers]))


def write_doubles(numbers: Sequence[float]) -> bytes:
    """The bytes of any floats."""
    return struct.pack(f"<{len(numbers)}d", *numbers)


class Reader:
    """Reads, from the front, what the functions above wrote.

    Its methods raise IndexError or struct.error where the bytes end too soon.
    """

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._position = 0

    def whole(self) -> int:
        """The next number from 0."""
        number = shift = 0
        while (byte := self._data[self._position]) >= _MORE:
            number |= (byte & (_MORE - 1)) << shift
            shift += _BITS
            self._position += 1
        self._position += 1
        return number | byte << shift

    def wholes(self, count: int) -> list[int]:
        """The next numbers from 0."""
        return [self.whole() for _ in range(count)]

    def signed(self, count: int) -> list[int]:
        """The next numbers of either sign."""
        return [(whole >> 1) ^ -(whole & 1) for whole in self.wholes(count)]

    def changes(self, count: int) -> Iterator[int]:
        """The next numbers that were written as changes."""
        return accumulate(self.signed(count))

    def doubles(self, count: int) -> tuple[float, ...]:
        """The next floats."""
        numbers = struct.unpack_from(f"<{count}d", self._data, self._position)
        self._position += 8 * count
        return numbers

    def expect_end(self) -> None:
        """Raises ValueError where bytes are left."""
        if self._position != len(self._data):
            raise ValueError(f"{len(self._data) - self._position} bytes too many")
