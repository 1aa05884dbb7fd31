"""Filling an index on osmem-server, which is like OpenSearch and has no ingest pipelines."""

import socket
import subprocess
import time
from collections.abc import Iterator
from typing import Any

import pytest
from opensearchpy import OpenSearch
from osmem_server import resolve_binary

from stockstream_local.search.client import Server, find_server
from stockstream_local.search.fill import Filler

INDEX = "bars-2026-11"


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [resolve_binary(), "-addr", f"127.0.0.1:{port}", "-no-stdin-watch"]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:  # noqa: S603 (a fixed command)
        try:
            server = find_server(f"http://127.0.0.1:{port}")
            with server.connect() as client:
                deadline = time.monotonic() + 30
                while not client.ping() and time.monotonic() < deadline:
                    time.sleep(0.1)
            yield server
        finally:
            process.terminate()


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
    assert (filler.tally.indexed, filler.tally.outdated) == (4, 2)


def test_what_the_mapping_refuses_is_told_and_costs_no_neighbour(server: Server, client: OpenSearch) -> None:
    properties = {
        "close": {"type": "double"},
        **{each: {"type": "keyword"} for each in ("id", "open_time", "as_of")},
    }
    client.indices.create(index=INDEX, body={"mappings": {"dynamic": "strict", "properties": properties}})

    bad, good = Filler(server).fill([document(0, 5, 10.0) | {"more": 1}, document(1, 5, 12.0)])

    assert bad.startswith("400: ")
    assert good == ""
