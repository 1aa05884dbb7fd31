"""The entry point: settings in, lines and answer out."""

import json
from base64 import b64encode
from collections.abc import Iterator

import pytest

from stockstream.errors import SettingsError
from transform.handler import handle
from transform.settings import read_windows


@pytest.fixture(autouse=True)
def _windows(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("SMA_WINDOWS", "5")
    monkeypatch.setenv("EMA_WINDOWS", "12")
    read_windows.cache_clear()
    yield
    read_windows.cache_clear()


def test_prints_a_warning_and_the_line_of_the_invocation(capsys: pytest.CaptureFixture[str]) -> None:
    record = {"recordId": "1", "data": b64encode(b'{"schema": "sesame"}').decode()}
    answer = handle({"records": [record]}, None)
    warning, line = map(json.loads, capsys.readouterr().out.splitlines())
    assert answer == {"records": [record | {"result": "ProcessingFailed"}]}
    assert (warning["record_id"], warning["reason"]) == ("1", "UNKNOWN_SCHEMA")
    assert (line["BarsEnriched"], line["BarsRejected"], line["UNKNOWN_SCHEMA"]) == (0, 1, 1)
    assert "sesame" not in warning["detail"]


def test_impossible_settings_fail_the_invocation(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EMA_WINDOWS", "twelve")
    with pytest.raises(SettingsError, match="EMA_WINDOWS"):
        handle({"records": []}, None)
