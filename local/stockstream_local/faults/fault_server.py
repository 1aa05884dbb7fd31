"""The HTTP server through which `stockstream fault` and `mend` reach the running pipeline."""

import json
from collections.abc import Callable
from http import HTTPStatus
from typing import cast

import requests

from stockstream_local.faults.catalogue import FaultError, Faults
from stockstream_local.loopback import LoopbackServer
from stockstream_operate.run_lock import read_running
from stockstream_operate.stack import NothingRunsError
from stockstream_operate.workplace import STATE

# The transform's configuration takes the emulator a moment.
TIMEOUT_SECONDS = 30


class FaultServer(LoopbackServer):
    """Takes POST /begin/NAME and POST /end/NAME, and lists all faults at GET /.

    Args:
        faults: what to do.
        say: shows what was done where the pipeline runs.
    """

    def __init__(self, faults: Faults, say: Callable[[str], None]) -> None:
        super().__init__()
        self._faults = faults
        self._say = say

    def respond(self, method: str, target: str, body: bytes) -> tuple[HTTPStatus, bytes]:  # noqa: ARG002 (none is sent)
        """Breaks, mends or lists, and answers `{"said": ...}`."""
        action, _, name = target.strip("/").partition("/")
        try:
            if method == "GET":
                return _answer(HTTPStatus.OK, self._list())
            said = self._faults.begin(name) if action == "begin" else self._faults.end(name)
        except FaultError as error:
            return _answer(HTTPStatus.CONFLICT, str(error))
        self._say(said)
        return _answer(HTTPStatus.OK, said)

    def _list(self) -> list[dict[str, str]]:
        return [
            {
                "name": name,
                "what": fault.what,
                "notice": fault.notice,
                "active": "now" if name in self._faults.active else "",
            }
            for name, fault in self._faults.known.items()
        ]


def ask(method: str, path: str) -> object:
    """Asks the fault server of the pipeline that runs here.

    Args:
        method: GET or POST.
        path: such as /begin/key-refused.

    Raises:
        NothingRunsError: nothing runs here.
        FaultError: it refuses, or does not answer.
    """
    running = read_running(STATE)
    if running is None:
        raise NothingRunsError
    with requests.Session() as session:
        session.trust_env = False  # no proxy and no .netrc for the loopback
        try:
            answer = session.request(method, running.faults_url + path, timeout=TIMEOUT_SECONDS)
        except requests.RequestException as error:
            raise FaultError(f"The running pipeline does not answer: {error}") from error
    said: object = answer.json()["said"]
    if not answer.ok:
        raise FaultError(str(said))
    return said


def active_faults() -> list[str]:
    """The names of what is broken in the pipeline that runs here.

    Raises:
        NothingRunsError: nothing runs here.
        FaultError: it does not answer.
    """
    return [each["name"] for each in known_faults() if each["active"]]


def known_faults() -> list[dict[str, str]]:
    """What can be broken in the pipeline that runs here: name, what, notice and active, each a text.

    Raises:
        NothingRunsError: nothing runs here.
        FaultError: it does not answer.
    """
    return cast("list[dict[str, str]]", ask("GET", "/"))


def _answer(status: HTTPStatus, said: object) -> tuple[HTTPStatus, bytes]:
    return status, json.dumps({"said": said}).encode()
