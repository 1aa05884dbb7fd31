"""The pure core: from the records of one event to the answer and the rejections."""

from __future__ import annotations

import pybase64

from stockstream.errors import Reason, RecordError
from transform.answers import accept, cut_to_fit, give_back
from transform.arrivals import read_arrival
from transform.documents import enrich

TYPE_CHECKING = False  # importing typing for it would cost 4 ms of each cold start
if TYPE_CHECKING:
    from typing import Any

    from stockstream.windows import Windows


def transform_records(
    records: list[dict[str, Any]], windows: Windows
) -> tuple[list[dict[str, str]], list[tuple[str, RecordError]]]:
    """The entries of the answer, in the order of the records, and what was refused: record ids and errors.

    Raises:
        AnswerTooLargeError: the event was larger than Lambda's own limit.
    """
    entries: list[dict[str, str]] = []
    rejections: list[tuple[str, RecordError]] = []
    for record in records:
        try:
            document = enrich(_decode(record["data"]), read_arrival(record), windows)
        except RecordError as error:
            entries.append(give_back(record))
            rejections.append((record["recordId"], error))
        else:
            entries.append(accept(record, pybase64.b64encode_as_string(document)))
    for position in cut_to_fit(entries, records):
        too_large = RecordError(Reason.TOO_LARGE, "the answer had no room for the document")
        rejections.append((records[position]["recordId"], too_large))
    return entries, rejections


def _decode(data: str) -> bytes:
    try:
        return pybase64.b64decode(data, validate=True)
    except ValueError:
        raise RecordError(Reason.MALFORMED_JSON, "the data is not base64") from None
