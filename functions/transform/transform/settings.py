"""The transform's settings: which moving averages it computes, what it logs, and where its metrics go."""

import os
from functools import cache

from stockstream.windows import Windows, parse_windows
from transform.report import LEVELS


@cache
def read_windows() -> Windows:
    """The windows that SMA_WINDOWS and EMA_WINDOWS name, read once.

    Raises:
        SettingsError: a list is missing or impossible; the text names it.
    """
    return parse_windows(os.environ.get("SMA_WINDOWS", ""), os.environ.get("EMA_WINDOWS", ""))


def read_level() -> str:
    """The log level, from the variable that Powertools reads in the other functions."""
    level = os.environ.get("POWERTOOLS_LOG_LEVEL", "INFO").upper()
    return level if level in LEVELS else "INFO"


def read_namespace() -> str:
    """The namespace of the metrics, from the variable that Powertools reads in the other functions."""
    return os.environ.get("POWERTOOLS_METRICS_NAMESPACE", "Stockstream")
