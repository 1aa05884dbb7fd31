"""Indexing documents again that the search index did not take."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import batched
from urllib.parse import urlsplit

import boto3
import orjson
from opensearchpy import OpenSearch, OpenSearchException, Urllib3AWSV4SignerAuth

from stockstream.errors import StockstreamError
from stockstream.times import parse_instant

# Small beside the 10 MB that the smallest domain takes in one request.
CALL_DOCUMENTS = 500
_CONFLICT = 409
_TAKEN = range(200, 300)


class SearchAgainError(StockstreamError):
    """The search index cannot be reached, or refuses; the text says what it said."""


@dataclass(frozen=True, slots=True)
class Failed:
    """A document for an index.

    Attributes:
        index: its name.
        id: the bar's.
        as_of: when the bar was known.
        data: the document.
    """

    index: str
    id: str
    as_of: str
    data: bytes


def open_search(endpoint: str) -> OpenSearch:
    """A client for a search index: signed as the caller where it is Amazon's, open elsewhere."""
    host = urlsplit(endpoint).hostname or ""
    auth = None
    if host.endswith(".amazonaws.com"):
        session = boto3.Session()
        auth = Urllib3AWSV4SignerAuth(session.get_credentials(), session.region_name, "es")
    return OpenSearch(hosts=[endpoint], http_auth=auth, timeout=30)


def index_again(client: OpenSearch, documents: Iterable[Failed]) -> list[str | None]:
    """Indexes documents; of each why it was refused, or None.

    A document carries its id, and its as_of as its version, as the ingest pipeline sets them too: so nothing
    is doubled where the pipeline is not installed. That the index has a newer answer is no refusal.

    Raises:
        SearchAgainError: no answer, or none to the request as a whole.
    """
    refusals: list[str | None] = []
    for call in batched(documents, CALL_DOCUMENTS, strict=False):
        refusals += _index_call(client, call)
    return refusals


def _index_call(client: OpenSearch, call: Sequence[Failed]) -> list[str | None]:
    lines = [line for each in call for line in (_metadata(each), orjson.dumps(orjson.loads(each.data)))]
    try:
        answer = client.bulk(body=b"\n".join(lines) + b"\n")
    except OpenSearchException as error:
        raise SearchAgainError(f"The search index gave no good answer: {error}") from error
    return [_refusal(item["index"]) for item in answer["items"]]


def _metadata(document: Failed) -> bytes:
    version = round(parse_instant(document.as_of).timestamp() * 1000)
    action = {
        "_index": document.index,
        "_id": document.id,
        "version": version,
        "version_type": "external_gte",
    }
    return orjson.dumps({"index": action})


def _refusal(item: dict[str, object]) -> str | None:
    status = item["status"]
    if status == _CONFLICT or status in _TAKEN:
        return None
    error = item.get("error")
    reason = error.get("reason") if isinstance(error, dict) else error
    return f"{status}: {reason}"
