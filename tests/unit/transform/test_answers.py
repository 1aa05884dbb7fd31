"""The answer that always fits."""

import json
from typing import Any

import pytest

from transform.answers import AnswerTooLargeError, accept, cut_to_fit, give_back, measure_entry


def make(sizes: list[tuple[int, int]]) -> tuple[list[dict[str, Any]], list[dict[str, str]]]:
    """Records of so many characters that are delivered as so many."""
    records = [{"recordId": str(number), "data": "A" * size} for number, (size, _) in enumerate(sizes)]
    return records, [accept(record, "B" * size) for record, (_, size) in zip(records, sizes, strict=True)]


def written(entries: list[dict[str, str]]) -> int:
    return len(json.dumps({"records": entries}))


def test_an_entry_is_measured_as_the_runtime_writes_it() -> None:
    _, entries = make([(10, 20), (30, 5), (7, 7)])
    empty = len(json.dumps({"records": []}))
    # The last entry has no comma and space behind it.
    assert empty + sum(map(measure_entry, entries)) == written(entries) + 2


def test_an_answer_that_fits_stays_as_it_is() -> None:
    records, entries = make([(10, 90), (10, 80)])
    before = [dict(entry) for entry in entries]
    assert cut_to_fit(entries, records, goal=written(entries) + 2) == []
    assert entries == before


def test_the_record_that_grew_most_goes_back_first() -> None:
    records, entries = make([(10, 90), (10, 80), (10, 100)])
    assert cut_to_fit(entries, records, goal=written(entries)) == [2]
    assert entries[2] == give_back(records[2])
    assert [entry["result"] for entry in entries] == ["Ok", "Ok", "ProcessingFailed"]


def test_no_more_go_back_than_must() -> None:
    records, entries = make([(10, 110)] * 20)
    goal = written(entries) - 250
    # One gives up 100 characters of data, and writes 14 more for ProcessingFailed than for Ok.
    assert len(cut_to_fit(entries, records, goal=goal)) == 3
    assert written(entries) <= goal


def test_a_record_goes_back_if_that_makes_room_by_a_single_byte() -> None:
    # Ok is 14 characters shorter than ProcessingFailed.
    records, entries = make([(10, 10 + 14), (10, 10 + 15)])
    assert cut_to_fit(entries, records, goal=100, limit=1000) == [1]


def test_none_goes_back_once_the_answer_fits_to_the_byte() -> None:
    records, entries = make([(10, 110), (10, 110), (10, 110)])
    # Each makes 100 - 14 bytes of room, and the last entry is measured with a comma and a space.
    exact = written(entries) + 2 - 2 * 86
    assert len(cut_to_fit(list(entries), records, goal=exact)) == 2
    assert len(cut_to_fit(list(entries), records, goal=exact + 1)) == 2
    assert len(cut_to_fit(list(entries), records, goal=exact - 1)) == 3


@pytest.mark.parametrize(("size", "given_back"), [(6_000_000, []), (6_000_001, [0])])
def test_without_other_limits_the_goal_is_six_million_bytes(size: int, given_back: list[int]) -> None:
    records, entries = make([(10, 0)])
    entries[0]["data"] = "B" * (size - written(entries) - 2)
    assert cut_to_fit(entries, records) == given_back


def test_without_other_limits_the_limit_is_six_mebibytes() -> None:
    most = 6 * 1_048_576
    frame = len(json.dumps({"records": [give_back({"recordId": "0", "data": ""})]})) + 2
    records, entries = make([(most - frame, most)])
    assert cut_to_fit(entries, records) == [0]

    records, entries = make([(most - frame + 1, most)])
    with pytest.raises(AnswerTooLargeError, match=f"would be {most + 1} bytes, and Lambda lets out {most}"):
        cut_to_fit(entries, records)


def test_a_record_that_shrank_never_goes_back() -> None:
    records, entries = make([(500, 100), (10, 200)])
    assert cut_to_fit(entries, records, goal=written(entries) - 50) == [1]


def test_past_the_goal_an_answer_may_still_reach_the_limit() -> None:
    records, entries = make([(500, 100), (300, 100)])
    assert cut_to_fit(entries, records, goal=100, limit=written(entries) + 2) == []


def test_refuses_an_answer_that_no_cut_makes_fit() -> None:
    records, entries = make([(500, 600), (500, 600)])
    with pytest.raises(AnswerTooLargeError, match="with all 2 records untouched"):
        cut_to_fit(entries, records, goal=100, limit=1000)


def test_an_untouched_record_takes_less_room_than_it_took_in_the_request() -> None:
    record = {"recordId": "49" * 30, "approximateArrivalTimestamp": 1795208405123, "data": "A" * 100}
    assert measure_entry(give_back(record)) < len(json.dumps(record, separators=(",", ":")))
