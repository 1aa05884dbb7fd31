"""The errors of the alert function; none ever holds the address of a webhook, which is a secret."""

from stockstream.errors import StockstreamError


class EventError(StockstreamError):
    """The event did not come from SNS."""


class ChannelError(StockstreamError):
    """A channel did not take a notice; the text says why."""


class LedgerError(StockstreamError):
    """The table of notices cannot be reached, or refused a request."""


class ChangesError(StockstreamError):
    """An alarm's history in CloudWatch cannot be read; the text says why."""


class LogsError(StockstreamError):
    """The logs cannot be read; the text says why."""


class DeliveryError(StockstreamError):
    """A notice has not reached every channel; the text names the channels."""
