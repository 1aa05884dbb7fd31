"""Moments as people write them, on the command line and in Python."""

from datetime import UTC, date, datetime

from stockstream.errors import StockstreamError

type Moment = str | date | datetime


class MomentError(StockstreamError):
    """A text or a value is no moment, or two of them contradict each other; the text says how to write it."""


def parse_moment(said: Moment, what: str) -> datetime:
    """The moment in UTC.

    Args:
        said: `2026-11-20`, which is the first moment of that day, `2026-11-20T14:30:00Z`, or a date or a
            datetime of Python or pandas; UTC where no zone is said.
        what: what the moment is for, as the error's text calls it.

    Raises:
        MomentError: it is something else.
    """
    try:
        # Through its text, since pandas' "no time" is a datetime, too.
        moment = datetime.fromisoformat(str(said))
        return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
    except (ValueError, OverflowError):
        raise MomentError(
            f"{what} is {str(said)[:40]!r}, and no moment: write it as 2026-11-20 or 2026-11-20T14:30:00Z "
            "(UTC, where it names no zone)"
        ) from None
