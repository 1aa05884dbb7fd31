"""Filling a search index from the lake, as the delivery stream fills it from the stream."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import batched
from typing import Any

import orjson
from opensearchpy import TransportError

from stockstream.times import parse_instant
from stockstream_operate.lake.delivered import Document
from stockstream_operate.search.client import SearchError, Server, explain
from stockstream_operate.search.index import PIPELINE_PATH, REJECTED, TEMPLATE_PATH, WRITE_INDEX
from stockstream_operate.search.install import has_feature, is_there

# A document is about 1 KB, and the smallest domain takes 10 MB in one request.
CALL_DOCUMENTS = 1000
_CONFLICT = 409
_TAKEN = range(200, 300)


@dataclass(slots=True)
class FillReport:
    """What became of the documents that were to be indexed.

    Attributes:
        indexed: how many the index took; a repetition counts.
        outdated: how many came after a newer answer about the same bar.
        refused: why others were refused, and how many for each reason.
    """

    indexed: int = 0
    outdated: int = 0
    refused: Counter[str] = field(default_factory=Counter)

    def __str__(self) -> str:
        """In a sentence."""
        return (
            f"{self.indexed:,} indexed, {self.outdated:,} older than what is there, "
            f"{self.refused.total():,} refused"
        )


class Filler:
    """Puts documents into a search index.

    As Firehose does: into the write index, from where the server's pipeline moves each to its month and id.
    On a server without pipelines it sets the index, the id and the version itself.

    Args:
        server: where the index is.

    Raises:
        SearchError: the server cannot be asked, or `stockstream search install` was not run on it.
    """

    def __init__(self, server: Server) -> None:
        self.report = FillReport()
        self._server = server
        self._client = server.connect()
        try:
            self._routes_itself = not has_feature(self._client, PIPELINE_PATH)
            needed = [TEMPLATE_PATH] if self._routes_itself else [TEMPLATE_PATH, PIPELINE_PATH]
            is_ready = all(is_there(self._client, path) for path in needed)
        except TransportError as error:
            raise SearchError(explain(error, server)) from error
        if not is_ready:
            raise SearchError(
                f"{server.endpoint} is not ready: the same bar would be indexed twice, or with wrong types. "
                "Run `stockstream search install` first."
            )

    def fill(self, documents: Iterable[Document]) -> list[str]:
        """Indexes documents, and counts in the report what became of them.

        Returns:
            For each document why it was refused; empty if it was not. An answer older than the one in the
            index counts as taken.

        Raises:
            SearchError: the server gave no good answer.
        """
        refusals = []
        for call in batched(documents, CALL_DOCUMENTS, strict=False):
            lines = [line for each in call for line in (self._action(each), orjson.dumps(each))]
            try:
                answer = self._client.bulk(body=b"\n".join(lines) + b"\n")
            except TransportError as error:
                raise SearchError(explain(error, self._server)) from error
            refusals += [self._count(item["index"]) for item in answer["items"]]
        return refusals

    def _action(self, document: Document) -> bytes:
        return orjson.dumps({"index": route(document) if self._routes_itself else {"_index": WRITE_INDEX}})

    def _count(self, item: dict[str, Any]) -> str:
        if item["status"] == _CONFLICT:
            self.report.outdated += 1
            return ""
        if item["status"] not in _TAKEN:
            error = item.get("error", {})
            refusal = f"{item['status']}: {error.get('reason', error)}"
        elif item["_index"] == REJECTED:
            refusal = f"by the pipeline: see the index {REJECTED}"
        else:
            self.report.indexed += 1
            return ""
        self.report.refused[refusal] += 1
        return refusal


def route(document: Document) -> dict[str, Any]:
    """What the pipeline sets for a document: its index, its id, and as_of as its version."""
    return {
        "_index": f"bars-{document['open_time'][:7]}",
        "_id": document["id"],
        "version": round(parse_instant(document["as_of"]).timestamp() * 1000),
        "version_type": "external_gte",
    }


def say_refused(report: FillReport) -> list[str]:
    """A line for each reason of a refusal."""
    return [f"  {count:,} of {reason}" for reason, count in report.refused.most_common()]
