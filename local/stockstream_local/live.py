"""Real prices for the pipeline that runs here: from which provider, with whose key, under which plan."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import requests

from stockstream.errors import StockstreamError
from stockstream.instruments import Instrument, parse_instruments

PROBE_SECONDS = 5
# Where a person gets a key. Each provider has a plan that costs nothing.
ALPACA_KEYS = "https://alpaca.markets"
ALPHA_VANTAGE_KEYS = "https://www.alphavantage.co/support/#api-key"
INVENTED_OFFER = "Without it, `make run` shows an invented market."


class LiveError(StockstreamError):
    """There are no real prices to be had; the text says why, and what to do."""


@dataclass(frozen=True, slots=True)
class LiveProvider:
    """A provider, as it is asked from here.

    Attributes:
        title: its name in a sentence.
        url: its server.
        instruments: what is fetched, in order.
        interval: of the bars, a key of INTERVALS.
        parameters: of the template: which provider it is, and what its plan allows.
        key: the text of the parameter that holds the key; None where none is needed.
    """

    title: str
    url: str
    instruments: tuple[Instrument, ...]
    interval: str
    parameters: Mapping[str, str]
    key: str | None = field(repr=False)


def choose_provider(
    environ: Mapping[str, str], instruments: Sequence[Instrument], interval: str | None
) -> LiveProvider:
    """The provider whose key is in the environment; without one, Alpaca, which serves coins to everybody.

    Args:
        environ: the user's environment.
        instruments: what was asked for; empty for a choice that fits.
        interval: of the bars; None for a choice that fits.

    Raises:
        LiveError: what was asked for needs a key, and there is none.
    """
    key_id, secret = environ.get("APCA_API_KEY_ID"), environ.get("APCA_API_SECRET_KEY")
    if key_id and secret:
        return _alpaca(instruments or parse_instruments("IBM,crypto:BTC/USD"), interval, f"{key_id}:{secret}")
    if key := environ.get("ALPHAVANTAGE_API_KEY"):
        return LiveProvider(
            title="Alpha Vantage",
            url="https://www.alphavantage.co",
            instruments=tuple(instruments) or parse_instruments("IBM"),
            # The key that everybody may use for trying serves this one.
            interval=interval or ("5min" if key == "demo" else "1min"),
            parameters={
                "Provider": "alphavantage",
                "MarketHours": "regular",
                "RequestsPerDay": "25",
                "RequestsPerMinute": "1",
            },
            key=key,
        )
    if closed := [each.name for each in instruments if each.asset_class != "crypto"]:
        raise LiveError(
            f"{', '.join(closed)}: real prices of these need a provider's key, which costs nothing. "
            f"Set APCA_API_KEY_ID and APCA_API_SECRET_KEY ({ALPACA_KEYS}) "
            f"or ALPHAVANTAGE_API_KEY ({ALPHA_VANTAGE_KEYS}). Coins such as crypto:BTC/USD need none."
        )
    return _alpaca(instruments or parse_instruments("crypto:BTC/USD,crypto:ETH/USD"), interval, None)


def _alpaca(instruments: Sequence[Instrument], interval: str | None, key: str | None) -> LiveProvider:
    return LiveProvider(
        title="Alpaca",
        url="https://data.alpaca.markets",
        instruments=tuple(instruments),
        interval=interval or "1min",
        parameters={
            "Provider": "alpaca",
            "MarketHours": "regular",
            # Its free plan allows 200 a minute.
            "RequestsPerDay": "0",
            "RequestsPerMinute": "150",
        },
        key=key,
    )


def require_answer(live: LiveProvider, ask: Callable[..., object] = requests.head) -> None:
    """Makes sure that a provider's server can be reached from here, whatever it answers.

    Args:
        live: the provider.
        ask: asks a server for nothing but whether it is there.

    Raises:
        LiveError: it cannot.
    """
    try:
        ask(live.url, timeout=PROBE_SECONDS)
    except requests.exceptions.SSLError:
        raise LiveError(
            f"{live.title} shows a certificate that is not trusted here ({live.url}), so nothing is asked. "
            "Where a company's proxy reads along, name the file of its certificates in REQUESTS_CA_BUNDLE. "
            f"{INVENTED_OFFER}"
        ) from None
    except requests.RequestException as error:
        reason = type(error).__name__
        raise LiveError(
            f"{live.title} cannot be reached from here ({live.url}: {reason}): is there a network? "
            f"{INVENTED_OFFER}"
        ) from None
