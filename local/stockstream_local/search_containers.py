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


def start_containers() -> None:
    """Starts the containers of compose.yaml, and returns when they answer.

    Raises:
        SearchError: Docker is not there, or they did not start.
    """
    if shutil.which("docker") is None:
        raise SearchError(
            "This needs Docker, which is not here. "
            "Without it: `stockstream search install` and `fill` go to any OpenSearch with --endpoint."
        )
    asked = subprocess.run(_VERSION, capture_output=True, text=True, check=False)  # noqa: S603 (fixed words)
    if asked.returncode:
        raise SearchError(
            "This needs Docker Compose, which this Docker does not have: install its plug-in "
            "(https://docs.docker.com/compose/install). "
            "Without it: `stockstream search install` and `fill` go to any OpenSearch with --endpoint."
        )
    done = subprocess.run(_UP, cwd=ROOT, capture_output=True, text=True, check=False)  # noqa: S603 (fixed words)
    if done.returncode:
        said = (done.stderr or done.stdout).strip().splitlines()[-_LINES_OF_A_FAILURE:]
        raise SearchError("\n".join([f"`{' '.join(_UP)}` failed:", *said]))
