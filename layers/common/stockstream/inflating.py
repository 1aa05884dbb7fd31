"""Decompressing what others have compressed, as far as is wanted: a few bytes can stand for gigabytes."""

import zlib

# zlib finds out by itself which of the two it is.
_GZIP_OR_ZLIB = 32 + zlib.MAX_WBITS


class Inflate:
    """Decompresses gzip or zlib piece by piece.

    Attributes:
        is_whole: whether what was added so far is all of it.
    """

    def __init__(self) -> None:
        self._member = zlib.decompressobj(_GZIP_OR_ZLIB)
        self.is_whole = True

    def add(self, part: bytes, body: bytearray, most_bytes: int) -> None:
        """Adds what a part holds to a body, which grows beyond the most bytes by one at the most.

        Raises:
            zlib.error: it is not compressed so, or was changed since.
        """
        while part and len(body) <= most_bytes:
            if self._member.eof:
                # gzip may consist of several members, and ends with zeros at times.
                part = part.lstrip(b"\0")
                if not part:
                    return
                self._member = zlib.decompressobj(_GZIP_OR_ZLIB)
            body += self._member.decompress(part, most_bytes + 1 - len(body))
            part = self._member.unused_data or self._member.unconsumed_tail
            self.is_whole = self._member.eof
