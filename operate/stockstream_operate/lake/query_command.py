"""`stockstream query`: SQL on the lake, here and in AWS."""

import argparse
import re
import time
from collections.abc import Mapping, Sequence
from difflib import get_close_matches

from rich.table import Table

from stockstream.errors import StockstreamError
from stockstream_operate.counts import say_count
from stockstream_operate.inputs import read_input
from stockstream_operate.lake.access import open_lake
from stockstream_operate.lake.answers import as_csv, as_json_lines, as_table, as_tables
from stockstream_operate.lake.result import Result
from stockstream_operate.lake.sql import LakeSql, NamedQuery
from stockstream_operate.screen import Screen

_NOTHING_FOUND = (
    "Nothing matches. In a lake that has just begun, what compares sessions or days finds nothing before "
    'the second one, and an average waits for its bars: stockstream query "latest bar" shows what there is.'
)
_STATEMENTS = ("select", "with", "(", "--", "/*")


class NoSuchQueryError(StockstreamError):
    """What was asked is neither SQL nor the name of a saved query; the text says which there are."""


def add_query(command: argparse.ArgumentParser) -> None:
    """Adds the options of `stockstream query`."""
    command.description = (
        "Answers SQL, in Athena's dialect, or a saved query from the lake of the last run here, "
        "or with --stack from that of a stack in AWS. Without a query it says what there is."
    )
    option = command.add_argument
    option(
        "asked",
        nargs="*",
        metavar="QUERY",
        help="a SELECT in quotes, words of a saved query's name, or - for standard input",
    )
    option("--stack", metavar="NAME", help="a stack in AWS, whose Athena answers and bills it (here)")
    option(
        "--format",
        choices=("table", "csv", "json"),
        default="table",
        help="json is one object a line (table)",
    )
    option("--show", action="store_true", help="print the SQL instead of running it")
    command.set_defaults(run=run_query)


def run_query(asked: argparse.Namespace, screen: Screen) -> None:
    """Runs one query and shows its answer.

    Raises:
        StockstreamError: there is no such query or no lake, or it cannot be answered.
    """
    lake = open_lake(asked.stack)
    if not asked.asked:
        _list_queries(lake.lake_sql, screen)
        return
    words = [read_input()] if asked.asked == ["-"] else asked.asked
    sql = _find_sql(words, lake.lake_sql.queries)
    if asked.show:
        screen.write(sql)
        return
    started = time.monotonic()
    result = lake.query(sql)
    if asked.format == "table":
        _present(result, screen)
        if not result.rows:
            screen.say(_NOTHING_FOUND)
        rows, seconds = say_count(len(result.rows), "row"), time.monotonic() - started
        screen.say(f"{rows} in {seconds:.1f} s. {lake.receipt()}".rstrip(), style="dim")
    elif result.rows or asked.format == "csv":
        screen.write(as_csv(result) if asked.format == "csv" else as_json_lines(result))


def _find_sql(words: Sequence[str], queries: Mapping[str, NamedQuery]) -> str:
    """The SQL that was asked for: as it is, or that of the saved query whose name holds all words."""
    asked = " ".join(words).strip()
    wanted = asked.lower()
    if wanted.startswith(_STATEMENTS):
        if len(words) > 1:
            raise NoSuchQueryError(
                "Put the SQL in quotes, so that the shell leaves it as it is: "
                'stockstream query "SELECT * FROM bars_latest LIMIT 1"'
            )
        return asked
    found = [name for name in queries if _stems(wanted) <= _stems(name)]
    if wanted in queries or len(found) == 1:
        return queries[wanted if wanted in queries else found[0]].sql
    meant = found or get_close_matches(wanted, queries)
    raise NoSuchQueryError(
        f"{asked!r} is neither a SELECT nor one saved query. "
        + (f"Did you mean: {', '.join(meant)}?" if meant else f"Saved are: {', '.join(queries)}.")
    )


def _stems(text: str) -> set[str]:
    """The words of a text, of one and of many alike, whatever stands between them."""
    return {word.rstrip("s") for word in re.split(r"[\s_-]+", text) if word}


def _list_queries(known: LakeSql, screen: Screen) -> None:
    readable: list[NamedQuery] = [
        NamedQuery(each.name, each.description, each.sql) for each in known.views.values()
    ]
    for title, rows in (("saved query", known.queries.values()), ("view", readable)):
        table = Table(box=None, pad_edge=False, header_style="bold")
        table.add_column(title, no_wrap=True)
        table.add_column("what it shows")
        for each in rows:
            table.add_row(each.name, each.description)
        screen.present(table)
        screen.say("")
    screen.say(
        'Ask with: stockstream query "latest bar of each instrument"\n'
        'In SQL:   stockstream query "SELECT * FROM bars_latest LIMIT 1"'
    )


def _present(result: Result, screen: Screen) -> None:
    table = as_table(result)
    if screen.fits(table):
        screen.present(table)
        return
    for each in as_tables(result, screen.fits):
        screen.present(each)
