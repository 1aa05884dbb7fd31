"""Filling an index on osmem-server, which is like OpenSearch and has no ingest pipelines."""

import io
from collections.abc import Iterator
from typing import Any

import pytest
from lake_bucket import BUCKET, DAY, bar, make_bucket
from moto import mock_aws
from opensearchpy import OpenSearch
from rich.console import Console

from stockstream.fields import list_fields
from stockstream.windows import Windows
from stockstream_dashboards.osmem import run_osmem
from stockstream_operate.screen import Screen
from stockstream_operate.search.client import SearchError, Server, find_server
from stockstream_operate.search.fill import Filler
from stockstream_operate.search.index import Wanted
from stockstream_operate.search.install import Installer
from stockstream_operate.search.search_command import fill_from
from stockstream_operate.stack import Stack

INDEX = "bars-2026-11"


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with run_osmem() as endpoint:
        server = find_server(endpoint)
        list(Installer(server, Wanted()).install())
        yield server


@pytest.fixture
def client(server: Server) -> Iterator[OpenSearch]:
    with server.connect() as client:
        client.indices.delete(index=INDEX, ignore_unavailable=True)
        yield client


def document(minute: int, second: int, close: float) -> dict[str, Any]:
    open_time = f"2026-11-20T20:{minute:02}:00Z"
    return {
        "id": f"IBM|1min|{open_time}",
        "open_time": open_time,
        "as_of": f"2026-11-20T21:00:{second:02}.000Z",
        "close": close,
    }


def test_a_bar_is_taken_where_all_is_null_that_may_be(server: Server, client: OpenSearch) -> None:
    empty = {field.name: None for field in list_fields(Windows()) if field.null}

    assert Filler(server).fill([document(0, 5, 10.0) | empty]) == [""]

    client.indices.refresh(index=INDEX)
    (hit,) = client.search(index=INDEX, body={"query": {"match_all": {}}})["hits"]["hits"]
    assert hit["_source"]["close"] == 10.0


def test_a_bar_is_there_once_at_its_latest_as_of_in_whatever_order_and_however_often(
    server: Server, client: OpenSearch
) -> None:
    older, newer, other = document(0, 5, 10.0), document(0, 9, 11.0), document(1, 5, 12.0)
    filler = Filler(server)

    for documents in ([newer, other], [older], [newer, older, other]):
        assert filler.fill(documents) == [""] * len(documents)

    client.indices.refresh(index=INDEX)
    hits = client.search(index=INDEX, body={"query": {"match_all": {}}})["hits"]["hits"]
    assert sorted((hit["_id"], hit["_source"]["close"]) for hit in hits) == [
        (newer["id"], 11.0),
        (other["id"], 12.0),
    ]
    assert (filler.report.indexed, filler.report.outdated) == (4, 2)


def test_a_day_that_was_joined_is_indexed_as_the_views_show_it(server: Server, client: OpenSearch) -> None:
    """Its files are gone, and some came late: the index answers what `bars_latest` does."""
    with mock_aws():
        bucket = make_bucket()
        bucket.compact(deletes_raw=True)
        bucket.deliver("late", bar(9, 109.0), bar(1, 101.5, as_of=f"{DAY}T16:00:00.000Z"))
        stack = Stack("lake", None, {"LakeBucketName": BUCKET})
        said = io.StringIO()
        fill_from(stack, Filler(server), "", Screen(Console(file=said)), follows=False)
        latest = bucket.ask("SELECT id, close, volume FROM bars_latest")

    client.indices.refresh(index=INDEX)
    hits = client.search(index=INDEX, body={"query": {"match_all": {}}, "size": 100})["hits"]["hits"]
    indexed = [(hit["_id"], hit["_source"]["close"], hit["_source"]["volume"]) for hit in hits]
    assert sorted(indexed) == sorted(latest)
    assert len(latest) == 6
    # The joined day's four bars, today's one, and two that came late, of which one is a revision.
    assert "7 indexed, 0 older than what is there, 0 refused" in said.getvalue()


@pytest.mark.usefixtures("client")
def test_what_the_mapping_refuses_is_told_and_costs_no_neighbour(server: Server) -> None:
    bad, good = Filler(server).fill([document(0, 5, 10.0) | {"more": 1}, document(1, 5, 12.0)])

    assert bad.startswith("400: ")
    assert good == ""


def test_an_index_that_was_not_installed_is_not_filled() -> None:
    """The server would make one with types of its own choice, which no later installation could put right."""
    with run_osmem() as endpoint:
        server = find_server(endpoint)

        with pytest.raises(SearchError, match="Run `stockstream search install` first"):
            Filler(server)

        with server.connect() as client:
            assert not client.indices.exists(index=INDEX)
