"""A recorded Alpha Vantage answer as a market: served byte for byte, and read for the checks."""

import json
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from stockstream.bars import INTERVALS
from stockstream.errors import InstrumentError, RecordError, StockstreamError
from stockstream.instruments import Instrument, parse_instrument
from stockstream.sessions import bar_grid
from stockstream.shown_bars import (
    ALPHA_VANTAGE_PRICES,
    ALPHA_VANTAGE_VOLUME,
    check_begin,
    read_local_time,
    read_numbers,
)
from stockstream.times import format_time
from stockstream_local.market.alphavantage import asked_instrument, invalid_call, refuse
from stockstream_local.market.invented import MarketBar

# The real service stamped a bar with its end until 2020, and with its start by 2025.
LAST_YEAR_OF_END_STAMPS = 2020


class RecordingError(StockstreamError):
    """A file is no recorded intraday answer; the text says what is wrong with it."""


class Recording:
    """One recorded answer of TIME_SERIES_INTRADAY, FX_INTRADAY or CRYPTO_INTRADAY.

    Attributes:
        instrument: what it is about.
        interval: a key of INTERVALS.
        bars: oldest first, without those that the producer rejects; each stamp is taken as the bar's start.
        is_stamped_by_end: whether it is so old that its stamps meant the end of each bar.
    """

    def __init__(self, path: Path) -> None:
        try:
            self._body = path.read_bytes()
            answer = json.loads(self._body)
        except OSError as error:
            raise RecordingError(f"{path} cannot be read: {error.strerror}") from error
        except ValueError as error:
            raise RecordingError(f"{path} cannot be read as JSON: {error}") from error
        try:
            meta_data = {key.split(". ", 1)[-1]: value for key, value in answer["Meta Data"].items()}
            self.instrument = _instrument(meta_data)
            self.interval = str(meta_data["Interval"])
            zone = ZoneInfo(meta_data["Time Zone"])
            (series,) = (rows for key, rows in answer.items() if key.startswith("Time Series"))
            stamps = [(str(stamp), row) for stamp, row in series.items()]
        except (
            AttributeError,
            KeyError,
            TypeError,
            ValueError,
            InstrumentError,
            ZoneInfoNotFoundError,
        ) as error:
            raise RecordingError(
                f"{path} is no recorded intraday answer of Alpha Vantage ({type(error).__name__}: {error}). "
                "It must hold `Meta Data` and a `Time Series`, as ?function=TIME_SERIES_INTRADAY answers."
            ) from error
        if "message" in answer:
            raise RecordingError(f"{path} holds a `message` beside its bars, as sample data has.")
        if self.interval not in INTERVALS:
            raise RecordingError(f"{path} holds bars of {self.interval}, and not of {', '.join(INTERVALS)}.")
        self.bars, refusals = _read_bars(stamps, zone, self.instrument, INTERVALS[self.interval])
        if not self.bars:
            why = f": {refusals[0]}" if refusals else ""
            raise RecordingError(
                f"{path} holds 0 bars that the producer would take, of {len(stamps)}{why}. "
                "At least one is needed."
            )
        self.is_stamped_by_end = self.bars[-1].open_time.year <= LAST_YEAR_OF_END_STAMPS

    def answer(self, parameters: Mapping[str, str], now: datetime) -> bytes:  # noqa: ARG002 (a market's answer may change; a recording's does not)
        """The recorded bytes, or the refusal of a request for anything else."""
        refusal = refuse(parameters)
        asked = None if refusal else (asked_instrument(parameters), parameters["interval"])
        if asked == (self.instrument, self.interval):
            return self._body
        return json.dumps(refusal or invalid_call(parameters["function"])).encode()

    def bars_at(self, instrument: Instrument, interval: str, now: datetime, count: int) -> list[MarketBar]:  # noqa: ARG002 (as above)
        """All the recorded bars, oldest first; none for another instrument or interval."""
        return self.bars if (instrument, interval) == (self.instrument, self.interval) else []


def _instrument(meta_data: Mapping[str, str]) -> Instrument:
    # The producer asks for symbols in capitals, and takes an answer about them in any letters.
    if "From Symbol" in meta_data:
        return parse_instrument(f"fx:{meta_data['From Symbol'].upper()}/{meta_data['To Symbol']}")
    if "Digital Currency Code" in meta_data:
        return parse_instrument(
            f"crypto:{meta_data['Digital Currency Code'].upper()}/{meta_data['Market Code']}"
        )
    return parse_instrument(meta_data["Symbol"].upper())


def _read_bars(
    stamps: Iterable[tuple[str, object]], zone: ZoneInfo, instrument: Instrument, length: timedelta
) -> tuple[list[MarketBar], list[RecordError]]:
    """The bars, oldest first, by the rules of the producer; and why it would reject the others."""
    bars: dict[datetime, MarketBar] = {}
    refusals: list[RecordError] = []
    grid = bar_grid(instrument, length)
    for stamp, row in stamps:
        try:
            open_time = read_local_time(stamp, zone)
            numbers = read_numbers(row, ALPHA_VANTAGE_PRICES, ALPHA_VANTAGE_VOLUME)
            check_begin(format_time(open_time), length, grid)
        except RecordError as error:
            refusals.append(error)
        else:
            bars[open_time] = MarketBar(open_time, *numbers)
    return [bars[open_time] for open_time in sorted(bars)], refusals
