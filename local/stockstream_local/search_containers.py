"""The containers of `stockstream search up`: OpenSearch and Dashboards."""

import shutil
import subprocess

from stockstream_operate.search.client import SearchError
from stockstream_operate.workplace import ROOT

ENDPOINT = "http://127.0.0.1:9200"
DASHBOARDS_URL = "http://127.0.0.1:5601"
# --wait returns when both healthchecks succeed.
_UP = ("docker", "compose", "--profile", "search", "up", "--detach", "--wait")
_VERSION = ("docker", "compose", "version")
_LINES_OF_A_FAILURE = 12
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
    asked = subprocess.run(_VERSION, capture_output=True, text=True, check=False)  # noqa: S603 (fixed words)
    if asked.returncode:
        raise SearchError(
            "`make search` needs Docker Compose, which this Docker does not have "
            f"(https://docs.docker.com/compose/install). {_WITHOUT_IT}"
        )


def start_containers() -> None:
    """Starts the containers of compose.yaml, and returns when they answer.

    Raises:
        SearchError: they did not start.
    """
    done = subprocess.run(_UP, cwd=ROOT, capture_output=True, text=True, check=False)  # noqa: S603 (fixed words)
    if done.returncode:
        said = (done.stderr or done.stdout).strip().splitlines()[-_LINES_OF_A_FAILURE:]
        raise SearchError("\n".join([f"`{' '.join(_UP)}` failed:", *said]))
