"""What kind of prices a lake holds: nobody may take invented ones for real."""

from enum import Enum
from pathlib import Path

from stockstream_operate.whole_file import write_whole


class PriceKind(Enum):
    """What kind of prices a lake holds.

    Attributes:
        word: in large letters.
        words: a sentence for those who do not know the word.
    """

    INVENTED = ("INVENTED", "These prices are made up by a market on this machine.")
    RECORDED = ("RECORDED", "These prices are replayed from an answer that a provider gave in the past.")
    LIVE = ("LIVE", "These prices come from the provider, as late as its plan has them.")

    def __init__(self, word: str, words: str) -> None:
        self.word = word
        self.words = words


def write_price_kind(folder: Path, kind: PriceKind) -> None:
    """Marks a lake on this machine.

    Args:
        folder: the lake's; it comes with the first file that is delivered.
        kind: of the prices that come into it.
    """
    # A mark that is half written says nothing, and what says nothing is INVENTED.
    if not _mark(folder).exists() or read_price_kind(folder) is not kind:
        write_whole(_mark(folder), kind.word.encode())


def read_price_kind(folder: Path) -> PriceKind:
    """The kind of the prices in a lake on this machine; INVENTED where nothing says so.

    Args:
        folder: the lake's.
    """
    try:
        return PriceKind[_mark(folder).read_text()]
    except (FileNotFoundError, KeyError):
        return PriceKind.INVENTED


def _mark(folder: Path) -> Path:
    return folder.with_name(f"{folder.name}.price-kind")
