"""What tests of the producer as a whole share."""

from collections.abc import Iterator
from io import StringIO

import pytest

from stockstream.observability import logger, metrics


@pytest.fixture
def log(monkeypatch: pytest.MonkeyPatch) -> Iterator[StringIO]:
    """What the producer logs."""
    stream = StringIO()
    monkeypatch.setattr(logger.registered_handler, "stream", stream)
    metrics.clear_metrics()
    yield stream
    metrics.clear_metrics()
