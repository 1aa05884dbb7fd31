"""A provider that is asked about several instruments at once, as Alpaca is."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from producer.providers.alphavantage import AlphaVantage
from producer.providers.answers import Answer
from producer.providers.provider_errors import ProviderError
from stockstream.instruments import Instrument


@dataclass(frozen=True, slots=True)
class Together:
    """Asks Alpha Vantage for each of the instruments, and gives one answer.

    Attributes:
        provider: whom it asks.
        instruments_per_request: how many instruments one fetch takes at most.
    """

    provider: AlphaVantage
    instruments_per_request: int

    @property
    def answers_since(self) -> bool:
        """As the one that is asked."""
        return self.provider.answers_since

    def fetch(
        self, instruments: Sequence[Instrument], interval: str, since: datetime | None
    ) -> Mapping[str, Answer]:
        """What came of those that could be had; the rest is asked for again.

        Raises:
            ProviderError: nothing came.
        """
        answers: dict[str, Answer] = {}
        failure: ProviderError | None = None
        for instrument in instruments:
            try:
                answers |= self.provider.fetch([instrument], interval, since)
            except ProviderError as error:
                failure = error
        if failure and not answers:
            raise failure
        some = next(iter(answers.values()))
        for instrument in instruments:
            if instrument.name not in answers:
                answers[instrument.name] = Answer(
                    {}, [], some.asked_at, some.as_of, reaches_back=False, failure=failure
                )
        return answers

    def fetch_month(self, instrument: Instrument, interval: str, month: str) -> Answer:
        """As the one that is asked."""
        return self.provider.fetch_month(instrument, interval, month)

    def requests_per_month(self, instrument: Instrument, interval: str) -> int:
        """As the one that is asked."""
        return self.provider.requests_per_month(instrument, interval)
