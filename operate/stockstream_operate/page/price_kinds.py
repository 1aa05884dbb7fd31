"""What kind of prices a lake holds: nobody may take invented ones for real."""

from enum import Enum


class PriceKind(Enum):
    """What kind of prices a lake holds.

    Attributes:
        word: in large letters.
        words: a sentence for who does not know the word.
    """

    INVENTED = ("INVENTED", "These prices are made up by a market on this machine.")
    RECORDED = ("RECORDED", "These prices are replayed from an answer that a provider gave in the past.")
    LIVE = ("LIVE", "These prices come from the provider, as late as its plan has them.")

    def __init__(self, word: str, words: str) -> None:
        self.word = word
        self.words = words


def find_price_kind(stack: str | None) -> PriceKind:
    """The kind of the prices in the lake of a stack.

    Args:
        stack: its name in AWS; None for what the last run here delivered.
    """
    return PriceKind.INVENTED if stack is None else PriceKind.LIVE
