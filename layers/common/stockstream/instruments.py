"""Instruments: what `IBM`, `TSCO.LON`, `fx:EUR/USD` and `crypto:BTC/USD` name."""

import re
from dataclasses import dataclass

from stockstream.errors import InstrumentError

_EQUITY = re.compile(r"[A-Z0-9][A-Z0-9.^=-]{0,15}", re.ASCII)
_PAIR = re.compile(r"(fx|crypto):([A-Z0-9]{2,10})/([A-Z0-9]{2,10})", re.ASCII)


# No NamedTuple: typing alone would cost the transform 4 ms of its start.
@dataclass(frozen=True, slots=True)
class Instrument:
    """One thing that is traded.

    Attributes:
        name: the whole name, as it stands in records: `fx:EUR/USD`.
        asset_class: `equity`, `fx` or `crypto`.
        base: the equity's symbol, or what a pair prices: `EUR`.
        quote: what a pair is priced in: `USD`; None for an equity.
    """

    name: str
    asset_class: str
    base: str
    quote: str | None


def parse_instrument(name: str) -> Instrument:
    """The instrument that a name stands for.

    Raises:
        InstrumentError: the text has no form that we know.
    """
    if pair := _PAIR.fullmatch(name):
        return Instrument(name, pair[1], pair[2], pair[3])
    if _EQUITY.fullmatch(name):
        return Instrument(name, "equity", name, None)
    raise InstrumentError(
        f"{name[:40]!r} names no instrument: write an equity as IBM or TSCO.LON, "
        f"a currency pair as fx:EUR/USD, a coin as crypto:BTC/USD"
    )


def parse_instruments(names: str) -> tuple[Instrument, ...]:
    """The instruments of a comma-separated list, in its order, each once.

    Raises:
        InstrumentError: an item names no instrument, or there is none at all.
    """
    items = [item.strip() for item in names.split(",")]
    instruments = tuple(dict.fromkeys(parse_instrument(item) for item in items if item))
    if not instruments:
        raise InstrumentError("the list of instruments is empty: name at least one, such as IBM")
    return instruments
