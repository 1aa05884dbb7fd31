"""A real browser without a window, driven through its DevTools protocol over a pair of pipes.

Pipes need no port, which others could reach, and no WebSocket client.
"""

import base64
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from queue import Empty, Queue
from threading import Thread
from typing import Any, Self

BROWSER = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
SECONDS = 60
_FLAGS = (
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--hide-scrollbars",
    "--force-color-profile=srgb",
    "--remote-debugging-pipe",
    # A process for all pages: each would begin one of its own, and one more that waits for the next page.
    "--process-per-site",
    "--renderer-process-limit=1",
    "--disable-site-isolation-trials",
    "--disable-features=IsolateOrigins,site-per-process,SpareRendererForSitePerProcess",
)
# The protocol is spoken on the descriptors 3 and 4.
_WITH_PIPES = (
    "import os, sys; os.dup2(int(sys.argv[1]), 3); os.dup2(int(sys.argv[2]), 4); "
    "os.execv(sys.argv[3], sys.argv[3:])"
)

type Message = dict[str, Any]


class BrowserError(Exception):
    """The browser does not do what it is told, or a page never becomes what it should."""


class Page:
    """One tab of the browser.

    Attributes:
        complaints: what its console and its scripts have complained of.
        requests: the addresses that it has asked for.
    """

    def __init__(self, ask: "_Ask", session: str) -> None:
        self._ask = ask
        self._session = session
        self.complaints: list[str] = []
        self.requests: list[str] = []

    def tell(self, method: str, **parameters: Any) -> Message:
        """One command of the protocol, and its answer."""
        return self._ask(method, parameters, self._session)

    def hear(self, event: Message) -> None:
        """What the browser says of this page."""
        said = event["params"]
        match event["method"]:
            case "Runtime.exceptionThrown":
                details = said["exceptionDetails"]
                self.complaints.append(str(details.get("exception", {}).get("description", details["text"])))
            case "Runtime.consoleAPICalled" if said["type"] in {"error", "warning", "assert"}:
                self.complaints.append(" ".join(str(each.get("value")) for each in said["args"]))
            case "Log.entryAdded" if said["entry"]["level"] in {"error", "warning"}:
                self.complaints.append(f"{said['entry']['text']} {said['entry'].get('url', '')}".rstrip())
            case "Network.requestWillBeSent":
                self.requests.append(said["request"]["url"])
            case "Network.webSocketCreated":
                self.requests.append(said["url"])

    def open(self, url: str) -> None:
        """Goes to an address, without waiting for what is there."""
        self.tell("Page.navigate", url=url)

    def forget(self) -> None:
        """Makes it as good as a new tab, which takes the browser a second."""
        self.open("about:blank")
        self.tell("Network.clearBrowserCookies")
        self.complaints.clear()
        self.requests.clear()

    def value(self, expression: str) -> Any:
        """What a JavaScript expression gives in the page; a promise is awaited."""
        answer = self.tell("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        if "exceptionDetails" in answer:
            raise BrowserError(f"{expression}: {answer['exceptionDetails']}")
        return answer["result"].get("value")

    def wait(self, expression: str, seconds: float = SECONDS) -> Any:
        """Waits until an expression is true in the page, and gives what it is."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            with suppress(BrowserError):  # the page may not have it yet
                if value := self.value(expression):
                    return value
            time.sleep(0.05)
        raise BrowserError(f"not within {seconds} s: {expression}; the page said {self.complaints}")

    def press(self, key: str, code: int = 0, text: str = "") -> None:
        """Presses a key and lets it go."""
        for kind in ("keyDown", "keyUp"):
            typed = {"text": text} if text and kind == "keyDown" else {}
            self.tell("Input.dispatchKeyEvent", type=kind, key=key, windowsVirtualKeyCode=code, **typed)

    def type(self, text: str) -> None:
        """Types a text where the focus is."""
        self.tell("Input.insertText", text=text)

    def mouse(self, kind: str, x: float, y: float, **more: Any) -> None:
        """Moves or uses the mouse: `mouseMoved`, `mousePressed`, `mouseReleased`, `mouseWheel`."""
        self.tell("Input.dispatchMouseEvent", type=kind, x=x, y=y, **more)

    def look(self, width: int, height: int, *, dark: bool = False, phone: bool = False) -> None:
        """Sets how large the screen is, and which colours its user prefers."""
        self.tell(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=height,
            deviceScaleFactor=1,
            mobile=phone,
        )
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self.tell("Emulation.setEmulatedMedia", features=[scheme])

    def picture(self) -> bytes:
        """The screen as PNG."""
        return base64.b64decode(self.tell("Page.captureScreenshot", format="png")["data"])


class _Ask:
    """Commands out, answers and events in."""

    def __init__(self, writing: int, reading: int) -> None:
        self._writing = os.fdopen(writing, "wb", buffering=0)
        self._reading = os.fdopen(reading, "rb", buffering=0)
        self._count = 0
        self._answers: dict[int, Queue[Message]] = {}
        self.pages: dict[str, Page] = {}
        self._thread = Thread(target=self._listen, daemon=True)
        self._thread.start()

    def __call__(self, method: str, parameters: Message, session: str | None = None) -> Message:
        self._count += 1
        number, answers = self._count, Queue[Message]()
        self._answers[number] = answers
        said = {"id": number, "method": method, "params": parameters}
        if session:
            said["sessionId"] = session
        self._writing.write(json.dumps(said).encode() + b"\0")
        try:
            answer = answers.get(timeout=SECONDS)
        except Empty:
            raise BrowserError(f"no answer to {method}") from None
        if "error" in answer:
            raise BrowserError(f"{method}: {answer['error']}")
        result: Message = answer["result"]
        return result

    def _listen(self) -> None:
        kept = b""
        while read := self._reading.read(1 << 16):
            *messages, kept = (kept + read).split(b"\0")
            for each in messages:
                message = json.loads(each)
                if answers := self._answers.pop(message.get("id", 0), None):
                    answers.put(message)
                elif page := self.pages.get(message.get("sessionId", "")):
                    page.hear(message)

    def close(self) -> None:
        self._writing.close()
        self._thread.join(SECONDS)
        self._reading.close()


class Browser:
    """A running browser; `page` opens a tab in it."""

    def __init__(self, ask: _Ask) -> None:
        self._ask = ask

    def page(self) -> Page:
        """A tab of its own, with cookies of its own."""
        context = self._ask("Target.createBrowserContext", {})["browserContextId"]
        target = self._ask("Target.createTarget", {"url": "about:blank", "browserContextId": context})
        attached = self._ask("Target.attachToTarget", {"targetId": target["targetId"], "flatten": True})
        session = attached["sessionId"]
        page = self._ask.pages[session] = Page(self._ask, session)
        for domain in ("Page", "Runtime", "Log", "Network"):
            page.tell(f"{domain}.enable")
        # A tab behind another one gets no focus, and its boxes hear nothing of it.
        page.tell("Emulation.setFocusEmulationEnabled", enabled=True)
        return page

    @classmethod
    @contextmanager
    def run(cls, folder: Path) -> Iterator[Self]:
        """A browser from `with` to its end.

        Args:
            folder: an existing one, for its profile.
        """
        read_by_it, writing = os.pipe()
        reading, written_by_it = os.pipe()
        command = [
            *(sys.executable, "-c", _WITH_PIPES, str(read_by_it), str(written_by_it)),
            *(str(BROWSER), *_FLAGS, f"--user-data-dir={folder}/profile", "about:blank"),
        ]
        with (folder / "browser.log").open("wb") as log:
            process = subprocess.Popen(  # noqa: S603 (the browser of this machine)
                command,
                pass_fds=(read_by_it, written_by_it),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        os.close(read_by_it)
        os.close(written_by_it)
        ask = _Ask(writing, reading)
        try:
            yield cls(ask)
        finally:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait(SECONDS)
            ask.close()
