"""osmem-server, which answers searches as OpenSearch does; it has no ingest pipelines and no scripts."""

import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager

import requests
from osmem_server import resolve_binary


@contextmanager
def run_osmem() -> Iterator[str]:
    """An empty server on this machine, from `with` to its end; its address."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    endpoint = f"http://127.0.0.1:{port}"
    command = [resolve_binary(), "-addr", f"127.0.0.1:{port}", "-no-stdin-watch"]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:  # noqa: S603 (a fixed command)
        try:
            _wait_for(endpoint)
            yield endpoint
        finally:
            process.terminate()


def _wait_for(endpoint: str) -> None:
    deadline = time.monotonic() + 30
    while True:
        try:
            requests.get(endpoint, timeout=5).raise_for_status()
        except requests.ConnectionError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.1)
        else:
            return
