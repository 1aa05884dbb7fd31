"""The forms in which events say when a record arrived."""

import pytest

from transform.arrivals import read_arrival

# 2026-11-20T21:00:05.123Z, by date -u -d @1795208405
MILLISECONDS = 1795208405123
WRITTEN = "2026-11-20T21:00:05.123Z"


@pytest.mark.parametrize(
    "arrival",
    [
        MILLISECONDS,
        float(MILLISECONDS),
        str(MILLISECONDS),
        "2026-11-20T21:00:05.123Z",
        "2026-11-20T16:00:05.123-05:00",
        "2026-11-20T21:00:05.123456+00:00",
        "2026-11-20 21:00:05.123",
    ],
)
def test_reads_milliseconds_and_iso_texts(arrival: object) -> None:
    assert read_arrival({"approximateArrivalTimestamp": arrival}) == WRITTEN
    assert read_arrival({"kinesisRecordMetadata": {"approximateArrivalTimestamp": arrival}}) == WRITTEN


def test_the_records_own_arrival_comes_before_its_metadata() -> None:
    record = {
        "approximateArrivalTimestamp": MILLISECONDS,
        "kinesisRecordMetadata": {"approximateArrivalTimestamp": 0},
    }
    assert read_arrival(record) == WRITTEN


def test_an_empty_text_leaves_it_to_the_metadata() -> None:
    record = {
        "approximateArrivalTimestamp": "",
        "kinesisRecordMetadata": {"approximateArrivalTimestamp": MILLISECONDS},
    }
    assert read_arrival(record) == WRITTEN


@pytest.mark.parametrize(
    "record",
    [
        {},
        {"kinesisRecordMetadata": None},
        {"kinesisRecordMetadata": {}},
        {"kinesisRecordMetadata": []},
        {"kinesisRecordMetadata": {"approximateArrivalTimestamp": ""}},
        {"kinesisRecordMetadata": {"approximateArrivalTimestamp": None}},
    ],
)
def test_an_event_may_be_silent(record: dict[str, object]) -> None:
    assert read_arrival(record) is None


@pytest.mark.parametrize(
    "arrival",
    [
        *("soon", "2026-02-30", "9" * 5000, "²", "0001-01-01T00:00:00+23:00"),
        *(10**400, -(10**400), 1e300, float("nan"), float("inf")),
        *([1], {"ms": 1}),
    ],
)
def test_an_arrival_that_cannot_be_read_is_unknown(arrival: object) -> None:
    assert read_arrival({"approximateArrivalTimestamp": arrival}) is None


def test_milliseconds_keep_their_zeros() -> None:
    assert read_arrival({"approximateArrivalTimestamp": 1795208405007}) == "2026-11-20T21:00:05.007Z"
