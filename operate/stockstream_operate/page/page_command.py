"""`stockstream page`: candles in a browser, of the last run here or of a stack in AWS."""

import argparse
import os
import sys
import webbrowser
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from threading import Event

from stockstream.windows import Windows
from stockstream_operate.arguments import port
from stockstream_operate.lake.joining_beside import JoiningBeside
from stockstream_operate.lake.sql import make_lake_sql
from stockstream_operate.page.kept_lake import KeptLake, Progress
from stockstream_operate.page.lake_watch import AskedLake, LakeWatch
from stockstream_operate.page.page_server import PageServer, serve_page
from stockstream_operate.page.scripts import find_scripts
from stockstream_operate.page.stack_watch import RunReporter, StackWatch, open_reader
from stockstream_operate.page.views import Subject, Views
from stockstream_operate.price_kinds import PriceKind, read_price_kind
from stockstream_operate.run_lock import read_running
from stockstream_operate.screen import Screen
from stockstream_operate.workplace import STATE

# A look here is a look at some folders; in AWS it is three questions to Athena.
LOOK_SECONDS, ASK_SECONDS = 0.5, 60
# The local AWS charges nothing for saying how the pipeline is.
REPORT_SECONDS = 5


def add_page(command: argparse.ArgumentParser) -> None:
    """Adds the options of `stockstream page`."""
    command.description = (
        "Shows candles in a browser on this machine: the bars of the last run here as they arrive, "
        "or with --stack those of a stack in AWS."
    )
    option = command.add_argument
    option(
        "--stack",
        metavar="NAME",
        help="a stack in AWS; while the page is open, Athena bills a few queries a minute (here)",
    )
    option("--port", type=port, help="where the page is served (8501, or the next that is free)")
    command.set_defaults(run=run_page)


def run_page(asked: argparse.Namespace, screen: Screen) -> None:
    """Serves the page until Ctrl-C, which is its ordinary end.

    Raises:
        StockstreamError: there is no such stack, or the page cannot be served.
    """
    try:
        with (
            serve_run(asked.port, screen.say)
            if asked.stack is None
            else _serve_deployed(asked.stack, asked.port) as server
        ):
            invite(server, screen)
            screen.say("Ctrl-C closes the page.")
            Event().wait()
    except KeyboardInterrupt:
        screen.say("The page is closed.")


@contextmanager
def serve_run(port: int | None, tell: Callable[[str], None]) -> Iterator[PageServer]:
    """Serves the page of the last run here from `with` to its end.

    Args:
        port: where; None for 8501 or the next free one.
        tell: gets a sentence before what takes more than a moment.

    Raises:
        StockstreamError: it cannot be served.
    """
    lake, windows = STATE / "lake", Windows()
    lake_sql = make_lake_sql(windows)
    with (
        # The page answers from the joined files of finished days, and opens none that were delivered.
        JoiningBeside(lake, lake_sql, f"{datetime.now(UTC):%Y-%m-%d}", tell) as joining,
        KeptLake(lake, lake_sql, lambda: joining.awaited) as kept,
        LakeWatch(kept, LOOK_SECONDS, lambda: read_running(STATE) is not None) as watch,
        StackWatch(RunReporter(STATE), REPORT_SECONDS, watch) as reports,
    ):
        subject = Subject(
            "the last run here",
            lambda: read_price_kind(lake),
            windows,
            find_report=lambda: reports.report,
            find_joining=lambda: Progress(joining.found - joining.left, joining.found),
        )
        with serve_page(port, find_scripts(), Views(subject, kept, watch).view, watch) as server:
            yield server


@contextmanager
def _serve_deployed(stack: str, port: int | None) -> Iterator[PageServer]:
    # Here, so that a look at a lake on this machine does not wait a second for the AWS SDK.
    from stockstream_operate.lake.access import open_lake  # noqa: PLC0415
    from stockstream_operate.stack import find_stack  # noqa: PLC0415

    found = find_stack(stack)
    asked = AskedLake(open_lake(stack))
    reader = open_reader(lambda: found)
    with (
        LakeWatch(asked, ASK_SECONDS, lambda: None, is_billed=True) as watch,
        StackWatch(reader.read, ASK_SECONDS, watch) as reports,
    ):
        subject = Subject(
            f"the stack {stack}",
            lambda: PriceKind.LIVE,
            found.windows,
            reads_days=True,
            find_report=lambda: reports.report,
        )
        with serve_page(port, find_scripts(), Views(subject, asked, watch).view, watch) as server:
            yield server


def invite(server: PageServer, screen: Screen) -> None:
    """Says where the page is, and opens it where there is a desktop.

    Args:
        server: of the page.
        screen: where it is said.
    """
    screen.say(f"The page: {server.url}?key={server.access.key}")
    screen.say("Whoever has this address can read it, on this machine alone.")
    if has_desktop(os.environ, sys.platform, is_terminal=sys.stdout.isatty()):
        webbrowser.open(f"{server.url}?key={server.access.make_single_key()}")


def has_desktop(environ: Mapping[str, str], platform: str, *, is_terminal: bool) -> bool:
    """Whether somebody sits before a screen here, on which a browser can open."""
    if not is_terminal or "CI" in environ or "SSH_CONNECTION" in environ or "SSH_TTY" in environ:
        return False
    return platform == "darwin" or "DISPLAY" in environ or "WAYLAND_DISPLAY" in environ
