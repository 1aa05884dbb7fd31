"""The saved objects of OpenSearch Dashboards: imported, and compared with what is there."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import requests

from stockstream_operate.search.client import TIMEOUT_SECONDS, SearchError, Server, explain, explain_status
from stockstream_operate.search.install import PartState, PartStatus
from stockstream_operate.workplace import SEARCH_SOURCES

SAVED_OBJECTS = SEARCH_SOURCES / "saved-objects.ndjson"
# Dashboards refuses requests without the first. By the second, everybody sees them, not their importer alone.
HEADERS = {"osd-xsrf": "true", "securitytenant": "global"}
_NAME = "dashboards"

type SavedObject = dict[str, Any]


def read_saved_objects(file: Path = SAVED_OBJECTS) -> list[SavedObject]:
    """The saved objects of a file, without the line that Dashboards adds about its export."""
    lines = [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines() if line]
    return [line for line in lines if "type" in line]


class Dashboards:
    """OpenSearch Dashboards at an address.

    Args:
        url: its address, without a slash at its end.
        server: the search server, whose auth is this one's, too.
        file: the saved objects to install.
    """

    def __init__(self, url: str, server: Server, file: Path = SAVED_OBJECTS) -> None:
        self._url = url.rstrip("/")
        self._server = Server(self._url, server.auth)
        self._file = file

    def install(self) -> PartStatus:
        """Imports the saved objects if any of them is missing or different."""
        before = self.check()
        if before.state not in {PartState.MISSING, PartState.DIFFERENT}:
            return before
        try:
            answer = self._post(
                "_import?overwrite=true",
                files={"file": (self._file.name, self._file.read_bytes(), "application/ndjson")},
            )
        except SearchError as error:
            return PartStatus(_NAME, PartState.REFUSED, (str(error),))
        if not answer.get("success"):
            reasons = tuple(_import_error(each) for each in answer.get("errors", []))
            return PartStatus(_NAME, PartState.REFUSED, reasons or (str(answer),))
        return PartStatus(
            _NAME, PartState.MADE if before.state is PartState.MISSING else PartState.CHANGED, before.notes
        )

    def check(self) -> PartStatus:
        """Compares the saved objects with what is there."""
        wanted = read_saved_objects(self._file)
        asked = [{"type": each["type"], "id": each["id"]} for each in wanted]
        try:
            answer = self._post("_bulk_get", json=asked)
        except SearchError as error:
            return PartStatus(_NAME, PartState.REFUSED, (str(error),))
        found = {(each["type"], each["id"]): each for each in answer["saved_objects"]}
        missing = [each for each in wanted if "attributes" not in found.get((each["type"], each["id"]), {})]
        if len(missing) == len(wanted):
            return PartStatus(_NAME, PartState.MISSING)
        notes = tuple(
            note for each in wanted for note in _compare(each, found.get((each["type"], each["id"]), {}))
        )
        return PartStatus(_NAME, PartState.DIFFERENT if notes else PartState.RIGHT, notes)

    def _post(self, path: str, **body: Any) -> Any:  # noqa: ANN401 (what requests takes, and JSON)
        try:
            with self._server.session() as session:
                answer = session.post(
                    f"{self._url}/api/saved_objects/{path}",
                    headers=HEADERS,
                    timeout=TIMEOUT_SECONDS,
                    # A page that asks for a name is not followed: it would answer 200.
                    allow_redirects=False,
                    **body,
                )
            if answer.is_redirect:
                there = answer.headers["Location"]
                raise SearchError(
                    f"{answer.status_code}: {self._url} sends to {there}. Must one log in? Give --user."
                )
            if not answer.ok:
                said = " ".join(answer.text.split())[:200]
                raise SearchError(explain_status(answer.status_code, said, self._server))
            return answer.json()
        except requests.JSONDecodeError as error:
            raise SearchError(f"{self._url} is no OpenSearch Dashboards: it answers with a page.") from error
        except requests.RequestException as error:
            raise SearchError(explain(error, self._server)) from error


def _compare(wanted: SavedObject, found: Mapping[str, Any]) -> Iterator[str]:
    name = f"{wanted['type']} {wanted['attributes'].get('title', wanted['id'])}"
    if "attributes" not in found:
        yield f"{name} is missing"
        return
    there = found["attributes"]
    if other := sorted(key for key, value in wanted["attributes"].items() if there.get(key) != value):
        yield f"{name} differs in {', '.join(other)}"
    if _references(wanted) != _references(found):
        yield f"{name} refers to something else"


def _references(saved: Mapping[str, Any]) -> list[tuple[str, str, str]]:
    return sorted((each["name"], each["type"], each["id"]) for each in saved.get("references", []))


def _import_error(error: Mapping[str, Any]) -> str:
    kind = error.get("error", {}).get("type", "unknown")
    return f"{error.get('type')} {error.get('title') or error.get('id')}: {str(kind).replace('_', ' ')}"
