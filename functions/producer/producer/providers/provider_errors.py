"""How a provider can fail, a type for each, and what each one means for the next request."""

from datetime import timedelta
from enum import Enum

from stockstream.errors import StockstreamError


class FailureOutcome(Enum):
    """What a failure means for the next request."""

    RETRY_SOON = "retry soon"
    WAIT = "wait"
    STOP_FOR_THE_DAY = "stop for the day"
    TELL_A_PERSON = "tell a person"


# The failures with the other outcomes pass by themselves.
NEEDS_A_PERSON = {FailureOutcome.STOP_FOR_THE_DAY, FailureOutcome.TELL_A_PERSON}


class ProviderError(StockstreamError):
    """A provider gave no bars; the text never holds the key.

    Attributes:
        outcome: what it means for the next request.
        retry_after: how long the provider asks to wait; None if it does not say.
    """

    outcome = FailureOutcome.RETRY_SOON
    retry_after: timedelta | None = None


class RequestNotMadeError(ProviderError):
    """The request was not made, since the allowance is spent; the provider has refused nothing."""


class ProviderUnavailableError(ProviderError):
    """No answer: a connection failed, took too long, or the server is in trouble."""


class MalformedAnswerError(ProviderError):
    """An answer that is neither bars nor a known error: cut off, no JSON, or about something else."""


class BurstLimitError(ProviderError):
    """Too many requests within a second."""


class MinuteLimitError(ProviderError):
    """Too many requests within a minute."""

    outcome = FailureOutcome.WAIT


class NoDataError(ProviderError):
    """An answer without bars and without a reason."""

    outcome = FailureOutcome.WAIT


class HistoryLimitError(ProviderError):
    """The provider does not show bars that are so old."""

    outcome = FailureOutcome.WAIT


class DailyQuotaError(ProviderError):
    """The plan's requests for the day are spent."""

    outcome = FailureOutcome.STOP_FOR_THE_DAY


class KeyRefusedError(ProviderError):
    """The API key is missing, wrong, or the demo key."""

    outcome = FailureOutcome.TELL_A_PERSON


class KeyNotReadError(ProviderError):
    """The provider refuses the key that was read last, and whether another one is stored is not known."""


class NotEntitledError(ProviderError):
    """The plan does not cover what was asked."""

    outcome = FailureOutcome.TELL_A_PERSON


class UnknownInstrumentError(ProviderError):
    """The provider does not know the instrument, or refuses a parameter."""

    outcome = FailureOutcome.TELL_A_PERSON


class SampleDataError(ProviderError):
    """Invented sample data in place of the market's."""

    outcome = FailureOutcome.TELL_A_PERSON
