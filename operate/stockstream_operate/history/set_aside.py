"""Rows that are no bars, in a file beside the one that they came from."""

import csv
from collections.abc import Sequence
from itertools import count
from pathlib import Path

from stockstream_operate.history.bars import Refused
from stockstream_operate.history.tables import Table


def write_set_aside(table: Table, refused: Sequence[Refused]) -> Path:
    """Writes the rows as they stand, each with its line and why; no file is written over.

    Once they are corrected, the file can be imported as the first was: its two further columns are not read.

    Args:
        table: the file that they came from.
        refused: its rows.

    Returns:
        The new file: `prices.set-aside.csv`, or with a number where that is there.

    Raises:
        OSError: it cannot be written.
    """
    stem = table.path.name.removesuffix(".gz").rpartition(".")[0]
    for number in count(1):
        path = table.path.with_name(f"{stem}.set-aside{'' if number == 1 else f'-{number}'}.csv")
        try:
            file = path.open("x", encoding="utf-8", newline="")
        except FileExistsError:
            continue
        break
    with file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow([*table.columns, "line", "reason"])
        for each in refused:
            cells = [*each.row.cells, *[""] * (len(table.columns) - len(each.row.cells))]
            writer.writerow([*cells, each.row.line, each.reason])
    return path
