"""Rows that are no bars, in a file beside the one that they came from."""

import csv
from collections.abc import Sequence
from io import StringIO
from itertools import count
from pathlib import Path

from stockstream_operate.history.bars import Refused
from stockstream_operate.history.tables import Table
from stockstream_operate.whole_file import write_whole


def write_set_aside(table: Table, refused: Sequence[Refused]) -> Path:
    """Writes the rows as they stand, each with its line and why; no file is written over.

    Once they are corrected, the file can be imported as the first was: its two further columns are not read.

    Args:
        table: the file that they came from.
        refused: its rows.

    Returns:
        The file: `prices.set-aside.csv`, or with a number where that holds something else.

    Raises:
        OSError: it cannot be written.
    """
    text = StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow([*table.columns, "line", "reason"])
    for each in refused:
        cells = [*each.row.cells, *[""] * (len(table.columns) - len(each.row.cells))]
        writer.writerow([*cells, each.row.line, each.reason])
    content = text.getvalue().encode()
    stem = table.path.name.removesuffix(".gz").rpartition(".")[0]
    for number in count(1):
        path = table.path.with_name(f"{stem}.set-aside{'' if number == 1 else f'-{number}'}.csv")
        if not path.exists():
            write_whole(path, content)
            break
        if path.read_bytes() == content:
            # What an earlier import of the same file has set aside is there already.
            break
    return path
