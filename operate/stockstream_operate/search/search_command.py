"""The subcommands of `stockstream search`."""

import argparse
import time
from collections.abc import Iterable
from contextlib import nullcontext, suppress
from urllib.parse import urlsplit

import boto3
from rich.markup import escape
from rich.table import Table

from stockstream_operate.arguments import Commands, day, port
from stockstream_operate.lake.sql import make_lake_sql
from stockstream_operate.screen import Screen
from stockstream_operate.search.client import PASSWORD, SearchError, Server, find_server, read_password
from stockstream_operate.search.dashboards import SAVED_OBJECTS, Dashboards
from stockstream_operate.search.dashboards_proxy import run_dashboards_proxy
from stockstream_operate.search.fill import Filler, say_refused
from stockstream_operate.search.index import Wanted
from stockstream_operate.search.install import SERVER, Installer, PartState, PartStatus
from stockstream_operate.search.lake_files import LakeFiles
from stockstream_operate.stack import Stack, find_stack

DASHBOARDS_PORT = 5601
POLL_SECONDS = 2
_STYLES = {
    PartState.MADE: "green",
    PartState.CHANGED: "green",
    PartState.RIGHT: "green",
    PartState.SKIPPED: "yellow",
    PartState.MISSING: "red",
    PartState.DIFFERENT: "red",
    PartState.REFUSED: "red",
}


def add_search(command: argparse.ArgumentParser) -> Commands:
    """Adds the subcommands of `stockstream search`; returns what more of them can be added to."""
    command.description = "The search index."
    verbs: Commands = command.add_subparsers(dest="verb", required=True)
    install = _add(verbs, "install", "put index, pipeline, retention, permissions and dashboards in place")
    install.set_defaults(run=_install)
    check = _add(verbs, "check", "say whether what is installed is as it should be")
    check.set_defaults(run=_check)
    fill = _add(verbs, "fill", "index what is in the lake")
    fill.add_argument(
        "--since", type=day, metavar="DAY", help="only what arrived on DAY (YYYY-MM-DD) or later"
    )
    fill.add_argument("--follow", action="store_true", help="go on with what is delivered, until Ctrl-C")
    fill.set_defaults(run=_fill)
    proxy = _add(verbs, "open", "open Amazon's Dashboards to your browser, signing its requests")
    add_port(proxy)
    proxy.set_defaults(run=_open)
    return verbs


def add_port(command: argparse.ArgumentParser) -> None:
    """Adds the option that says where Dashboards is opened to a browser."""
    command.add_argument(
        "--port", type=port, default=DASHBOARDS_PORT, help=f"where, on this machine ({DASHBOARDS_PORT})"
    )


def _add(verbs: Commands, name: str, help_: str) -> argparse.ArgumentParser:
    command = verbs.add_parser(name, help=help_, description=help_[0].upper() + help_[1:] + ".")
    option = command.add_argument
    option("--stack", metavar="NAME", help="the stack in AWS whose index it is")
    option("--endpoint", metavar="URL", help="the OpenSearch server, where no stack says it")
    option("--region", help="of the domain, where its address does not say it; signs the requests")
    option(
        "--user",
        metavar="NAME",
        help=f"a user of the server; the password is asked for, or taken from {PASSWORD}",
    )
    if name in {"install", "check"}:
        option(
            "--dashboards-url",
            metavar="URL",
            help="where Dashboards is (Amazon's domains: ENDPOINT/_dashboards)",
        )
    return command


def _install(asked: argparse.Namespace, screen: Screen) -> None:
    server, stack = _find(asked)
    statuses = require_server(Installer(server, wanted(stack)).install())
    statuses.append(_handle_dashboards(asked, server, puts=True))
    show_statuses(statuses, screen)
    require_in_place(statuses, f"Not all of it is in place at {server.endpoint}: see above.")
    screen.say(f"The index at {server.endpoint} is ready.")


def _check(asked: argparse.Namespace, screen: Screen) -> None:
    server, stack = _find(asked)
    statuses = require_server(Installer(server, wanted(stack)).check())
    statuses.append(_handle_dashboards(asked, server, puts=False))
    show_statuses(statuses, screen)
    require_in_place(
        statuses, f"What is at {server.endpoint} is not as it should be: run `stockstream search install`."
    )
    screen.say(f"The index at {server.endpoint} is as it should be.")


def require_server(statuses: Iterable[PartStatus]) -> list[PartStatus]:
    """The statuses; an error where the server could not be asked at all."""
    reached = list(statuses)
    if reached[0].name == SERVER:
        raise SearchError(reached[0].notes[0])
    return reached


def _handle_dashboards(asked: argparse.Namespace, server: Server, *, puts: bool) -> PartStatus:
    url = asked.dashboards_url or (f"{server.endpoint}/_dashboards" if server.is_amazons else None)
    if url is None:
        return PartStatus(
            "dashboards", PartState.SKIPPED, ("give --dashboards-url to have them, too",), is_vital=False
        )
    if not SAVED_OBJECTS.exists():
        return PartStatus("dashboards", PartState.SKIPPED, (f"{SAVED_OBJECTS} is not there",), is_vital=False)
    # It may be another server, which the endpoint's credentials are for as well; but not in the clear.
    parts = urlsplit(url)
    find_server(f"{parts.scheme}://{parts.netloc}" if parts.netloc else url, user=("", ""))
    dashboards = Dashboards(url, server)
    return dashboards.install() if puts else dashboards.check()


def _fill(asked: argparse.Namespace, screen: Screen) -> None:
    stack = find_stack(asked.stack)
    server = _server(asked, stack)
    fill_from(stack, Filler(server), asked.since or "", screen, follows=asked.follow)


def fill_from(stack: Stack, filler: Filler, since: str, screen: Screen, *, follows: bool) -> None:
    """Indexes what is in a stack's lake; with follows, also what comes, until Ctrl-C.

    Raises:
        SearchError: the index refused documents.
    """
    fields = make_lake_sql(stack.windows).columns
    files = LakeFiles(boto3.client("s3"), stack.output("LakeBucketName"), fields, since)
    # Ctrl-C is the ordinary end of following.
    with suppress(KeyboardInterrupt) if follows else nullcontext():
        while True:
            new = files.list_new()
            with screen.progress("Indexing the lake", sum(size for _, size in new)) as advance:
                for key, size in new:
                    filler.fill(files.read(key))
                    advance(size)
            if new or not follows:
                screen.say(str(filler.report))
            if not follows and not files.has_lost:
                break
            time.sleep(POLL_SECONDS)
    for line in say_refused(filler.report):
        screen.say(line)
    if filler.report.refused:
        raise SearchError("The index refused documents: `stockstream search check` may say why.")


def _open(asked: argparse.Namespace, screen: Screen) -> None:
    server, _ = _find(asked)
    if server.auth is None:
        raise SearchError(
            f"{server.endpoint} is asked without a signature: open its Dashboards itself, at its own address."
        )
    with suppress(KeyboardInterrupt), run_dashboards_proxy(server, asked.port) as url:
        screen.say(f"Dashboards, for whoever has this address, until Ctrl-C: {url}")
        while True:
            time.sleep(1)


def _find(asked: argparse.Namespace) -> tuple[Server, Stack | None]:
    stack = find_stack(asked.stack) if asked.stack else None
    return _server(asked, stack), stack


def _server(asked: argparse.Namespace, stack: Stack | None) -> Server:
    endpoint = asked.endpoint or (stack.output("SearchEndpoint") if stack and asked.stack else None)
    if endpoint is None:
        raise SearchError(
            "Which server? Give --endpoint URL, or --stack NAME for a stack with SearchEnabled."
        )
    user = (asked.user, read_password()) if asked.user else None
    role_arn = stack.outputs.get("SearchAdminRoleArn") if stack and asked.stack and not user else None
    return find_server(endpoint, user=user, region=asked.region, role_arn=role_arn)


def wanted(stack: Stack | None) -> Wanted:
    """What the stack's parameters make of the index; without a stack, their defaults."""
    if stack is None:
        return Wanted()
    days = int(stack.parameters.get("SearchRetentionDays", Wanted().retention_days))
    return Wanted(
        stack.windows,
        days,
        stack.outputs.get("SearchDeliveryRoleArn", ""),
        # Somebody else's domain keeps its own settings.
        is_audited="SearchAdminRoleArn" in stack.outputs,
    )


def show_statuses(statuses: Iterable[PartStatus], screen: Screen) -> None:
    """Shows a table of the parts and their states."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    for title in ("part", "", ""):
        table.add_column(title, overflow="fold")
    for status in statuses:
        first, *others = status.notes or ("",)
        table.add_row(status.name, f"[{_STYLES[status.state]}]{status.state.value}[/]", escape(first))
        for note in others:
            table.add_row("", "", escape(note))
    screen.present(table)


def require_in_place(statuses: Iterable[PartStatus], otherwise: str) -> None:
    """Fails where a part is not in place.

    Raises:
        SearchError: with the text given, or with what the server cannot hold.
    """
    wrong = [status for status in statuses if not status.is_fine]
    if wrong and all(status.state is PartState.SKIPPED for status in wrong):
        # No second run of `install` would change that.
        lacks = ", ".join(note for status in wrong for note in status.notes)
        raise SearchError(
            f"All that this server can hold is in place, but {lacks}. "
            "A delivery stream would leave bars there twice; `stockstream search fill` does not."
        )
    if wrong:
        raise SearchError(otherwise)
