"""The format of the file that lists instruments: one a line, with comments.

# New York
IBM
TSCO.LON        # Tesco, in London
fx:EUR/USD
"""

from collections.abc import Callable
from typing import NamedTuple

from stockstream.errors import InstrumentError
from stockstream.instruments import Instrument, parse_instrument

# In the lake's bucket, beside bars/.
INSTRUMENT_FILE = "instruments.txt"
# 10,000 instruments take less than 300 KB, and with comments twice as much.
MOST_BYTES = 1_000_000
COMMENT = "#"
_MOST_SHOWN = 60


class RefusedLine(NamedTuple):
    """A line that names no instrument that can be followed.

    Attributes:
        number: of the line; the first is 1.
        text: the line, without its comment.
        reason: why it is refused, in a sentence.
    """

    number: int
    text: str
    reason: str


class InstrumentFile(NamedTuple):
    """What a file lists.

    Attributes:
        instruments: in the file's order, each once.
        refused: the lines that are left out.
    """

    instruments: tuple[Instrument, ...]
    refused: tuple[RefusedLine, ...]


def name_in(line: str) -> str:
    """A line without its comment."""
    return line.partition(COMMENT)[0].strip()


def parse_instrument_file(
    text: str, check: Callable[[Instrument], object] = lambda _instrument: None
) -> InstrumentFile:
    """What a file lists, and which of its lines cannot be followed.

    Args:
        text: the file's.
        check: raises InstrumentError for an instrument that exists and cannot be followed.
    """
    instruments: dict[Instrument, None] = {}
    refused = []
    # A file from Windows may begin with a byte order mark.
    for number, line in enumerate(text.removeprefix("\ufeff").splitlines(), start=1):
        name = name_in(line)
        if not name:
            continue
        try:
            instrument = parse_instrument(name)
            check(instrument)
        except InstrumentError as error:
            refused.append(RefusedLine(number, name[:_MOST_SHOWN], str(error)))
        else:
            instruments[instrument] = None
    return InstrumentFile(tuple(instruments), tuple(refused))
