"""What the transform says about itself."""

import json
from base64 import b64encode
from typing import Any

import pytest

from stockstream.errors import Reason, RecordError
from transform.report import MOST_WARNINGS, log_lines

BAR = {"instrument": "IBM", "interval": "1min", "as_of": "2026-11-20T21:00:05.123Z"}
BAR_DATA = b64encode(json.dumps(BAR).encode()).decode()
BAR_CORRELATION = "IBM|1min|2026-11-20T21:00:05.123Z"


def lines(
    records: int, rejections: list[tuple[str, RecordError]], level: str = "INFO"
) -> list[dict[str, Any]]:
    wrapped = [{"recordId": f"id-{number}", "data": BAR_DATA} for number in range(records)]
    event = {"invocationId": "0f4c2a9e", "records": wrapped}
    refused = {record_id for record_id, _ in rejections}
    entries = [
        record | {"result": "ProcessingFailed" if record["recordId"] in refused else "Ok"}
        for record in wrapped
    ]
    said = log_lines(event, entries, rejections, 1_795_208_405_123, "stockstream", level)
    return [json.loads(line) for line in said]


def reject(count: int, reason: Reason = Reason.BAD_PRICE) -> list[tuple[str, RecordError]]:
    return [(f"id-{number}", RecordError(reason, "low is 0.0")) for number in range(count)]


def test_an_invocation_is_one_line_that_counts_what_became_of_the_records() -> None:
    (line,) = lines(3, [])
    assert (line["level"], line["message"]) == ("INFO", "records transformed")
    assert (line["BarsEnriched"], line["BarsRejected"]) == (3, 0)
    assert line["invocation_id"] == "0f4c2a9e"


def test_the_line_is_also_the_metrics() -> None:
    (line,) = lines(3, [])
    (directive,) = line["_aws"]["CloudWatchMetrics"]
    assert line["_aws"]["Timestamp"] == 1_795_208_405_123
    assert directive["Namespace"] == "stockstream"
    assert directive["Dimensions"] == [["service"]]
    assert line["service"] == "transform"
    assert directive["Metrics"] == [
        {"Name": "BarsEnriched", "Unit": "Count"},
        {"Name": "BarsRejected", "Unit": "Count"},
    ]


def test_each_reason_is_a_metric_of_its_own() -> None:
    *_, line = lines(9, reject(2) + reject(1, Reason.BAD_TIME))
    assert (line["BarsEnriched"], line["BarsRejected"]) == (6, 3)
    assert (line["BAD_PRICE"], line["BAD_TIME"]) == (2, 1)
    names = [metric["Name"] for metric in line["_aws"]["CloudWatchMetrics"][0]["Metrics"]]
    assert names == ["BarsEnriched", "BarsRejected", "BAD_PRICE", "BAD_TIME"]


def test_a_rejected_record_has_a_warning_with_its_reason() -> None:
    warning, _ = lines(1, reject(1))
    assert warning == {
        "level": "WARNING",
        "message": "record rejected",
        "service": "transform",
        "record_id": "id-0",
        "correlation_id": BAR_CORRELATION,
        "reason": "BAD_PRICE",
        "detail": "BAD_PRICE: low is 0.0",
    }


@pytest.mark.parametrize(("count", "left_out"), [(MOST_WARNINGS, 0), (MOST_WARNINGS + 1, 1), (10_000, 9_980)])
def test_the_warnings_are_bounded_and_the_rest_is_counted(count: int, left_out: int) -> None:
    *warnings, line = lines(count, reject(count))
    assert len(warnings) == 20
    assert line["warnings_left_out"] == left_out
    assert line["BAD_PRICE"] == count


@pytest.mark.parametrize(
    ("level", "expected"),
    [
        ("DEBUG", ["WARNING", "DEBUG", "INFO"]),
        ("INFO", ["WARNING", "INFO"]),
        ("WARNING", ["WARNING", "INFO"]),
        # The last line is the metrics, which no level may silence.
        ("ERROR", ["INFO"]),
        ("CRITICAL", ["INFO"]),
    ],
)
def test_the_level_decides_on_all_lines_but_the_metrics(level: str, expected: list[str]) -> None:
    found = lines(3, reject(1), level)

    assert [line["level"] for line in found] == expected
    assert (found[-1]["BarsRejected"], found[-1]["warnings_left_out"]) == (1, int("WARNING" not in expected))


def test_debugging_names_the_answers_that_the_documents_came_from() -> None:
    (line,) = [each for each in lines(3, reject(1), "DEBUG") if each["level"] == "DEBUG"]

    assert line["correlation_ids"] == [BAR_CORRELATION]


def test_the_answers_of_a_debug_line_are_those_of_the_delivered_records() -> None:
    other = b64encode(json.dumps(BAR | {"instrument": "MSFT"}).encode()).decode()
    event = {"records": [{"recordId": "a", "data": BAR_DATA}, {"recordId": "b", "data": other}]}
    entries = [
        {"recordId": "a", "data": BAR_DATA, "result": "Ok"},
        {"recordId": "b", "data": other, "result": "ProcessingFailed"},
    ]
    rejections = [("b", RecordError(Reason.BAD_PRICE, "low is 0.0"))]
    said = map(json.loads, log_lines(event, entries, rejections, 1_795_208_405_123, "stockstream", "DEBUG"))

    (line,) = [line for line in said if line["message"] == "answers transformed"]
    assert line["correlation_ids"] == [BAR_CORRELATION]
