"""Instruments and their names: `IBM`, `BRK.B`, `TSCO.LON`, `fx:EUR/USD`, `crypto:BTC/USD`."""

import re
from dataclasses import dataclass

from stockstream.errors import InstrumentError

_EQUITY = re.compile(r"[A-Z0-9][A-Z0-9.-]{0,15}", re.ASCII)
# A class of shares, a preferred share, a warrant, a right or a unit in New York: BRK.B, BAC.PRL, ABC.WS.
# Others write them as BRK-B, BRK/B, BAC-PL, BAC-P-L, ABC-WT and ABC-UN.
_SHARE = re.compile(r"([A-Z]{1,6})(?:[./-](PR[A-Z]?|WS|RT|[A-Z])|-(P-?[A-Z]|WT|UN))", re.ASCII)
_OTHER_WORDS = {"WT": "WS", "UN": "U"}
_PAIR = re.compile(r"(fx|crypto):([A-Z0-9]{2,10})/([A-Z0-9]{2,10})", re.ASCII)


# No NamedTuple: typing alone would cost the transform 4 ms of its start.
@dataclass(frozen=True, slots=True)
class Instrument:
    """One thing that is traded.

    Attributes:
        name: the whole name, as in records: `fx:EUR/USD`.
        asset_class: `equity`, `fx` or `crypto`.
        base: the equity's symbol, or what a pair prices: `EUR`.
        quote: what a pair is priced in: `USD`; None for an equity.
    """

    name: str
    asset_class: str
    base: str
    quote: str | None


def parse_instrument(name: str) -> Instrument:
    """The instrument of a name; BRK-B and BRK/B are BRK.B.

    Raises:
        InstrumentError: the text is no such name.
    """
    if pair := _PAIR.fullmatch(name):
        return Instrument(name, pair[1], pair[2], pair[3])
    if share := _SHARE.fullmatch(name):
        kind = share[2] or _OTHER_WORDS.get(share[3]) or f"PR{share[3][-1]}"
        name = f"{share[1]}.{kind}"
    elif not _EQUITY.fullmatch(name):
        raise InstrumentError(
            f"{name[:40]!r} names no instrument: {_hint(name)}write an equity as IBM, BRK.B or TSCO.LON, "
            f"a currency pair as fx:EUR/USD, a coin as crypto:BTC/USD"
        )
    return Instrument(name, "equity", name, None)


def _hint(name: str) -> str:
    """What somebody may have meant by a name in another notation; empty if there is no suggestion."""
    if pair := re.fullmatch(r"(?:(?:fx|crypto):)?([A-Z]{3})/?([A-Z]{3})(=X)?", name, re.ASCII):
        return f"did you mean fx:{pair[1]}/{pair[2]}, or crypto:{pair[1]}/{pair[2]}? Otherwise "
    if name.endswith("=F"):
        return "no provider here has futures; "
    if name.startswith("^"):
        return "no provider here has indices, and a fund on one, such as SPY, is an equity; "
    if name != name.upper() and re.fullmatch(_EQUITY, name.upper()):
        return f"did you mean {name.upper()}? Otherwise "
    return ""


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
