"""Decompressing piece by piece, and no more than is wanted."""

import gzip
import zlib

import pytest

from stockstream.inflating import Inflate

TEXT = b"bars of a minute, " * 5_000


def inflate(*parts: bytes, most_bytes: int = 1_000_000) -> tuple[bytes, bool]:
    """What parts hold together, and whether that is all."""
    one, body = Inflate(), bytearray()
    for part in parts:
        one.add(part, body, most_bytes)
    return bytes(body), one.is_whole


@pytest.mark.parametrize("compress", [gzip.compress, zlib.compress])
def test_takes_gzip_and_zlib_in_pieces_of_any_size(compress: type) -> None:
    data = compress(TEXT)

    assert inflate(data) == (TEXT, True)
    assert inflate(*(data[place : place + 7] for place in range(0, len(data), 7))) == (TEXT, True)


def test_what_breaks_off_is_not_whole() -> None:
    body, is_whole = inflate(gzip.compress(TEXT)[:-1])

    assert (body, is_whole) == (TEXT, False)  # its sum is not there


def test_what_has_brought_nothing_lacks_nothing() -> None:
    assert Inflate().is_whole


def test_gzip_may_have_several_members_and_zeros_behind_them() -> None:
    first, second = gzip.compress(b"one "), gzip.compress(b"two")

    assert inflate(first + second) == (b"one two", True)
    assert inflate(first, second) == (b"one two", True)
    assert inflate(first + b"\0\0" + second + b"\0\0") == (b"one two", True)
    assert inflate(first, b"\0\0") == (b"one ", True)
    assert inflate(first + second[:-1]) == (b"one two", False)


@pytest.mark.parametrize("most_bytes", [0, 17, 50_000, 89_999])
def test_no_more_than_one_byte_too_many_is_unpacked(most_bytes: int) -> None:
    data = gzip.compress(TEXT)
    pieces = [data[place : place + 7] for place in range(0, len(data), 7)]

    assert inflate(data, most_bytes=most_bytes)[0] == TEXT[: most_bytes + 1]
    assert inflate(*pieces, most_bytes=most_bytes)[0] == TEXT[: most_bytes + 1]


def test_what_has_just_as_much_as_is_wanted_is_whole() -> None:
    assert inflate(gzip.compress(TEXT), most_bytes=len(TEXT)) == (TEXT, True)


def test_what_was_changed_since_is_an_error() -> None:
    data = bytearray(gzip.compress(TEXT))
    data[-6] ^= 1  # of the sum

    with pytest.raises(zlib.error):
        inflate(bytes(data))
