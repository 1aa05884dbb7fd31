"""Indexing again: the request that the index gets, and what is made of its answer."""

import json
from typing import Any, cast

import pytest
from opensearchpy import ConnectionError as NoConnectionError

from stockstream_local.search_again import Failed, SearchAgainError, index_again, open_search

DOCUMENT = Failed("bars", "IBM|1min|2026-11-20T20:59:00Z", "2026-11-20T21:00:05.694Z", b'{"close":\n 11.0}\n')


class Index:
    """Answers bulk requests with these statuses."""

    def __init__(self, *statuses: int) -> None:
        self.statuses = list(statuses)
        self.requests: list[list[Any]] = []

    def bulk(self, *, body: bytes) -> dict[str, Any]:
        lines = [json.loads(line) for line in body.splitlines()]
        self.requests.append(lines)
        items = []
        for _ in lines[::2]:
            status = self.statuses.pop(0) if self.statuses else 201
            error = {} if status < 300 else {"error": {"type": "t", "reason": "it does not fit"}}
            items.append({"index": {"status": status, **error}})
        return {"errors": True, "items": items}


def index(server: object, documents: list[Failed]) -> list[str | None]:
    return index_again(cast("Any", server), documents)


def test_a_document_goes_with_its_id_and_its_as_of_as_the_version() -> None:
    server = Index()

    assert index(server, [DOCUMENT]) == [None]

    assert server.requests == [
        [
            {
                "index": {
                    "_index": "bars",
                    "_id": "IBM|1min|2026-11-20T20:59:00Z",
                    "version": 1795208405694,
                    "version_type": "external_gte",
                }
            },
            {"close": 11.0},
        ]
    ]


def test_a_newer_answer_in_the_index_is_no_refusal_and_a_mapping_error_is() -> None:
    refusals = index(Index(200, 409, 400, 201), [DOCUMENT] * 4)

    assert refusals == [None, None, "400: it does not fit", None]


def test_a_request_holds_500_documents() -> None:
    server = Index()

    assert index(server, [DOCUMENT] * 1001) == [None] * 1001
    assert [len(request) // 2 for request in server.requests] == [500, 500, 1]


def test_an_index_that_is_not_there_is_told_in_a_sentence() -> None:
    class Gone:
        def bulk(self, *, body: bytes) -> None:
            raise NoConnectionError("N/A", f"{len(body)} bytes not sent", None)

    with pytest.raises(SearchAgainError, match="The search index gave no good answer"):
        index(Gone(), [DOCUMENT])


def test_no_documents_are_no_request() -> None:
    server = Index()

    assert index(server, []) == []
    assert server.requests == []


def test_an_endpoint_that_is_not_amazons_is_asked_without_a_signature() -> None:
    (host,) = open_search("http://127.0.0.1:9200").transport.hosts

    assert (host["host"], host["port"]) == ("127.0.0.1", 9200)
