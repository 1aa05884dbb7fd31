"""The providers that can be chosen. A new one is a module beside this one, and a line here."""

from collections.abc import Mapping

from producer.providers.alpaca import ALPACA
from producer.providers.alphavantage import ALPHA_VANTAGE
from producer.providers.kraken import KRAKEN
from producer.providers.provider import ProviderKind
from producer.providers.replay import REPLAY

# By the word of the setting PROVIDER, which is also the `source` of each bar.
PROVIDERS: Mapping[str, ProviderKind] = {
    "alphavantage": ALPHA_VANTAGE,
    "alpaca": ALPACA,
    "kraken": KRAKEN,
    "replay": REPLAY,
}
