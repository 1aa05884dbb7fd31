"""Deciding: what becomes of an entry, by what it is and by why it was set aside."""

import orjson
import pytest
from stream_record import RECORD

from stockstream.windows import Windows
from stockstream_operate.redrive.set_aside import EntryKind, SetAside
from stockstream_operate.redrive.triage import Action, Decision, Triage, decide_alone

DOCUMENT = RECORD | {"schema": "enriched.v1", "sma_5": 10.2}
GIVEN_BACK = "Lambda.ProcessingFailedStatus"


def entry(
    fields: object, code: str = GIVEN_BACK, kind: EntryKind = EntryKind.RECORD, error_message: str = ""
) -> SetAside:
    return SetAside(kind, "key", "text", code, error_message, data=orjson.dumps(fields))


def decided(one: SetAside) -> Decision:
    return decide_alone(one, Windows())


@pytest.mark.parametrize(
    ("code", "reason", "note"),
    [
        ("Lambda.FunctionError", "Lambda.FunctionError", "the transform had failed"),
        (GIVEN_BACK, GIVEN_BACK, "valid today"),  # TOO_LARGE, or an older transform
        ("", "UNKNOWN", "valid today"),
        ("BY_HAND", "BY_HAND", "corrected"),
    ],
)
def test_a_record_that_the_transform_takes_is_sent_as_it_is(code: str, reason: str, note: str) -> None:
    decision = decided(entry(RECORD, code))

    assert (decision.action, decision.reason, decision.note) == (Action.SEND, reason, note)
    assert decision.data == orjson.dumps(RECORD)
    assert decision.instrument == "IBM"


def test_a_record_that_can_be_repaired_is_repaired_and_its_reason_is_the_transforms() -> None:
    bad = {name: value for name, value in RECORD.items() if name != "id"}

    decision = decided(entry(bad))

    assert (decision.action, decision.reason) == (Action.REPAIR, "MISSING_FIELD")
    assert decision.note == "id from instrument, interval and open time"
    assert orjson.loads(decision.data) == RECORD


def test_a_record_that_cannot_is_left_with_what_is_wrong_and_whose_it_is() -> None:
    decision = decided(entry(RECORD | {"high": 1, "low": 2}))

    assert (decision.action, decision.reason, decision.data) == (Action.LEAVE, "HIGH_BELOW_LOW", b"")
    assert decision.note.startswith("HIGH_BELOW_LOW: high 1.0 is below low 2.0")
    assert decision.instrument == "IBM"


def test_an_entry_that_cannot_be_read_is_left() -> None:
    decision = decided(SetAside(EntryKind.RECORD, "key", "{"))

    assert (decision.action, decision.reason) == (Action.LEAVE, "UNREADABLE")


def test_a_document_for_the_index_is_indexed_and_never_sent_through_the_stream() -> None:
    decision = decided(entry(DOCUMENT, "400", EntryKind.SEARCH_DOCUMENT))

    assert (decision.action, decision.reason, decision.instrument) == (Action.INDEX, "400", "IBM")
    assert decision.data == orjson.dumps(DOCUMENT)


def test_a_document_that_was_not_converted_is_delivered_as_it_is() -> None:
    decision = decided(entry(DOCUMENT, "DataFormatConversion.InvalidSchema", EntryKind.LAKE_DOCUMENT))

    assert (decision.action, decision.instrument) == (Action.DELIVER, "IBM")
    assert decision.data == orjson.dumps(DOCUMENT)


@pytest.mark.parametrize("value", ["10.2", [10.2], True, {}], ids=repr)
def test_a_document_that_would_make_the_table_unreadable_is_left(value: object) -> None:
    decision = decided(entry(DOCUMENT | {"sma_5": value}, "x", EntryKind.LAKE_DOCUMENT))

    assert decision.action is Action.LEAVE


@pytest.mark.parametrize(
    ("code", "message"),
    [
        ("409", "conflict"),
        ("ES.Failed", "[IBM]: version_conflict_engine_exception: current version is higher"),
    ],
)
def test_a_document_of_which_the_index_has_a_newer_answer_is_no_loss(code: str, message: str) -> None:
    decision = decided(entry(DOCUMENT, code, EntryKind.SEARCH_DOCUMENT, error_message=message))

    assert decision.action is Action.CLOSE


@pytest.mark.parametrize(
    "fields",
    [
        RECORD,
        [DOCUMENT],
        {},
        DOCUMENT | {"as_of": "yesterday"},
        DOCUMENT | {"as_of": 7},
        DOCUMENT | {"id": "other"},
        {name: value for name, value in DOCUMENT.items() if name != "open_time"},
    ],
    ids=str,
)
def test_what_is_no_document_is_left(fields: object) -> None:
    assert decided(entry(fields, "400", EntryKind.SEARCH_DOCUMENT)).action is Action.LEAVE


def test_the_same_record_set_aside_twice_is_sent_once() -> None:
    triage = Triage(Windows())

    actions = [triage.decide(entry(each)).action for each in (RECORD, DOCUMENT, RECORD, DOCUMENT)]

    assert actions == [Action.SEND, Action.LEAVE, Action.REPEATED, Action.REPEATED]
