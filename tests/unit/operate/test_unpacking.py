"""Files that may be compressed: all that they hold, or why not."""

import gzip

import pytest

from stockstream_operate.unpacking import TooLargeError, UnpackError, unpack

LINES = b"one\ntwo\n"


@pytest.mark.parametrize(
    ("read", "held"),
    [
        (LINES, (LINES, True)),
        (b"", (b"", True)),
        (gzip.compress(LINES), (LINES, True)),
        (gzip.compress(LINES) * 3, (LINES * 3, True)),
        (gzip.compress(LINES) + bytes(512), (LINES, True)),
        (gzip.compress(LINES, compresslevel=0)[:-12], (LINES[:-4], False)),
        (gzip.compress(LINES)[:-1], (LINES, False)),
        (gzip.compress(LINES)[:5], (b"", False)),
    ],
    ids=[
        "plain",
        "empty",
        "gzip",
        "members",
        "padded",
        "cut in what it holds",
        "cut at its end",
        "a few bytes",
    ],
)
def test_gives_what_a_file_holds_and_whether_that_is_all(read: bytes, held: tuple[bytes, bool]) -> None:
    assert unpack(read, 100) == held


@pytest.mark.parametrize("compress", [bytes, gzip.compress], ids=["plain", "gzip"])
@pytest.mark.parametrize("parts", [1, 2])
def test_what_is_one_byte_too_large_is_refused(compress: type, parts: int) -> None:
    half = LINES * (50 // parts)
    read = b"".join(compress(half) for _ in range(parts))

    assert unpack(read, 400) == (LINES * 50, True)
    with pytest.raises(TooLargeError, match="and is not read"):
        unpack(read, 399)


@pytest.mark.parametrize(
    "read", [gzip.compress(LINES) + b"rest", b"\x1f\x8bnot gzip"], ids=["rest", "no gzip"]
)
def test_what_was_changed_is_refused(read: bytes) -> None:
    with pytest.raises(UnpackError, match="cannot be unpacked"):
        unpack(read, 100)


def test_a_file_of_very_many_members_is_read_in_the_time_that_it_takes() -> None:
    # What is left of a file is not copied for each of them: that would be a terabyte here.
    read = gzip.compress(b"") * 200_000

    assert unpack(read, 100) == (b"", True)
