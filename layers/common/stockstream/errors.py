"""The errors that stockstream names, and the reasons for which it refuses a record."""

from enum import StrEnum


class StockstreamError(Exception):
    """Base of every error that stockstream raises on purpose; its text is written for a person."""


class SettingsError(StockstreamError):
    """A setting is missing or cannot be used; the text names the environment variable."""


class InstrumentError(StockstreamError):
    """A text names no instrument, or one that cannot be followed; the message quotes it."""


class Reason(StrEnum):
    """Why a record was refused: the codes of logs and metrics."""

    MALFORMED_JSON = "MALFORMED_JSON"
    UNKNOWN_SCHEMA = "UNKNOWN_SCHEMA"
    MISSING_FIELD = "MISSING_FIELD"
    BAD_TYPE = "BAD_TYPE"
    BAD_PRICE = "BAD_PRICE"
    HIGH_BELOW_LOW = "HIGH_BELOW_LOW"
    BAD_VOLUME = "BAD_VOLUME"
    BAD_TIME = "BAD_TIME"
    BAD_LOOKBACK = "BAD_LOOKBACK"
    TOO_LARGE = "TOO_LARGE"


class RecordError(StockstreamError):
    """A record or a bar breaks its contract.

    Attributes:
        reason: the code, for logs and metrics.
    """

    def __init__(self, reason: Reason, detail: str) -> None:
        super().__init__(f"{reason}: {detail}")
        self.reason = reason
