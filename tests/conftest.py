"""What tests of every tier share."""

import gc
import json
from collections import defaultdict
from collections.abc import Callable, Generator, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import botocore.session
import pytest
from hypothesis import settings

from stockstream_operate.environment import KEY_VARIABLES

ROOT = Path(__file__).parents[1]
# How long an example takes says how busy the machine is.
# A property that names no number of examples has half of a hundred, and in `make test-slow` all of them.
settings.register_profile("any machine", deadline=None, max_examples=50)
settings.register_profile("thorough", deadline=None)
settings.load_profile("any machine")


def pytest_addoption(parser: pytest.Parser) -> None:
    """What `make test-slow` asks for."""
    parser.addoption("--thorough", action="store_true", help="also what is slow, each case and all examples")


def pytest_configure(config: pytest.Config) -> None:
    """Leaves nothing out where all is asked for. Tests say at import how many examples they want, so: now."""
    if config.getoption("--thorough"):
        settings.load_profile("thorough")
        config.option.markexpr = ""


# Each of boto3's sessions, and each test makes its own, would read the services' descriptions anew.
botocore.session.create_loader = cache(botocore.session.create_loader)


@pytest.fixture(autouse=True)
def never_touches_aws(monkeypatch: pytest.MonkeyPatch) -> None:
    """Credentials that open nothing, so that a test that forgets its fake fails instead of costing money."""
    for name in ("AWS_PROFILE", "AWS_SESSION_TOKEN", "AWS_ENDPOINT_URL", *KEY_VARIABLES):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")


@pytest.fixture
def load_event() -> Callable[[str], dict[str, Any]]:
    """Reads a sample event by its name, such as alarm-metric."""

    def load(name: str) -> dict[str, Any]:
        event: dict[str, Any] = json.loads((ROOT / "events" / f"{name}.json").read_text(encoding="utf-8"))
        return event

    return load


@pytest.fixture
def recorded() -> Callable[[str], bytes]:
    """Reads a recorded answer; skips the test where the recordings are not."""

    def read(path: str) -> bytes:
        file = ROOT.parent / "shared" / "data" / path
        if not file.exists():
            pytest.skip("the recorded answers are not on this machine")
        return file.read_bytes()

    return read


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """Looks for no garbage meanwhile, and never in what was imported and collected, which stays."""
    gc.disable()
    result = yield
    gc.freeze()
    gc.enable()
    return result


@pytest.hookimpl(wrapper=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> Iterator[None]:
    """Marks as slow the cases that a sample leaves out, and spreads the files that deploy a stack."""
    cases: defaultdict[str, list[pytest.Function]] = defaultdict(list)
    for item in items:
        if isinstance(item, pytest.Function) and item.get_closest_marker("sampled"):
            cases[item.nodeid.partition("[")[0]].append(item)
    for each in cases.values():
        (wanted,) = each[0].get_closest_marker("sampled").args  # type: ignore[union-attr]
        each.sort(key=lambda item: item.nodeid)  # random order must not choose
        kept = {round(place * (len(each) - 1) / max(1, wanted - 1)) for place in range(wanted)}
        for place, item in enumerate(each):
            if place not in kept:
                item.add_marker(pytest.mark.slow)
    yield  # here the order is drawn, and what is slow left out
    # They wait most of their time: beside one another, or at the end, they would leave the cores idle.
    waiting: dict[Path, list[pytest.Item]] = {}
    for item in items:
        if item.get_closest_marker("local"):
            waiting.setdefault(item.path, []).append(item)
    longest_first = sorted(waiting, key=lambda path: -_minutes(waiting[path][0]))
    working = [item for item in items if item.path not in waiting]
    part = len(working) // (2 * len(waiting) or 1)
    items.clear()
    for number, path in enumerate(longest_first):
        items += [*waiting[path], *working[number * part : (number + 1) * part]]
    items += working[len(waiting) * part :]


def _minutes(item: pytest.Item) -> int:
    marker = item.get_closest_marker("local")
    return marker.kwargs.get("minutes", 1) if marker else 0
