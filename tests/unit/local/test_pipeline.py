"""What a run of the producer warned of, read from the lines that it logged."""

from stockstream_local.pipeline import read_warnings

LOG = """START RequestId: 1
{"level": "INFO", "message": "bars sent", "detail": "IBM"}
{"level": "ERROR", "message": "no answer", "detail": "KeyRefusedError: the key is refused"}
{"level": "WARNING", "message": "plan does not cover the instruments"}
{"level": "ERROR", "message": "no answer", "detail": "KeyRefusedError: the key is refused"}
["ERROR"]
{"level": "ERR
END RequestId: 1"""


def test_each_warning_is_told_once_with_its_detail() -> None:
    assert read_warnings(LOG) == [
        "no answer: KeyRefusedError: the key is refused",
        "plan does not cover the instruments",
    ]


def test_a_run_without_a_warning_tells_nothing() -> None:
    assert read_warnings("") == []
