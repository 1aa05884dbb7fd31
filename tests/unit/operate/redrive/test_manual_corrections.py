"""What a person repairs: written so that it can be edited, read back, and checked line by line."""

import json
from pathlib import Path
from typing import Any

import pytest
from full_disk import files_end_at

from stockstream_operate.redrive.manual_corrections import (
    CorrectionsFileError,
    read_corrections,
    save_entries,
)
from stockstream_operate.redrive.set_aside import EntryKind, SetAside
from stockstream_operate.redrive.triage import Action, Decision

KEY = "processing-failed/dt=2026-11-20/x"


def decision(data: bytes | None, text: str = "{}") -> Decision:
    entry = SetAside(EntryKind.RECORD, KEY, text, data=data)
    return Decision(entry, Action.LEAVE, "BAD_PRICE", "BAD_PRICE: open is 0, and must be above 0")


def save(path: Path, *decisions: Decision) -> list[dict[str, Any]]:
    with save_entries(path) as saved:
        for each in decisions:
            saved.add(each)
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_a_record_is_written_as_json_with_what_is_wrong_and_where_it_is(tmp_path: Path) -> None:
    (line,) = save(tmp_path / "f", decision(b'{"open": 0}'))

    assert line["record"] == {"open": 0}
    assert (line["reason"], line["file"]) == ("BAD_PRICE", KEY)
    assert line["detail"].endswith("must be above 0")


@pytest.mark.parametrize(
    ("data", "name", "value"),
    [(b"{not json", "text", "{not json"), (b"\xff\x00", "base64", "/wA="), (None, "text", "{}")],
)
def test_what_is_no_json_is_written_as_text_or_as_base64(
    tmp_path: Path, data: bytes | None, name: str, value: str
) -> None:
    (line,) = save(tmp_path / "f", decision(data))

    assert line[name] == value
    assert "record" not in line


def test_a_file_with_nothing_in_it_is_not_left_behind(tmp_path: Path) -> None:
    with save_entries(tmp_path / "f") as saved:
        assert saved.advice() == "Nothing needs a person."
    assert not (tmp_path / "f").exists()

    with save_entries(tmp_path / "f") as saved:
        saved.add(decision(b"{}"))

    assert saved.advice() == f"For a person: 1 in {tmp_path}/f. Edit it, then: --from {tmp_path}/f"


def test_what_was_edited_stands_for_the_entry_that_it_was(tmp_path: Path) -> None:
    first, second = decision(b'{"open": 0}', "first"), decision(b"{not json", "second")
    lines = save(tmp_path / "f", first, second)
    lines[0]["record"]["open"] = 1.5
    lines[1]["text"] = "{}"
    (tmp_path / "f").write_text("\n\n".join(map(json.dumps, lines)))

    assert read_corrections(tmp_path / "f") == {
        first.entry.name: b'{"open": 1.5}',
        second.entry.name: b"{}",
    }


def test_a_record_of_any_depth_can_be_saved_and_read_back(tmp_path: Path) -> None:
    data = b'{"extra": ' + b"[" * 500 + b"]" * 500 + b"}"
    deep = decision(data)
    save(tmp_path / "f", deep)

    assert read_corrections(tmp_path / "f") == {deep.entry.name: data}


@pytest.mark.parametrize(
    "line",
    ["{", "[]", "7", "{}", '{"record": {}}', '{"entry": "e"}', '{"entry": "e", "base64": "/wA"}'],
)
def test_a_line_that_is_no_entry_is_named(tmp_path: Path, line: str) -> None:
    (good,) = save(tmp_path / "f", decision(b"{}"))
    (tmp_path / "f").write_text(f"{json.dumps(good)}\n{line}\n")

    with pytest.raises(CorrectionsFileError, match="line 2 is no entry"):
        read_corrections(tmp_path / "f")


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(CorrectionsFileError, match="none cannot be read: No such file"):
        read_corrections(tmp_path / "none")


def test_a_place_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    with (
        pytest.raises(CorrectionsFileError, match=r"cannot be written: .*/nowhere/f: No such file"),
        save_entries(tmp_path / "nowhere" / "f"),
    ):
        pytest.fail("nothing can be saved")


def test_a_file_that_cannot_be_written_whole_is_not_left_for_a_person(tmp_path: Path) -> None:
    """What is missing in it would never be looked at."""
    with (
        pytest.raises(CorrectionsFileError, match=r"cannot be written: .*/f: File too large"),
        files_end_at(400),
    ):
        save(tmp_path / "f", *[decision(b"{}")] * 9)

    assert list(tmp_path.iterdir()) == []
