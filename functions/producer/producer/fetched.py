"""One request to the provider: its answers, and what became of them."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from producer.providers.answers import Answer
from producer.providers.provider_errors import ProviderError
from producer.publishing.sending import Published
from stockstream.errors import StockstreamError
from stockstream.instruments import Instrument
from stockstream.records import correlation_id
from stockstream.times import format_instant


@dataclass(slots=True)
class Fetched:
    """What one request brought.

    Attributes:
        instruments: what was asked for.
        asked_at: when it was made.
        answers: by instrument, without the forming bar; empty if the request failed or was not made.
        published: by instrument, what became of them.
        failure: why there are no answers.
        left: by instrument, why its answer could not be published.
        rereads: whether it was to read again what was sent long ago, as rereading.py says.
        published_at: when its bars were in the stream; None if there was no answer.
    """

    instruments: Sequence[Instrument]
    asked_at: datetime
    answers: dict[str, Answer] = field(default_factory=dict)
    published: dict[str, Published] = field(default_factory=dict)
    failure: ProviderError | None = None
    left: dict[str, StockstreamError] = field(default_factory=dict)
    rereads: bool = False
    published_at: datetime | None = None

    def failures(self) -> dict[str, ProviderError]:
        """Why an instrument has no whole answer, by its name."""
        if self.failure:
            return dict.fromkeys((instrument.name for instrument in self.instruments), self.failure)
        return {name: answer.failure for name, answer in self.answers.items() if answer.failure is not None}

    def deferred(self) -> dict[str, int]:
        """How many bars of each instrument the stream does not have yet.

        If an answer could not be published, it is not known which of its bars are new: all are counted.
        """
        unsent = {name: published.unsent for name, published in self.published.items()}
        return unsent | {name: len(self.answers[name].bars) for name in self.left}

    def is_sent(self, name: str) -> bool:
        """Whether the stream has all that the answer about an instrument brought."""
        return name in self.published and not self.published[name].unsent

    def correlation_id(self, name: str, interval: str) -> str:
        """The correlation id of an instrument's answer, which the transform logs too."""
        return correlation_id(name, interval, format_instant(self.answers[name].as_of))
