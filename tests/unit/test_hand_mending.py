"""What a person mends: written so that it can be edited, read back, and checked line by line."""

import json
from pathlib import Path
from typing import Any

import pytest

from stockstream_local.decisions import Action, Decision
from stockstream_local.hand_mending import HandMendingError, SavedEntries, read_corrections
from stockstream_local.set_aside import Kind, SetAside

KEY = "processing-failed/dt=2026-11-20/x"


def decision(data: bytes | None, text: str = "{}") -> Decision:
    entry = SetAside(Kind.RECORD, KEY, text, data=data)
    return Decision(entry, Action.LEAVE, "BAD_PRICE", "BAD_PRICE: open is 0, and must be above 0")


def save(path: Path, *decisions: Decision) -> list[dict[str, Any]]:
    saved = SavedEntries(path)
    for each in decisions:
        saved.add(each)
    assert saved.count == len(decisions)
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_a_record_is_written_as_json_with_what_is_wrong_and_where_it_is(tmp_path: Path) -> None:
    (line,) = save(tmp_path / "f", decision(b'{"open": 0}'))

    assert line["record"] == {"open": 0}
    assert (line["reason"], line["key"]) == ("BAD_PRICE", KEY)
    assert line["detail"].endswith("must be above 0")


@pytest.mark.parametrize(
    ("data", "name", "value"),
    [(b"{not json", "text", "{not json"), (b"\xff\x00", "base64", "/wA="), (None, "base64", "e30=")],
)
def test_what_is_no_json_is_written_as_text_or_as_base64(
    tmp_path: Path, data: bytes | None, name: str, value: str
) -> None:
    (line,) = save(tmp_path / "f", decision(data))

    assert line[name] == value
    assert "record" not in line


def test_what_was_edited_stands_for_the_entry_that_it_was(tmp_path: Path) -> None:
    first, second = decision(b'{"open": 0}', "first"), decision(b"{not json", "second")
    lines = save(tmp_path / "f", first, second)
    lines[0]["record"]["open"] = 1.5
    lines[1]["text"] = "{}"
    (tmp_path / "f").write_text("\n\n".join(map(json.dumps, lines)))

    corrections = list(read_corrections(tmp_path / "f"))

    assert [each.entry.data for each in corrections] == [b'{"open":1.5}', b"{}"]
    assert [each.digest for each in corrections] == [first.entry.digest, second.entry.digest]
    assert {each.entry.key for each in corrections} == {KEY}


@pytest.mark.parametrize(
    "line",
    [
        "{",
        "[]",
        "7",
        "{}",
        '{"record": {}}',
        '{"record": {}, "kind": "other", "key": "k", "index": "", "entry": "e"}',
    ],
)
def test_a_line_that_is_no_entry_is_named(tmp_path: Path, line: str) -> None:
    (good,) = save(tmp_path / "f", decision(b"{}"))
    (tmp_path / "f").write_text(f"{json.dumps(good)}\n{line}\n")

    with pytest.raises(HandMendingError, match="line 2 is no entry"):
        list(read_corrections(tmp_path / "f"))


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(HandMendingError, match="none cannot be read: No such file"):
        list(read_corrections(tmp_path / "none"))


def test_a_place_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    with pytest.raises(HandMendingError, match="cannot be written: No such file"):
        SavedEntries(tmp_path / "nowhere" / "f")
