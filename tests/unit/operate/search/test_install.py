"""What counts as a difference between what is installed and what should be."""

from typing import Any

import pytest

from stockstream_operate.search.install import differences


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
