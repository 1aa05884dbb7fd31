"""The transform's environment."""

from collections.abc import Iterator

import pytest

from stockstream.errors import SettingsError
from stockstream.windows import Windows
from transform.settings import read_level, read_windows


@pytest.fixture(autouse=True)
def _fresh() -> Iterator[None]:
    read_windows.cache_clear()
    yield
    read_windows.cache_clear()


def test_reads_both_lists(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SMA_WINDOWS", "3,30")
    monkeypatch.setenv("EMA_WINDOWS", "9")
    assert read_windows() == Windows((3, 30), (9,))


def test_reads_them_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SMA_WINDOWS", "3,30")
    monkeypatch.setenv("EMA_WINDOWS", "9")
    first = read_windows()
    monkeypatch.setenv("EMA_WINDOWS", "10")
    assert read_windows() is first


@pytest.mark.parametrize("name", ["SMA_WINDOWS", "EMA_WINDOWS"])
@pytest.mark.parametrize("value", [None, "", "200,one"])
def test_a_list_that_is_missing_or_impossible_fails_by_its_name(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str | None
) -> None:
    monkeypatch.setenv("SMA_WINDOWS", "5")
    monkeypatch.setenv("EMA_WINDOWS", "12")
    if value is None:
        monkeypatch.delenv(name)
    else:
        monkeypatch.setenv(name, value)
    with pytest.raises(SettingsError, match=name):
        read_windows()


@pytest.mark.parametrize(
    ("text", "level"), [("DEBUG", "DEBUG"), ("error", "ERROR"), ("WARNING", "WARNING"), ("LOUD", "INFO")]
)
def test_reads_the_level_of_the_log(monkeypatch: pytest.MonkeyPatch, text: str, level: str) -> None:
    monkeypatch.setenv("POWERTOOLS_LOG_LEVEL", text)

    assert read_level() == level
