"""What `sam local invoke` needs of Docker, and how a container reaches what listens on the loopback here.

Docker Desktop forwards CONTAINER_HOST to the loopback by itself. On Linux a container sees only the address
of Docker's bridge: while it runs, connections there are passed on to the loopback.
"""

import json
import platform
import socket
import socketserver
import subprocess
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from ipaddress import ip_network
from threading import Thread

from stockstream.errors import StockstreamError
from stockstream.settings import LOOPBACK

CONTAINER_HOST = "host.docker.internal"
PIECE_BYTES = 65_536


class NoDockerError(StockstreamError):
    """There is no Docker that could run a container; the text says what to do."""


def container_address() -> str | None:
    """This machine's address on Docker's bridge, for containers that need it; None where Docker provides it.

    Raises:
        NoDockerError: Docker is not installed, or its engine does not run.
    """
    bridge = _ask("network", "inspect", "bridge", "--format", "{{json (index .IPAM.Config 0)}}")
    if bridge is None:
        raise NoDockerError(
            "`sam local invoke` runs functions in containers, and Docker does not answer. "
            "Install Docker and start it; `make run` needs none."
        )
    if platform.system() != "Linux":
        return None
    config: dict[str, str] = json.loads(bridge)
    # Docker names the gateway only where somebody has chosen it; otherwise it is the subnet's first address.
    return config.get("Gateway") or str(next(ip_network(config["Subnet"]).hosts()))


def has_image(name: str) -> bool:
    """Whether an image is on this machine already, so that nothing needs to be fetched."""
    return _ask("image", "inspect", "--format", "{{.Id}}", name) is not None


def has_compose() -> bool:
    """Whether Docker is here with its plug-in Compose; its engine need not run."""
    return _ask("compose", "version") is not None


def _ask(*arguments: str) -> str | None:
    """What the docker command says; None if it is not there or fails."""
    try:
        said = subprocess.run(["docker", *arguments], capture_output=True, text=True, check=True)  # noqa: S603, S607 (fixed words; docker is wherever it is)
    except (OSError, subprocess.CalledProcessError):
        return None
    return said.stdout.strip()


@contextmanager
def relay(address: str | None, ports: Iterable[int]) -> Iterator[None]:
    """Passes connections to an address of this machine on to the same ports of the loopback.

    Args:
        address: where containers look for this machine; None for nothing to do.
        ports: of 127.0.0.1.
    """
    with ExitStack() as running:
        for port in ports:
            if address is None:
                continue
            server = running.enter_context(_Relay((address, port), _Connection))
            thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
            thread.start()
            running.callback(thread.join)
            running.callback(server.shutdown)
        yield


class _Relay(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True


class _Connection(socketserver.BaseRequestHandler):
    def handle(self) -> None:
        _, port = self.request.getsockname()
        with socket.create_connection((LOOPBACK, port)) as inner:
            back = Thread(target=_pump, args=(inner, self.request), daemon=True)
            back.start()
            _pump(self.request, inner)
            back.join()


def _pump(source: socket.socket, target: socket.socket) -> None:
    with suppress(OSError):
        while piece := source.recv(PIECE_BYTES):
            target.sendall(piece)
    with suppress(OSError):
        target.shutdown(socket.SHUT_WR)
