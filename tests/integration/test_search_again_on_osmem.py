"""Failed documents indexed again on osmem-server, which is like OpenSearch and has no ingest pipelines."""

from collections.abc import Iterator
from dataclasses import replace

import orjson
import pytest
from opensearchpy import OpenSearch

from stockstream_local.osmem import run_osmem
from stockstream_local.search_again import Failed, index_again, open_search


@pytest.fixture(scope="module")
def server() -> Iterator[OpenSearch]:
    with run_osmem() as endpoint, open_search(endpoint) as client:
        yield client


def failed(minute: int, second: int, close: float) -> Failed:
    bar, as_of = f"IBM|1min|2026-11-20T20:{minute:02}:00Z", f"2026-11-20T21:00:{second:02}.000Z"
    return Failed("bars", bar, as_of, orjson.dumps({"id": bar, "as_of": as_of, "close": close}))


def test_a_bar_is_there_once_at_its_latest_as_of_in_whatever_order_and_however_often(
    server: OpenSearch,
) -> None:
    older, newer, other = failed(0, 5, 10.0), failed(0, 9, 11.0), failed(1, 5, 12.0)

    for documents in ([newer, other], [older], [newer, older, other]):
        assert index_again(server, documents) == [None] * len(documents)

    server.indices.refresh(index="bars")
    hits = server.search(index="bars", body={"query": {"match_all": {}}})["hits"]["hits"]
    assert sorted((hit["_id"], hit["_source"]["close"]) for hit in hits) == [
        (newer.id, 11.0),
        (other.id, 12.0),
    ]


def test_what_the_mapping_refuses_is_told_and_costs_no_neighbour(server: OpenSearch) -> None:
    server.indices.create(
        index="strict", body={"mappings": {"dynamic": "strict", "properties": {"close": {"type": "double"}}}}
    )
    bad, good = failed(0, 5, 10.0), failed(1, 5, 12.0)
    good = replace(good, index="strict", data=b'{"close": 12.0}')

    refusals = index_again(server, [replace(bad, index="strict"), good])

    assert refusals[1] is None
    assert refusals[0] is not None
    assert refusals[0].startswith("400: ")
