"""The saved objects on a fake of Dashboards: imported, compared, imported again; and what it refuses."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from fake_dashboards import FakeDashboards, run_fake_dashboards

from stockstream_operate.search.client import Server
from stockstream_operate.search.dashboards import SAVED_OBJECTS, Dashboards, read_saved_objects
from stockstream_operate.search.install import PartState

PRICE = ("visualization", "stockstream-market-price")


@pytest.fixture
def fake() -> Iterator[FakeDashboards]:
    with run_fake_dashboards() as fake:
        yield fake


def dashboards(fake: FakeDashboards, file: Path = SAVED_OBJECTS) -> Dashboards:
    return Dashboards(fake.url, Server("http://127.0.0.1:9200", None), file)


def test_imports_what_is_not_there_for_everybody_and_finds_it_right_from_then_on(
    fake: FakeDashboards,
) -> None:
    assert dashboards(fake).check().state is PartState.MISSING
    assert dashboards(fake).install().state is PartState.MADE

    assert fake.saved.keys() == {(each["type"], each["id"]) for each in read_saved_objects()}
    assert dashboards(fake).check().state is PartState.RIGHT
    assert dashboards(fake).install().state is PartState.RIGHT
    assert fake.tenants == {"global"}


def test_says_what_differs_and_puts_it_right(fake: FakeDashboards) -> None:
    dashboards(fake).install()
    title = fake.saved[PRICE]["attributes"]["title"]
    fake.saved[PRICE]["attributes"]["visState"] = "{}"
    del fake.saved["dashboard", "stockstream-pipeline"]

    checked, installed = dashboards(fake).check(), dashboards(fake).install()

    notes = (
        f"visualization {title} differs in visState",
        "dashboard stockstream: pipeline is missing",
    )
    assert (checked.state, checked.notes) == (PartState.DIFFERENT, notes)
    assert (installed.state, installed.notes) == (PartState.CHANGED, notes)
    assert dashboards(fake).check().state is PartState.RIGHT


def test_what_dashboards_adds_of_its_own_is_no_difference(fake: FakeDashboards) -> None:
    dashboards(fake).install()
    pattern = fake.saved["index-pattern", "stockstream-bars"]
    pattern["attributes"]["fields"] = "[]"  # which it writes when somebody opens the pattern
    pattern["updated_at"] = "2026-11-26T00:00:00.000Z"

    assert dashboards(fake).check().state is PartState.RIGHT


def test_says_which_object_lacks_what_it_refers_to(fake: FakeDashboards, tmp_path: Path) -> None:
    file = tmp_path / "saved-objects.ndjson"
    lines = [each for each in read_saved_objects() if each["type"] != "index-pattern"]
    file.write_text("\n".join(json.dumps(each) for each in lines), encoding="utf-8")

    status = dashboards(fake, file).install()

    assert status.state is PartState.REFUSED
    assert status.notes == ("visualization stockstream: Choose an instrument: missing references",)


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        ((403, '{"message":"no permissions"}'), "does not allow it"),
        ((401, "Unauthorized"), "does not know who asks"),
        ((302, ""), "302"),
        ((200, "<!DOCTYPE html><title>Log in</title>"), "is no OpenSearch Dashboards"),
        ((503, "OpenSearch Dashboards server is not ready yet"), "not ready yet"),
    ],
)
def test_a_refusal_is_told_in_a_sentence(fake: FakeDashboards, answer: tuple[int, str], told: str) -> None:
    fake.answer = answer

    for status in (dashboards(fake).check(), dashboards(fake).install()):
        assert status.state is PartState.REFUSED
        assert told in status.notes[0]
        assert fake.url in status.notes[0]


def test_says_when_nobody_answers() -> None:
    with run_fake_dashboards() as fake:
        gone = dashboards(fake)

    assert "cannot be reached" in gone.install().notes[0]
