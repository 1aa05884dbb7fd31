"""The replay market of `make run`, a server on the same machine with Alpha Vantage's interface."""

from dataclasses import replace
from datetime import timedelta

from producer.providers.alphavantage import ALPHA_VANTAGE

REPLAY = replace(
    ALPHA_VANTAGE,
    title="the replay market",
    url="http://127.0.0.1",
    delay=lambda _options: timedelta(),
)
