"""Installing and checking the parts of a search index."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any

import requests
from opensearchpy import OpenSearch, TransportError

from stockstream_operate.search.client import Server, explain, said_by
from stockstream_operate.search.index import (
    MONTHS,
    PIPELINE_PATH,
    RETENTION,
    RETENTION_PATH,
    ROLE_MAPPING_PATH,
    WRITE_INDEX,
    Part,
    Wanted,
    list_parts,
    mapping,
)

# The name of the only status where the server cannot be asked at all.
SERVER = "server"
# What a server says of a path that one of its plugins would serve.
_NO_HANDLER = "no handler found"
# What Amazon says of the paths of fine-grained access control on a domain without it.
_NOT_ALLOWED = "is not allowed"


class PartState(Enum):
    """The state of a part of the index."""

    MADE = "made"
    CHANGED = "changed"
    RIGHT = "right"
    MISSING = "missing"
    DIFFERENT = "different"
    SKIPPED = "skipped"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class PartStatus:
    """The state of one part of the index, and why.

    Attributes:
        name: the part's.
        state: what came of it.
        notes: what differs, or why it was refused or skipped.
        is_vital: whether the index is wrong without it.
    """

    name: str
    state: PartState
    notes: tuple[str, ...] = ()
    is_vital: bool = True

    @property
    def is_fine(self) -> bool:
        """Whether nothing needs to be done about it."""
        done = self.state in {PartState.MADE, PartState.CHANGED, PartState.RIGHT}
        return done or (self.state is PartState.SKIPPED and not self.is_vital)


class Installer:
    """Installs and checks the parts of a search index on a server.

    Args:
        server: where.
        wanted: how the index should be.
    """

    def __init__(self, server: Server, wanted: Wanted) -> None:
        self._server = server
        self._wanted = wanted
        self._client = server.connect()

    def install(self) -> Iterator[PartStatus]:
        """Puts in place each part that is missing or different; the permission to write comes last."""
        return self._go_through(puts=True)

    def check(self) -> Iterator[PartStatus]:
        """Compares each part with what is there, and changes nothing."""
        return self._go_through(puts=False)

    def _go_through(self, *, puts: bool) -> Iterator[PartStatus]:
        try:
            has_pipelines = has_feature(self._client, PIPELINE_PATH)
        except TransportError as error:
            # If this request fails, all the others would.
            yield PartStatus(SERVER, PartState.REFUSED, (explain(error, self._server),))
            return
        for part in list_parts(self._wanted, has_pipelines=has_pipelines):
            yield self._handle(part, puts=puts)
        yield self._months(puts=puts)
        yield self._check_nothing_in_the_way()

    def _handle(self, part: Part, *, puts: bool) -> PartStatus:
        try:
            answer = _get(self._client, part.path)
            found = _within(answer, part)
            if part.path == ROLE_MAPPING_PATH and found:
                part = _beside_others(part, found)
            notes = tuple(differences(part.body, found)) if found is not None else ()
            if found is not None and not notes:
                return PartStatus(part.name, PartState.RIGHT)
            if not puts:
                return PartStatus(
                    part.name, PartState.DIFFERENT if notes else PartState.MISSING, notes, part.is_vital
                )
            params = _unless_changed(answer) if part.path == RETENTION_PATH else {}
            self._client.transport.perform_request(
                "PUT", part.path + part.below, params=params, body=part.body
            )
            if part.path == RETENTION_PATH:
                self._let_follow("change_policy" if notes else "add")
        except TransportError as error:
            if part.needs and lacks_feature(error):
                return PartStatus(
                    part.name,
                    PartState.SKIPPED,
                    (f"this server has no {part.needs}",),
                    is_vital=part.is_vital,
                )
            return PartStatus(part.name, PartState.REFUSED, (explain(error, self._server),), part.is_vital)
        return PartStatus(part.name, PartState.CHANGED if notes else PartState.MADE, notes)

    def _let_follow(self, verb: str) -> None:
        """Applies the policy to the months that exist already."""
        if self._client.indices.exists(index=MONTHS, params={"allow_no_indices": "false"}):
            self._client.transport.perform_request(
                "POST", f"/_plugins/_ism/{verb}/{MONTHS}", body={"policy_id": RETENTION}
            )

    def _months(self, *, puts: bool) -> PartStatus:
        """A template is for new indices: a new average's field has to be added to those that are there."""
        name = "fields of the months that are there"
        fields = mapping(self._wanted.windows)
        try:
            months = _get(self._client, f"/{MONTHS}/_mapping") or {}
            notes = tuple(
                f"{month}: {difference}"
                for month, found in sorted(months.items())
                for difference in differences(fields, found["mappings"].get("properties", {}))
            )
            if notes and puts:
                self._client.indices.put_mapping(index=MONTHS, body={"properties": fields})
                return PartStatus(name, PartState.CHANGED, notes)
        except TransportError as error:
            return PartStatus(name, PartState.REFUSED, (explain(error, self._server),))
        return PartStatus(name, PartState.DIFFERENT if notes else PartState.RIGHT, notes)

    def _check_nothing_in_the_way(self) -> PartStatus:
        """Firehose's index must not exist: its documents would stay in it, as they are."""
        name = "no index in the way"
        try:
            is_there = self._client.indices.exists(index=WRITE_INDEX)
        except TransportError as error:
            return PartStatus(name, PartState.REFUSED, (explain(error, self._server),))
        if not is_there:
            return PartStatus(name, PartState.RIGHT)
        note = (
            f"an index named {WRITE_INDEX} was made before the template: what Firehose sends stays in it, "
            f"under ids of its own. Delete it (DELETE /{WRITE_INDEX}), then run `stockstream search fill`."
        )
        return PartStatus(name, PartState.DIFFERENT, (note,))


def has_feature(client: OpenSearch, path: str) -> bool:
    """Whether a server knows a path of a plugin's.

    Raises:
        TransportError: it cannot be asked.
    """
    try:
        _get(client, path)
    except TransportError as error:
        if lacks_feature(error):
            return False
        raise
    return True


def is_there(client: OpenSearch, path: str) -> bool:
    """Whether something is at a path.

    Raises:
        TransportError: the server cannot be asked, or does not know such paths.
    """
    return _get(client, path) is not None


def lacks_feature(error: TransportError) -> bool:
    """Whether a server refuses since it does not know the path at all."""
    said = said_by(error)
    unknown = error.status_code == requests.codes.bad_request and _NO_HANDLER in said
    return unknown or (error.status_code in {401, 403, 405} and _NOT_ALLOWED in said)


def _get(client: OpenSearch, path: str) -> Any:  # noqa: ANN401 (JSON)
    try:
        return client.transport.perform_request("GET", path)
    except TransportError as error:
        if error.status_code == requests.codes.not_found:
            return None
        raise


def _within(answer: Any, part: Part) -> Any:  # noqa: ANN401 (JSON)
    for key in part.within if answer else ():
        answer = answer[key]
    return answer


def _unless_changed(answer: Mapping[str, Any] | None) -> dict[str, Any]:
    """A policy is replaced only where it is still the one that was read."""
    return {"if_seq_no": answer["_seq_no"], "if_primary_term": answer["_primary_term"]} if answer else {}


def _beside_others(part: Part, found: Mapping[str, Any]) -> Part:
    """Two stacks may deliver into one domain: who has the role already keeps it."""
    everybody = sorted({*found.get("backend_roles", []), *part.body["backend_roles"]})
    return Part(part.name, part.path, {"backend_roles": everybody}, part.within, part.needs, part.is_vital)


def differences(wanted: Any, found: Any, path: str = "") -> Iterator[str]:  # noqa: ANN401 (JSON)
    """Where something installed is not as wanted; what a server adds of its own is no difference.

    Fields are the exception, since a mapping with more of them is another one.
    """
    if isinstance(wanted, dict) and isinstance(found, dict):
        for key, value in wanted.items():
            inner = f"{path}.{key}" if path else str(key)
            if key in found:
                yield from differences(value, found[key], inner)
            else:
                yield f"{inner} is missing"
        if path.endswith("properties"):
            yield from (f"{path}.{key} is not wanted" for key in sorted(found.keys() - wanted.keys()))
    elif isinstance(wanted, list) and isinstance(found, list) and len(wanted) == len(found):
        if all(isinstance(each, str) for each in wanted):
            wanted, found = sorted(wanted), sorted(found)
        for place, (value, other) in enumerate(zip(wanted, found, strict=True)):
            yield from differences(value, other, f"{path}[{place}]")
    # Servers tell numbers and truth values of settings as text.
    elif str(wanted).lower() != str(found).lower():
        yield f"{path} is {_short(found)}, not {_short(wanted)}"


def _short(value: Any) -> str:  # noqa: ANN401 (JSON)
    text = " ".join(str(value).split())
    return text if len(text) <= 60 else f"{text[:60]}..."  # noqa: PLR2004 (what fits on a line)
