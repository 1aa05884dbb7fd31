"""Decompressing what others have sent, up to a limit: a few bytes can stand for gigabytes."""

import zlib

# zlib recognises which of the two it is.
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
        """Decompresses a part into a body, and stops when the body has one byte more than most_bytes.

        Raises:
            zlib.error: it is neither gzip nor zlib, or damaged.
        """
        while part and len(body) <= most_bytes:
            if self._member.eof:
                # gzip may have several members, and zeros after the last one.
                part = part.lstrip(b"\0")
                if not part:
                    return
                self._member = zlib.decompressobj(_GZIP_OR_ZLIB)
            body += self._member.decompress(part, most_bytes + 1 - len(body))
            part = self._member.unused_data or self._member.unconsumed_tail
            self.is_whole = self._member.eof
