"""The replay market, which `make run` starts on one's own machine. It speaks as Alpha Vantage does."""

from dataclasses import replace
from datetime import timedelta

from producer.providers.alphavantage import ALPHA_VANTAGE

REPLAY = replace(
    ALPHA_VANTAGE,
    title="the replay market",
    url="http://127.0.0.1",
    delay=lambda _options: timedelta(),
)
