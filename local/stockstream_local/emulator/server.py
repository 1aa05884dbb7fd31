"""The local AWS emulator: started on the loopback, and stopped with all that it started."""

import secrets
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

import requests
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from botocore.exceptions import BotoCoreError

from stockstream.errors import StockstreamError
from stockstream.settings import LOOPBACK
from stockstream_local.emulator.refusal import (
    REFUSAL_VARIABLE,
    UNREADABLE_VARIABLE,
    refusal_file,
    unreadable_file,
)
from stockstream_local.processes import run_group
from stockstream_operate.environment import REGION, Emulator, isolate

START_SECONDS = 60
# Between choosing a free port and taking it, another program may take it.
ATTEMPTS = 3
LINES_OF_A_FAILURE = 10


class EmulatorError(StockstreamError):
    """The emulator cannot start; the text says what to do."""


class _EndedEarlyError(EmulatorError):
    """It ended before it answered; the text quotes its log."""


def choose_port(wanted: int | None) -> int:
    """The port that was asked for if it is free, and any free one if none was.

    Raises:
        EmulatorError: the port is taken or not ours to use.
    """
    with socket.socket() as probe:
        # As a server would: a port that the last run left a moment ago is free.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, wanted or 0))
        except OSError as error:
            raise EmulatorError(
                f"Port {wanted} cannot be used ({error.strerror}). "
                "Stop what listens there, give another --port, or leave --port out for a free one."
            ) from None
        port: int = probe.getsockname()[1]
        return port


@contextmanager
def run_emulator(wanted: int | None, environ: Mapping[str, str], state: Path) -> Iterator[Emulator]:
    """Runs ministack from `with` to its end; within, it answers what is signed with the key that this gives.

    Args:
        wanted: the port where it shall listen, on 127.0.0.1; None for a free one.
        environ: the user's environment. The functions that the emulator runs inherit it without what could
            name a real account.
        state: an existing directory for its log and its temporary files.

    Raises:
        EmulatorError: the port is taken, or the emulator ended, now or within, or does not answer.
    """
    with ExitStack() as running:
        yield _start(running, wanted, environ, state)


def _start(running: ExitStack, wanted: int | None, environ: Mapping[str, str], state: Path) -> Emulator:
    """Starts it, and again where nobody asked for a port: a free one may have been taken meanwhile."""
    for _ in range(0 if wanted else ATTEMPTS - 1):
        with suppress(_EndedEarlyError):
            return running.enter_context(_run_at(choose_port(wanted), environ, state))
    return running.enter_context(_run_at(choose_port(wanted), environ, state))


@contextmanager
def _run_at(port: int, environ: Mapping[str, str], state: Path) -> Iterator[Emulator]:
    emulator = Emulator(f"http://{LOOPBACK}:{port}", secrets.token_urlsafe())
    temporary, log = state / "tmp", state / "emulator.log"
    shutil.rmtree(temporary, ignore_errors=True)
    temporary.mkdir()
    refusal_file(state).unlink(missing_ok=True)
    unreadable_file(state).unlink(missing_ok=True)
    settings = {
        "BIND_HOST": LOOPBACK,
        "GATEWAY_PORT": str(port),
        "TMPDIR": str(temporary),
        # It would look for containers to remove, and listen on fixed ports that may be in use.
        "DOCKER_HOST": f"unix://{temporary}/no-docker.sock",
        "IOT_MTLS_ENABLED": "0",
        "SFTP_ENABLED": "0",
        # As Lambda: a minute before the second attempt, two before the third.
        "LAMBDA_ASYNC_RETRY_BASE_SECONDS": "60",
        "LAMBDA_ASYNC_RETRY_MAX_SECONDS": "120",
        REFUSAL_VARIABLE: str(refusal_file(state)),
        UNREADABLE_VARIABLE: str(unreadable_file(state)),
    }
    command = [sys.executable, "-m", "stockstream_local.emulator.process"]
    try:
        with run_group(command, {**isolate(environ, emulator), **settings}, temporary, log) as process:
            _await_answer(process, emulator, log)
            try:
                yield emulator
            except BotoCoreError as error:
                if (status := process.poll()) is None:
                    raise
                raise EmulatorError(_say_end(status, log)) from error
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def _say_end(status: int, log: Path) -> str:
    how = f"killed by {signal.Signals(-status).name}" if status < 0 else f"with status {status}"
    why = " Perhaps the machine had no memory left." if status == -signal.SIGKILL else ""
    return (
        f"The local AWS ended in the middle of the run, {how}.{why} What was delivered is kept: start again, "
        f"and the run goes on from there. Its log: {log}"
    )


def _await_answer(process: subprocess.Popen[bytes], emulator: Emulator, log: Path) -> None:
    url = f"{emulator.url}/_ministack/ready"
    request = AWSRequest("GET", url)
    SigV4Auth(Credentials("local", emulator.secret_key), "ministack", REGION).add_auth(request)
    with requests.Session() as session:
        session.trust_env = False  # no proxy and no .netrc for the loopback
        deadline = time.monotonic() + START_SECONDS
        while process.poll() is None and time.monotonic() < deadline:
            with suppress(requests.ConnectionError, requests.Timeout):
                if session.get(url, headers=dict(request.headers), timeout=1).ok:
                    return
            time.sleep(0.1)
    said = log.read_text(errors="replace").strip().splitlines()[-LINES_OF_A_FAILURE:]
    raise _EndedEarlyError("\n".join(["The local AWS emulator did not start:", *said, f"All of it: {log}"]))
