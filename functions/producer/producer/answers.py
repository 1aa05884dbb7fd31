"""What a provider answered: the bars that it shows, and those of them that break the rules."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from producer.tail import Numbers
from stockstream.bars import INTERVALS
from stockstream.errors import Reason
from stockstream.instruments import Instrument
from stockstream.times import format_time


@dataclass(frozen=True, slots=True)
class RejectedBar:
    """A bar that a provider showed and that cannot be one."""

    stamp: str
    reason: Reason
    detail: str


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer of a provider about one instrument.

    Attributes:
        bars: the numbers of each bar that it shows, by open_time.
        rejected: what it shows beside them that is no valid bar.
        asked_at: when it was asked.
        as_of: when it said so.
    """

    bars: Mapping[str, Numbers]
    rejected: Sequence[RejectedBar]
    asked_at: datetime
    as_of: datetime

    def finished_bars(self, interval: str) -> dict[str, Numbers]:
        """The bars without the one that is still forming.

        An answer is made up somewhere between the question and its arrival. A bar counts as finished only
        if it had ended when the question was asked.
        """
        newest = format_time(self.asked_at - INTERVALS[interval])
        return {open_time: numbers for open_time, numbers in self.bars.items() if open_time <= newest}


class Provider(Protocol):
    """Where bars come from."""

    def fetch(self, instrument: Instrument, interval: str) -> Answer:
        """The newest bars of an instrument.

        Raises:
            ProviderError: there are none; its type says why.
        """
