"""What counts as a difference between what is installed and what should be."""

from types import SimpleNamespace
from typing import Any

import pytest
from opensearchpy import NotFoundError

from stockstream_operate.search.index import Wanted
from stockstream_operate.search.install import Installer, PartState, PartStatus, differences


class GuardedServer:
    """A server with the security plugin, which has its audit log switched off at first."""

    def __init__(self) -> None:
        self.audit: dict[str, Any] = {"enabled": False, "audit": {}, "compliance": {"enabled": True}}
        self.put: list[str] = []
        self.transport = self
        self.indices = SimpleNamespace(exists=lambda **_asked: False)

    def connect(self) -> "GuardedServer":
        return self

    def perform_request(self, method: str, path: str, **more: Any) -> Any:
        if method == "PUT":
            self.put.append(path)
            if path == "/_plugins/_security/api/audit/config":
                self.audit = more["body"]
            return None
        if path == "/_plugins/_security/api/audit":
            return {"_readonly": ["/audit/exclude_sensitive_headers"], "config": self.audit}
        raise NotFoundError(404, "not there", {})


def audit_of(server: Any, *, puts: bool) -> PartStatus:
    installer = Installer(server, Wanted(is_audited=True))
    (found,) = [
        each for each in (installer.install() if puts else installer.check()) if each.name == "audit log"
    ]
    return found


def test_the_audit_log_of_a_new_domain_is_switched_on_once() -> None:
    server = GuardedServer()

    seen = audit_of(server, puts=False)
    assert (seen.state, seen.notes[0]) == (PartState.DIFFERENT, "enabled is False, not True")
    assert audit_of(server, puts=True).state is PartState.CHANGED
    assert server.audit["enabled"] is True

    server.put.clear()
    assert audit_of(server, puts=True).state is PartState.RIGHT
    assert "/_plugins/_security/api/audit/config" not in server.put


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        ({"a": 1}, {"a": 1, "added by the server": True}),
        ({"number_of_shards": "1", "dynamic": "false"}, {"number_of_shards": 1, "dynamic": False}),
        ({"index_patterns": ["b", "a"]}, {"index_patterns": ["a", "b"]}),
        ({"states": [{"name": "kept"}]}, {"states": [{"name": "kept", "retry": 3}]}),
    ],
)
def test_what_a_server_adds_or_writes_in_its_own_way_is_none(wanted: Any, found: Any) -> None:
    assert [*differences(wanted, found)] == []


@pytest.mark.parametrize(
    ("wanted", "found", "told"),
    [
        ({"a": {"b": 1}}, {"a": {"b": 2}}, "a.b is 2, not 1"),
        ({"a": {"b": 1}}, {"a": {}}, "a.b is missing"),
        ({"a": ["x"]}, {"a": ["x", "y"]}, "a is ['x', 'y'], not ['x']"),
        ({"a": [{"b": 1}]}, {"a": [{"b": 2}]}, "a[0].b is 2, not 1"),
        ({"properties": {"x": {}}}, {"properties": {"x": {}, "y": {}}}, "properties.y is not wanted"),
        ({"source": "a\n" * 100}, {"source": "b"}, f"source is b, not {'a ' * 30}..."),
    ],
)
def test_says_where_something_is_not_as_wanted(wanted: Any, found: Any, told: str) -> None:
    assert [*differences(wanted, found)] == [told]
