"""The answer to Firehose: one entry for each record, within Lambda's limit."""

from __future__ import annotations

from stockstream.errors import StockstreamError

TYPE_CHECKING = False  # importing typing for it would cost 4 ms of each cold start
if TYPE_CHECKING:
    from typing import Any

# Lambda's limit of 6 MB holds for the request and for the answer. The goal is 6,000,000 bytes, which is kept
# where giving records back is enough. The service enforces 6 MiB, and an answer is never larger than that.
ANSWER_GOAL = 6_000_000
ANSWER_LIMIT = 6 * 1024 * 1024

# What the runtime's json.dumps writes around the values.
_FRAME = len('{"records": []}')
_ENTRY_FRAME = len('{"recordId": "", "result": "", "data": ""}, ')


class AnswerTooLargeError(StockstreamError):
    """Not even the untouched records fit into an answer."""


def accept(record: dict[str, Any], data: str) -> dict[str, str]:
    """The entry of a record that is delivered as data (base64)."""
    return {"recordId": record["recordId"], "result": "Ok", "data": data}


def give_back(record: dict[str, Any]) -> dict[str, str]:
    """The entry of a record that goes back as it came."""
    return {"recordId": record["recordId"], "result": "ProcessingFailed", "data": record["data"]}


def measure_entry(entry: dict[str, str]) -> int:
    """The bytes that an entry takes in the answer; ids and base64 are ASCII."""
    return _ENTRY_FRAME + len(entry["recordId"]) + len(entry["result"]) + len(entry["data"])


def cut_to_fit(
    entries: list[dict[str, str]],
    records: list[dict[str, Any]],
    goal: int = ANSWER_GOAL,
    limit: int = ANSWER_LIMIT,
) -> list[int]:
    """Gives back as few records as possible until the answer fits, and returns their positions.

    A record that goes back carries its own data, so that only records that have grown make room. An untouched
    record's entry is shorter than what Firehose sent of it: a request within Lambda's limit always has an
    answer within it.

    Raises:
        AnswerTooLargeError: no answer fits. The request was larger than Lambda's limit; the invocation fails,
            and Firehose keeps the records.
    """
    excess = _FRAME + sum(map(measure_entry, entries)) - goal
    if excess <= 0:
        return []
    given_back = []
    growth = [
        measure_entry(entry) - measure_entry(give_back(record))
        for entry, record in zip(entries, records, strict=True)
    ]
    for position in sorted(range(len(entries)), key=growth.__getitem__, reverse=True):
        if excess <= 0 or growth[position] <= 0:
            break
        entries[position] = give_back(records[position])
        excess -= growth[position]
        given_back.append(position)
    if excess > limit - goal:
        raise AnswerTooLargeError(
            f"with all {len(records)} records untouched the answer would be {goal + excess} bytes, "
            f"and Lambda lets out {limit}: invoke with fewer"
        )
    return given_back
