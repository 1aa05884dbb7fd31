"""`stockstream search` in a clone: with `up`, which runs OpenSearch and Dashboards in Docker."""

import argparse
from contextlib import ExitStack

from stockstream_local.search_containers import ENDPOINT, require_docker, run_containers
from stockstream_operate.screen import Screen
from stockstream_operate.search import search_command
from stockstream_operate.search.dashboards import Dashboards
from stockstream_operate.search.dashboards_proxy import ROOT_PATH, run_dashboards_proxy
from stockstream_operate.search.fill import Filler
from stockstream_operate.search.install import Installer
from stockstream_operate.search.search_command import (
    add_port,
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
        "from the pipeline that runs here, until Ctrl-C. Then all of it is removed.",
    )
    add_port(up)
    up.set_defaults(run=_up)


def _up(asked: argparse.Namespace, screen: Screen) -> None:
    # Before anything else: nobody should have to start a run to hear that Docker is missing.
    require_docker()
    stack = find_running_stack()
    with ExitStack() as running:
        with screen.step("Starting OpenSearch and Dashboards: docker compose", f"OpenSearch at {ENDPOINT}"):
            server = running.enter_context(run_containers())
        statuses = require_server(Installer(server, wanted(stack)).install())
        statuses.append(Dashboards(f"{ENDPOINT}{ROOT_PATH}", server).install())
        show_statuses(statuses, screen)
        require_in_place(statuses, "Not all of it is in place: see above.")
        url = running.enter_context(run_dashboards_proxy(server, asked.port))
        screen.say(f"Dashboards, for whoever has this address, until Ctrl-C: {url}")
        fill_from(stack, Filler(server), "", screen, follows=True)
