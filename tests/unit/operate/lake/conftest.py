"""A day of deliveries, where this machine's lake is looked for; a test's module says which day it is."""

from pathlib import Path

import pytest
from delivered_day import DeliveredDay

from stockstream_operate.lake import access as lake_access


@pytest.fixture(scope="module")
def whole_day(day: DeliveredDay, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the module's day."""
    folder = tmp_path_factory.mktemp("day") / "lake"
    day.write(folder)
    return folder


@pytest.fixture
def lake(whole_day: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The same, as the last run's lake."""
    monkeypatch.setattr(lake_access, "FOLDER", whole_day)
    return whole_day
