"""The containers of `stockstream search up`: OpenSearch and Dashboards, behind a proxy with a password."""

import os
import secrets
import shutil
import subprocess
from base64 import b64encode
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from stockstream_local.containers import has_compose
from stockstream_operate.search.client import SearchError, Server
from stockstream_operate.workplace import ROOT

ENDPOINT = "http://127.0.0.1:9200"
USER = "stockstream"
# What compose.yaml gives to the proxy: user and password, as a request brings them.
CREDENTIALS = "STOCKSTREAM_SEARCH_CREDENTIALS"
_COMPOSE = ("docker", "compose", "--profile", "search")
# --wait returns when the healthchecks succeed.
_UP = (*_COMPOSE, "up", "--detach", "--wait")
_DOWN = (*_COMPOSE, "down", "--volumes")
_LINES_OF_A_FAILURE = 12
_AFTER_A_FAILURE = f"`{' '.join(_COMPOSE)} logs` says more, and `{' '.join(_DOWN)}` removes what was started."
_WITHOUT_IT = (
    "Without it, `.venv/bin/stockstream page` shows the candles, "
    "and `stockstream search install` and `fill` go to any OpenSearch with --endpoint."
)


def require_docker() -> None:
    """Looks whether containers can be started at all.

    Raises:
        SearchError: Docker, or its plug-in Compose, is not here.
    """
    if shutil.which("docker") is None:
        raise SearchError(f"`make search` needs Docker, which is not here. {_WITHOUT_IT}")
    if not has_compose():
        raise SearchError(
            "`make search` needs Docker Compose, which this Docker does not have "
            f"(https://docs.docker.com/compose/install). {_WITHOUT_IT}"
        )


@contextmanager
def run_containers() -> Iterator[Server]:
    """Runs the containers of compose.yaml from `with` to its end, when all that they hold is removed.

    Yields:
        OpenSearch with this run's password, once it answers; Dashboards is below its `/_dashboards`.

    Raises:
        SearchError: they did not start.
    """
    # Of letters and digits alone, so that base64 makes nothing of it that a pattern would read otherwise.
    password = secrets.token_hex()
    credentials = b64encode(f"{USER}:{password}".encode()).decode()
    try:
        # In the environment: an argument could be read by everybody here.
        _run(_UP, os.environ | {CREDENTIALS: credentials})
    except SearchError as error:
        raise SearchError(f"{error}\n{_AFTER_A_FAILURE}") from None
    except KeyboardInterrupt:
        _run(_DOWN)
        raise
    try:
        yield Server(ENDPOINT, (USER, password))
    finally:
        _run(_DOWN)


def _run(command: tuple[str, ...], environ: Mapping[str, str] = os.environ) -> None:
    done = subprocess.run(command, cwd=ROOT, env=environ, capture_output=True, text=True, check=False)  # noqa: S603 (fixed words)
    if done.returncode:
        said = (done.stderr or done.stdout).strip().splitlines()[-_LINES_OF_A_FAILURE:]
        raise SearchError("\n".join([f"`{' '.join(command)}` failed:", *said]))
