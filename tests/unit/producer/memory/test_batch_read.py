"""Reading many items: a hundred a call, as they are now, and again what was left out."""

from typing import Any

import pytest
from botocore.exceptions import ClientError

from producer.memory.batch_read import read_items


class FakeDynamo:
    """Answers as many keys of a call as it has capacity for, and says which it left out."""

    def __init__(self, *capacities: int) -> None:
        self.capacities = list(capacities)
        self.calls: list[list[str]] = []

    def batch_get_item(self, *, RequestItems: dict[str, Any]) -> dict[str, Any]:  # noqa: N803 (boto3's)
        asked = RequestItems["instruments"]
        assert asked["ConsistentRead"] is True
        keys = [each["key"]["S"] for each in asked["Keys"]]
        self.calls.append(keys)
        room = self.capacities.pop(0) if self.capacities else 100
        found = [{"key": {"S": key}, "version": {"N": "1"}} for key in keys[:room] if key != "none"]
        left = {"instruments": {"Keys": asked["Keys"][room:]}} if keys[room:] else {}
        return {"Responses": {"instruments": found}, "UnprocessedKeys": left}


def read(client: FakeDynamo, keys: list[str]) -> dict[str, dict[str, Any]]:
    return read_items(client, "instruments", keys, sleep=lambda _seconds: None)  # type: ignore[arg-type]  # a fake


def test_asks_for_a_hundred_at_a_time_and_for_each_once() -> None:
    client = FakeDynamo()
    keys = [str(number) for number in range(250)]

    assert list(read(client, [*keys, "7"])) == keys
    assert [len(call) for call in client.calls] == [100, 100, 50]


def test_what_there_is_none_of_is_left_out() -> None:
    assert list(read(FakeDynamo(), ["A", "none"])) == ["A"]
    assert read(FakeDynamo(), []) == {}


def test_what_was_left_unprocessed_is_asked_for_again() -> None:
    client = FakeDynamo(2, 0, 1)

    assert list(read(client, ["A", "B", "C", "D"])) == ["A", "B", "C", "D"]
    assert client.calls == [["A", "B", "C", "D"], ["C", "D"], ["C", "D"], ["D"]]


def test_a_table_that_leaves_out_all_again_and_again_is_an_error() -> None:
    client = FakeDynamo(1, 0, 0, 0)

    with pytest.raises(ClientError, match="2 keys were left unprocessed 3 times"):
        read(client, ["A", "B", "C"])
    assert len(client.calls) == 4


def test_waits_longer_after_each_answer_that_brings_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    bounds: list[tuple[float, float]] = []

    def uniform(least: float, most: float) -> float:
        bounds.append((least, most))
        return most

    waited: list[float] = []
    monkeypatch.setattr("producer.memory.batch_read.random.uniform", uniform)

    read_items(FakeDynamo(2, 0, 0, 1), "instruments", "ABCD", waited.append)  # type: ignore[arg-type]  # a fake

    # So many seconds at the most: at random, so that those who were refused together do not come together.
    assert bounds == [(0, 0.1), (0, 0.2), (0, 0.4), (0, 0.1)]
    assert waited == [0.1, 0.2, 0.4, 0.1]


def test_asks_three_times_where_the_first_answers_bring_nothing() -> None:
    assert list(read(FakeDynamo(0, 0), ["A"])) == ["A"]
    client = FakeDynamo(0, 0, 0)
    with pytest.raises(ClientError):
        read(client, ["A"])
    assert len(client.calls) == 3
