"""What both the producer and the tools on one's own machine know of the InstrumentTable's items."""

# In the ledger's item: until when a run may be under way, a number of seconds since 1970.
HELD_UNTIL = "held_until"


def ledger_key(source: str) -> str:
    """The key of the item that holds the ledger of a provider's requests.

    Args:
        source: the provider, as the setting PROVIDER names it.
    """
    return f"ledger|{source}"
