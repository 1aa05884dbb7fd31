"""Files that are whole or not there at all, and what to say to a person where one cannot be written."""

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

# No room is left, or the user may have no more of it; DuckDB says it in these words, too.
_FULL_WORDS = (os.strerror(errno.ENOSPC), os.strerror(errno.EDQUOT))
_BEFORE, _AFTER = ".", ".part"


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Gives another path, where a file may be written that takes the place of this one at the end.

    Whatever goes wrong, what was there before stays as it was. No reader of a folder sees the other file,
    whose name begins with a dot.

    Args:
        path: in a folder that is there.

    Raises:
        OSError: it cannot be written; its `filename` says which.
    """
    part = path.with_name(f"{_BEFORE}{path.name}{_AFTER}")
    try:
        yield part
        part.replace(path)
    except OSError as error:
        _name(error, path, part)
        raise
    finally:
        with suppress(OSError):
            part.unlink()


def write_whole(path: Path, content: bytes) -> None:
    """Writes a file in place of the one that is there, if any, whole or not at all.

    Raises:
        OSError: it cannot be written; its `filename` says which.
    """
    with replacing(path) as part:
        part.write_bytes(content)


def is_part(path: Path) -> bool:
    """Whether a file is what a process that was killed had written so far."""
    return path.name.startswith(_BEFORE) and path.name.endswith(_AFTER)


@contextmanager
def naming(path: Path) -> Iterator[None]:
    """Within, an OSError that names no file names this one: a write to a full disk names none."""
    try:
        yield
    except OSError as error:
        _name(error, path)
        raise


def _name(error: OSError, path: Path, part: Path | None = None) -> None:
    # Without a number it is about what a file holds, and not about writing it.
    if error.errno is not None and (error.filename is None or str(error.filename) == str(part)):
        error.filename = str(path)


def say_os_error(error: OSError) -> str:
    """Which file it is about, why, and what to do."""
    where = f"{error.filename}: " if error.filename else ""
    return say_full(f"{where}{error.strerror or error}")


def is_full_in_words(reason: str) -> bool:
    """Whether an error's text says that a disk is full."""
    return any(words in reason for words in _FULL_WORDS)


def say_full(reason: str) -> str:
    """A reason, and what to do where it says that a disk is full."""
    if not is_full_in_words(reason):
        return reason
    return f"{reason.rstrip('.')}. Make room on that disk, and do this again: no file was left half written."
