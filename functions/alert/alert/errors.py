"""The errors of the alert function; none ever holds the address of a webhook, which is a secret."""

from stockstream.errors import StockstreamError


class EventError(StockstreamError):
    """The function was called by something that is not SNS."""


class ChannelError(StockstreamError):
    """A channel did not take a notice; the text says why."""


class LedgerError(StockstreamError):
    """The table of notices cannot be reached, or refused a request."""


class ChangesError(StockstreamError):
    """What CloudWatch remembers of an alarm cannot be read; the text says why."""


class LogsError(StockstreamError):
    """The logs cannot be read; the text says why."""


class DeliveryError(StockstreamError):
    """Notices did not reach every channel; the text names the channels that are left."""
