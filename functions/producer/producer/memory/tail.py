"""The tail: the newest bars of an instrument that have been sent, as the producer remembers them."""

from dataclasses import dataclass, field

from producer.ohlcv import Ohlcv
from stockstream.errors import StockstreamError
from stockstream.splits import Split


class TailError(StockstreamError):
    """A tail was not read or not written. The next run sends what is missing."""


@dataclass(frozen=True, slots=True)
class Tail:
    """What has been sent.

    Attributes:
        bars: the numbers of each bar by its open_time, oldest first.
        doubtful: the open_times of bars whose newest numbers or look-back may not be in the stream.
        forgotten: whether older bars have been sent that are no longer remembered.
        splits: those since the oldest bar by which the look-backs were restated, the oldest first.
    """

    bars: dict[str, Ohlcv] = field(default_factory=dict)
    doubtful: frozenset[str] = frozenset()
    forgotten: bool = False
    splits: tuple[Split, ...] = ()

    @property
    def oldest(self) -> str:
        """The open_time of the oldest bar; before all others when there is none."""
        return next(iter(self.bars), "")

    @property
    def newest(self) -> str:
        """The open_time of the newest bar; before all others when there is none."""
        return next(reversed(self.bars), "")
