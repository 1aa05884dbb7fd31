"""The confirmed splits as a file in the lake, which the view `bars_adjusted` reads.

What people have said is kept in the InstrumentTable, where the producer reads it. The file follows from that:
a line for each split, with how many shares of today one has become that was held from the split before it on.
"""

import json
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

from stockstream.splits import SplitsByName, effective
from stockstream_operate.whole_file import write_whole

# Below the lake's bucket or folder. A table of Athena's is a folder.
SPLITS_FILE = "splits/splits.json"
SPLITS_TABLE = "splits"
# Of the table, in Glue's words. `since` is null before the first split; times are texts.
SPLITS_COLUMNS = {
    "instrument": "string",
    "since": "string",
    "until": "string",
    "new_shares": "int",
    "old_shares": "int",
    "shares": "double",
}

type SplitRow = dict[str, Any]


def split_rows(known: SplitsByName) -> Iterator[SplitRow]:
    """The table's rows: each split, with the time before it back to the previous one.

    Args:
        known: the splits of each instrument by its name, the oldest first.
    """
    for name, said in sorted(known.items()):
        splits = effective(said)
        for position, split in enumerate(splits):
            shares = Fraction(1)
            for later in splits[position:]:
                shares *= Fraction(later.new, later.old)
            yield {
                "instrument": name,
                "since": splits[position - 1].at if position else None,
                "until": split.at,
                "new_shares": split.new,
                "old_shares": split.old,
                "shares": float(shares),
            }


def write_splits(known: SplitsByName) -> bytes:
    """The file: one JSON object a line."""
    return b"".join(json.dumps(row).encode() + b"\n" for row in split_rows(known))


def keep_splits(known: SplitsByName, folder: Path) -> None:
    """Writes the file into a lake on this machine, whole or not at all.

    Raises:
        OSError: it cannot be written; its `filename` says which.
    """
    path = folder / SPLITS_FILE
    path.parent.mkdir(parents=True, exist_ok=True)
    write_whole(path, write_splits(known))
