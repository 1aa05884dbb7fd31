"""What a redrive says: counted by reason and action, in words for a person and in fields for a script."""

from datetime import UTC, datetime
from io import StringIO

from rich.console import Console

from stockstream_operate.redrive.redrive import EntryResult
from stockstream_operate.redrive.report import RedriveReport
from stockstream_operate.redrive.set_aside import EntryKind, SetAside
from stockstream_operate.redrive.triage import Action, Decision


def result(
    action: Action,
    *,
    reason: str = "BAD_LOOKBACK",
    note: str = "look-back to its newest bars",
    instrument: str = "IBM",
    day: int = 20,
    refusal: str = "",
) -> EntryResult:
    arrived = datetime(2026, 11, day, 21, 0, tzinfo=UTC)
    entry = SetAside(EntryKind.RECORD, "key", "text", arrived_at=arrived)
    return EntryResult(Decision(entry, action, reason, note, b"", instrument), refusal)


def shown(report: RedriveReport) -> list[str]:
    console = Console(file=StringIO(), width=200)
    console.print(report.table())
    text = console.file.getvalue()  # type: ignore[attr-defined]  # the StringIO above
    return [" ".join(line.split()) for line in text.splitlines()]


def test_entries_are_counted_by_reason_with_their_first_and_last_arrival() -> None:
    report = RedriveReport(is_applied=False)
    report.add([result(Action.REPAIR, day=20), result(Action.REPAIR, day=18, instrument="AAPL")])
    report.add(
        [result(Action.REPAIR, day=19), result(Action.SEND, reason="Lambda.FunctionError", note="failed")]
    )

    assert shown(report)[1:] == [
        "Lambda.FunctionError 1 2026-11-20 21:00 IBM send as it is: failed",
        "BAD_LOOKBACK 3 2026-11-18 21:00 IBM, AAPL repair and send: look-back to its newest bars",
        "2026-11-20 21:00",
    ]
    assert report.summary() == "Entries: 4, in files: 2; 4 to send to the stream."


def test_a_row_for_a_person_quotes_one_of_its_entries() -> None:
    report = RedriveReport(is_applied=False)
    for price in (253.0, 254.0):
        report.add([result(Action.LEAVE, reason="BAD_PRICE", note=f"BAD_PRICE: close is {price}")])

    (row,) = report.rows
    assert (row.count, row.note) == (2, "close is 253.0")
    assert shown(report)[1].endswith("needs a person: close is 253.0")


def test_copies_are_one_row_whatever_their_reasons_are() -> None:
    report = RedriveReport(is_applied=False)
    report.add(
        [result(Action.REPEATED, reason=reason, note="seen") for reason in ("BAD_LOOKBACK", "BAD_PRICE")]
    )

    assert shown(report)[1:] == ["- 2 2026-11-20 21:00 IBM put away the copy: seen"]


def test_names_beyond_three_are_counted() -> None:
    report = RedriveReport(is_applied=False)
    report.add([result(Action.SEND, instrument=name) for name in ("A", "B", "C", "D", "E", "A")])

    assert "A, B, C and 2 more" in shown(report)[1]


def test_what_was_done_and_what_was_refused_are_told_apart() -> None:
    report = RedriveReport(is_applied=True)
    report.add([result(Action.INDEX, reason="400", note="as it is")] * 3)
    report.add([result(Action.INDEX, reason="400", note="as it is", refusal="400: no")])
    report.add([result(Action.CLOSE, reason="409", note="newer")])

    assert shown(report)[1].endswith("3 indexed: as it is; 1 refused: 400: no")
    assert report.summary() == (
        "Entries: 5, in files: 3; 3 indexed again, 1 put away, 1 refused, and still set aside."
    )


def test_the_fields_for_a_script_hold_the_same() -> None:
    report = RedriveReport(is_applied=True)
    report.add([result(Action.REPAIR)])

    assert report.as_json() == {
        "applied": True,
        "files": 1,
        "rows": [
            {
                "reason": "BAD_LOOKBACK",
                "action": "repair and send",
                "note": "look-back to its newest bars",
                "count": 1,
                "first_arrival": "2026-11-20T21:00:00.000Z",
                "last_arrival": "2026-11-20T21:00:00.000Z",
                "instruments": {"IBM": 1},
                "refused": 0,
                "refusal": None,
            }
        ],
    }
