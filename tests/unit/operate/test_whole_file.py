"""A file is whole or not there, and whoever fills a disk is told which file, and what to do."""

import errno
import gzip
from pathlib import Path

import pytest
from full_disk import fill_disk

from stockstream_operate.whole_file import is_part, naming, replacing, say_full, say_os_error, write_whole

ADVICE = "Make room on that disk, and do this again: no file was left half written."


def test_a_full_disk_leaves_what_was_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "f"
    write_whole(file, b"before")
    fill_disk(monkeypatch)

    with pytest.raises(OSError, match="No space left on device") as error:
        write_whole(file, b"afterwards")

    assert error.value.filename == str(file)
    assert file.read_bytes() == b"before"
    assert list(tmp_path.iterdir()) == [file]


def test_a_full_disk_leaves_no_file_where_none_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fill_disk(monkeypatch)

    with pytest.raises(OSError, match="No space left on device"):
        write_whole(tmp_path / "f", b"content")

    assert list(tmp_path.iterdir()) == []


def test_a_file_takes_the_others_place_when_it_is_whole(tmp_path: Path) -> None:
    file = tmp_path / "f"
    write_whole(file, b"before")
    with replacing(file) as part:
        part.write_bytes(b"after")
        # A process that is killed here leaves this, which no reader takes for a file.
        assert [is_part(each) for each in sorted(tmp_path.iterdir())] == [True, False]
        assert file.read_bytes() == b"before"

    assert file.read_bytes() == b"after"
    assert list(tmp_path.iterdir()) == [file]


def test_an_error_keeps_the_name_that_it_has(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError) as error, naming(tmp_path / "f"):
        (tmp_path / "other").read_bytes()
    assert error.value.filename == str(tmp_path / "other")

    # What is wrong with a file that is read is nothing of the file that is written.
    with pytest.raises(gzip.BadGzipFile) as bad, naming(tmp_path / "f"):
        gzip.decompress(b"no gzip")
    assert bad.value.filename is None


def test_a_person_is_told_which_file_and_what_to_do() -> None:
    full = OSError(errno.ENOSPC, "No space left on device", "/lake/a.json.gz")
    assert say_os_error(full) == f"/lake/a.json.gz: No space left on device. {ADVICE}"

    forbidden = PermissionError(errno.EACCES, "Permission denied", "/lake/a.json.gz")
    assert say_os_error(forbidden) == "/lake/a.json.gz: Permission denied"
    # As DuckDB says it.
    said = 'Could not write all bytes to file "/x.parquet": wanted=9 wrote=0 No space left on device'
    assert say_full(said) == f"{said}. {ADVICE}"
    assert say_full("Table x does not exist") == "Table x does not exist"
