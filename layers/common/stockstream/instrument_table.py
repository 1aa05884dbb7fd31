"""Names in the InstrumentTable's items that the producer and the operator's tools share."""

# In the ledger's item: when the lease ends, in seconds since 1970.
HELD_UNTIL = "held_until"


def ledger_key(source: str) -> str:
    """The key of the item that holds the ledger of a provider's requests.

    Args:
        source: the provider, as the setting PROVIDER names it.
    """
    return f"ledger|{source}"
