"""The interface of a provider, and the record by which the producer knows it."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Protocol

import requests

from producer.providers.answers import Answer
from stockstream.instruments import Instrument


class Provider(Protocol):
    """Where bars come from.

    Attributes:
        instruments_per_request: how many instruments one fetch takes at most.
        answers_since: whether an answer begins at the moment that is asked for, however long ago that is.
    """

    @property
    def instruments_per_request(self) -> int: ...  # noqa: D102 (the class says it)

    @property
    def answers_since(self) -> bool: ...  # noqa: D102 (the class says it)

    def fetch(
        self, instruments: Sequence[Instrument], interval: str, since: datetime | None
    ) -> Mapping[str, Answer]:
        """The newest bars of a few instruments.

        Args:
            instruments: what to ask for: from 1 to instruments_per_request.
            interval: a key of INTERVALS.
            since: from when on bars are wanted; None for the newest hundred or so.

        Returns:
            An answer for each instrument, by its name; `Answer.failure` says why one failed.

        Raises:
            ProviderError: there are no bars at all; its type says why.
        """

    def fetch_month(self, instrument: Instrument, interval: str, month: str) -> Answer:
        """The bars of a month, such as `2026-10`, by the market's own clock.

        Raises:
            NoDataError: the instrument has none in that month.
            ProviderError: they did not come; its type says why.
        """

    def requests_per_month(self, instrument: Instrument, interval: str) -> int:
        """How many requests fetch_month makes at the most."""


@dataclass(frozen=True, slots=True)
class ProviderAccess:
    """What a provider needs.

    Attributes:
        session: the HTTP session, kept over requests.
        url: the server's address, without a path.
        read_key: reads the text of the parameter that holds the key; None if no key is needed.
        timeout_seconds: how long to wait for a whole answer.
        hours: one of sessions.HOURS.
        options: the values of the provider's own settings, by their names.
        before_request: called before each request; what it raises goes to the caller.
        is_scarce: whether the plan limits a day's requests.
        now: the clock.
    """

    session: requests.Session
    url: str
    read_key: Callable[[], str] | None
    timeout_seconds: float
    hours: str
    options: Mapping[str, str]
    before_request: Callable[[], None]
    is_scarce: bool = False
    now: Callable[[], datetime] = lambda: datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class ProviderKind:
    """One provider that can be chosen. `providers.catalogue` lists them all.

    Attributes:
        title: its name in a sentence.
        url: its address; `template.yaml` has the same one.
        open: makes a Provider; raises SettingsError if the key is missing or has another form.
        offers: whether it has bars of an instrument's class.
        delay: by how much its plan may delay its data, given the values of its own settings.
        needs_key: whether it needs a key for an instrument.
        options: its own settings: for each environment variable the values that it may have; each is a
            parameter of `template.yaml`.
    """

    title: str
    url: str
    open: Callable[[ProviderAccess], Provider]
    offers: Callable[[Instrument], bool]
    delay: Callable[[Mapping[str, str]], timedelta]
    needs_key: Callable[[Instrument], bool] = lambda _instrument: True
    options: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
