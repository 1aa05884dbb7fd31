"""Files that may be compressed, unpacked as far as such a file can be: a bomb is named, and not read."""

import zlib

from stockstream.errors import StockstreamError
from stockstream.inflating import Inflate

GZIP_MAGIC = b"\x1f\x8b"
# Of the compressed bytes: what is left of a piece is copied for each member of gzip that it holds.
_PIECE_BYTES = 64 * 1024


class UnpackError(StockstreamError):
    """A file cannot be unpacked; the text says why, as the rest of a sentence that begins with its name."""


class TooLargeError(UnpackError):
    """It holds more than such a file can."""

    def __init__(self, most_bytes: int) -> None:
        super().__init__(f"holds more than {most_bytes // 2**20:,} MB, and is not read.")


def unpack(read: bytes, most_bytes: int) -> tuple[bytes, bool]:
    """What a file holds, compressed by gzip or not, and whether that is all of it.

    Args:
        read: its bytes.
        most_bytes: of what it holds.

    Raises:
        TooLargeError: it holds more.
        UnpackError: it was changed since it was compressed, so that none of it can be relied on.
    """
    if not read.startswith(GZIP_MAGIC):
        if len(read) > most_bytes:
            raise TooLargeError(most_bytes)
        return read, True
    inflate, body, view = Inflate(), bytearray(), memoryview(read)
    for start in range(0, len(read), _PIECE_BYTES):
        try:
            inflate.add(bytes(view[start : start + _PIECE_BYTES]), body, most_bytes)
        except zlib.error as error:
            raise UnpackError(f"cannot be unpacked ({error}).") from None
        if len(body) > most_bytes:
            raise TooLargeError(most_bytes)
    return bytes(body), inflate.is_whole
