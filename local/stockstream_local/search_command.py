"""`stockstream search` as it is here: with `up`, which runs OpenSearch and Dashboards in Docker."""

import argparse

from stockstream_local.search_containers import DASHBOARDS_URL, ENDPOINT, require_docker, start_containers
from stockstream_operate.screen import Screen
from stockstream_operate.search import search_command
from stockstream_operate.search.client import find_server
from stockstream_operate.search.dashboards import Dashboards
from stockstream_operate.search.fill import Filler
from stockstream_operate.search.install import Installer
from stockstream_operate.search.search_command import (
    fill_from,
    require_in_place,
    require_server,
    show_statuses,
    wanted,
)
from stockstream_operate.stack import find_running_stack


def add_search(command: argparse.ArgumentParser) -> None:
    """Adds the operator's subcommands of `stockstream search`, and `up`."""
    up = search_command.add_search(command).add_parser(
        "up",
        help="run OpenSearch and Dashboards here, in Docker, filled from `stockstream up`",
        description="Starts compose.yaml's containers, installs the index and the dashboards, and fills them "
        "from the pipeline that runs here, until Ctrl-C.",
    )
    up.set_defaults(run=lambda _asked, screen: _up(screen))


def _up(screen: Screen) -> None:
    # Before anything else: who has no Docker need not start a run to be told so.
    require_docker()
    stack = find_running_stack()
    with screen.step("Starting OpenSearch and Dashboards: docker compose", f"OpenSearch at {ENDPOINT}"):
        start_containers()
    server = find_server(ENDPOINT)
    statuses = require_server(Installer(server, wanted(stack)).install())
    statuses.append(Dashboards(DASHBOARDS_URL, server).install())
    show_statuses(statuses, screen)
    require_in_place(statuses, "Not all of it is in place: see above.")
    screen.say(f"Dashboards: {DASHBOARDS_URL}  Ctrl-C stops the filling, and leaves the containers running.")
    fill_from(stack, Filler(server), "", screen, follows=True)
