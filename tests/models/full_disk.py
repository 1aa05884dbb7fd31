"""A disk without room: a played one for what Python writes, the system's own limit for what DuckDB writes."""

import errno
import os
import resource
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest


def fill_disk(patches: pytest.MonkeyPatch, name: str = "") -> None:
    """From now on the disk takes half of what a file is to hold, and then says so, without the file's name.

    Args:
        patches: end it.
        name: of the files that are on that disk; all, if it is not given.
    """
    write = Path.write_bytes

    def write_half(path: Path, data: bytes) -> int:
        if name and path.name != name:
            return write(path, data)
        with path.open("wb") as file:
            file.write(data[: len(data) // 2])
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    patches.setattr(Path, "write_bytes", write_half)


@contextmanager
def files_end_at(size: int) -> Iterator[None]:
    """Within, no file of this process grows beyond so many bytes."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
