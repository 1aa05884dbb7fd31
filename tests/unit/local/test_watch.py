"""The watch: it ends when enough is there, and not quietly when something is wrong."""

import io
from queue import SimpleQueue
from typing import Any, cast

import pytest
from rich.console import Console

from stockstream.instruments import parse_instruments
from stockstream_local import watch as watch_module
from stockstream_local.watch import BadDeliveryError, Watch
from stockstream_operate.lake.delivered import Document, Lake
from stockstream_operate.screen import Screen


class FakeLake:
    """Delivers what a test laid ready, one list a call."""

    def __init__(self, *deliveries: list[Document]) -> None:
        self.deliveries = list(deliveries)
        self.newest: dict[str, Document] = {}
        self.bars = {"IBM": 0}
        self.count = 0

    def read_new(self) -> list[Document]:
        documents = self.deliveries.pop(0) if self.deliveries else []
        self.count += len(documents)
        return documents


class FakeChecker:
    """Finds the fault that a document names itself."""

    def find_fault(self, document: Document) -> str | None:
        fault: str | None = document.get("fault")
        return fault


class FakeKeptRun:
    """Keeps nothing, and knows what it was told of."""

    def __init__(self) -> None:
        self.documents: list[Document] = []

    def follow(self, documents: list[Document], _checker: object) -> None:
        self.documents += documents


@pytest.fixture(autouse=True)
def without_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watch_module, "POLL_SECONDS", 0)


def watching(lake: FakeLake, page: io.StringIO, *notices: dict[str, Any]) -> Watch:
    queue: SimpleQueue[dict[str, Any]] = SimpleQueue()
    for notice in notices:
        queue.put(notice)
    return Watch(
        screen=Screen(Console(file=page, width=200)),
        lake=cast("Lake", lake),
        kept=cast("Any", FakeKeptRun()),
        checker=cast("Any", FakeChecker()),
        notices=queue,
        instruments=parse_instruments("IBM"),
        interval="1min",
    )


def test_waits_for_the_first_bars() -> None:
    lake = FakeLake([], [], [{"id": "a"}], [{"id": "b"}])

    watching(lake, io.StringIO()).await_first_bars()

    assert lake.count == 1


def test_says_where_to_look_when_no_bars_arrive(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watch_module, "FIRST_BARS_SECONDS", -1)

    with pytest.raises(BadDeliveryError, match=r"No bars arrived .*emulator\.log"):
        watching(FakeLake(), io.StringIO()).await_first_bars()


def test_ends_when_enough_documents_were_delivered_and_checked() -> None:
    page = io.StringIO()
    lake = FakeLake([{"id": "a"}], [], [{"id": "b"}, {"id": "c"}], [{"id": "d"}])

    watching(lake, page).run(2)

    assert lake.count == 3
    assert "3 documents delivered, read back and checked" in page.getvalue()


def test_a_wrong_number_ends_it_by_an_error() -> None:
    lake = FakeLake([{"id": "a"}], [{"id": "b", "fault": "b: sma_20 is 1 and not 2"}])

    with pytest.raises(BadDeliveryError, match="sma_20 is 1 and not 2"):
        watching(lake, io.StringIO()).run(9)


def test_shows_notices_as_they_come() -> None:
    page = io.StringIO()
    notice = {"title": "ALARM: x", "severity": "critical", "summary": "The transform fails."}

    watching(FakeLake([{"id": "a"}]), page, notice).run(1)

    assert "Notice (critical): ALARM: x. The transform fails." in page.getvalue()
