"""Keys in the InstrumentTable that both the producer and the tools on one's own machine use."""


def ledger_key(source: str) -> str:
    """The key of the item that holds the ledger of a provider's requests.

    Args:
        source: the provider, as the setting PROVIDER names it.
    """
    return f"ledger|{source}"
