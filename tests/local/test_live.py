"""`stockstream up --live` against servers here that speak as the providers do, over TLS, too."""

import gzip
import json
import re
import subprocess
import sys
import time
from base64 import b64encode
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from pathlib import Path
from queue import SimpleQueue
from threading import Thread
from typing import Self
from urllib.parse import parse_qs, urlsplit

import boto3
import pytest
import requests
from clone import environment, make_clone
from provider_dialects import DIALECTS, Asked, Reply, Shown, contiguous, make_authority, provider_server
from reaching import reaching

from stockstream.instrument_file import INSTRUMENT_FILE
from stockstream.instruments import parse_instrument
from stockstream_local.loopback import LoopbackServer
from stockstream_operate.run_lock import read_running

pytestmark = pytest.mark.local

SECRET = "s3cr3t-that-nobody-may-see"  # noqa: S105 (it opens nothing)
SIGNING_SECRET = "another-that-signs-notices"  # noqa: S105 (it opens nothing)
KEY = {"APCA_API_KEY_ID": "PKTEST", "APCA_API_SECRET_KEY": SECRET}
# Of each provider, the coin that it is asked about over TLS.
COINS = {
    "alpaca": parse_instrument("crypto:BTC/USD"),
    "alphavantage": parse_instrument("crypto:ETH/USD"),
    "kraken": parse_instrument("crypto:SOL/EUR"),
}
# The command, with another address of the provider, and one more channel for notices.
UP = """
import dataclasses, sys
from stockstream_local import cli, live
choose = live.choose_provider
def choose_here(*asked):
    chosen = choose(*asked)
    channels = "/stockstream/webhook,/stockstream/slack"
    there = {**chosen.parameters, "ProviderUrl": sys.argv[1], "AlertChannels": channels}
    return dataclasses.replace(chosen, url=sys.argv[1], parameters=there)
live.choose_provider = choose_here
from stockstream_local import up_options
up_options.choose_provider = choose_here
raise SystemExit(cli.main(sys.argv[2:]))
"""


class FakeAlpaca(LoopbackServer):
    """Bars of the last hundred minutes, of whatever is asked for, and one that is none.

    Args:
        repeats: what stands in that one.
    """

    def __init__(self, repeats: str = "no time") -> None:
        super().__init__()
        self.paths: list[str] = []
        self.repeats = repeats

    def respond(self, method: str, target: str, body: bytes) -> tuple[HTTPStatus, bytes]:  # noqa: ARG002 (a GET has none)
        parts = urlsplit(target)
        self.paths.append(parts.path)
        asked = parse_qs(parts.query)
        if "symbols" not in asked:
            return HTTPStatus.NOT_FOUND, b"{}"
        now = datetime.now(UTC).replace(second=0, microsecond=0)
        since = datetime.fromisoformat(asked["start"][0])
        times = [now - timedelta(minutes=minute) for minute in range(100, 0, -1)]
        bars = [
            {"t": f"{time:%Y-%m-%dT%H:%M:%SZ}", "o": 10, "h": 12, "l": 9, "c": 11, "v": 7}
            for time in times
            if time >= since
        ]
        bars.append({**bars[-1], "t": self.repeats} if bars else {"t": self.repeats})
        answer = {"bars": dict.fromkeys(asked["symbols"][0].split(","), bars), "next_page_token": None}
        return HTTPStatus.OK, json.dumps(answer).encode()


class Slack(LoopbackServer):
    """Refuses each notice with an answer of 200 that repeats its own address."""

    def __init__(self) -> None:
        super().__init__()
        self.heard: SimpleQueue[bytes] = SimpleQueue()

    def respond(self, method: str, target: str, body: bytes) -> tuple[HTTPStatus, bytes]:  # noqa: ARG002 (any path is right)
        self.heard.put(body)
        return HTTPStatus.OK, " ".join(spellings(urlsplit(self.url).path)).encode()


class Run:
    """`stockstream up` in a clone, from `with` to its end, under a umask that leaves all open."""

    def __init__(self, clone: Path, url: str, *arguments: str, **environ: str) -> None:
        self.said = ""
        self.process = subprocess.Popen(  # noqa: S603 (our own command)
            [sys.executable, "-c", UP, url, "up", *arguments],
            env=environment(clone) | environ,
            cwd=clone,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            umask=0,
        )
        self._reading = Thread(target=self._read)

    def __enter__(self) -> Self:
        self._reading.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.process.kill()
        self.process.wait()
        self._reading.join()

    def await_said(self, pattern: str) -> re.Match[str]:
        deadline = time.monotonic() + 150
        while not (found := re.search(pattern, self.said)):
            assert time.monotonic() < deadline, f"{pattern} was never said: {self.said}"
            time.sleep(0.1)
        return found

    def end(self) -> str:
        """All that it has said, once it has ended."""
        self.process.terminate()
        assert self.process.wait(timeout=30) == 0
        self._reading.join()
        return self.said

    def _read(self) -> None:
        assert self.process.stdout
        with self.process.stdout as lines:
            for line in lines:
                self.said += line


def spellings(secret: str) -> list[str]:
    """A secret, and how it may be written otherwise."""
    return [
        secret,
        b64encode(secret.encode()).decode().rstrip("="),
        "".join(f"%{ord(each):02X}" for each in secret),
        "".join(f"\\u{ord(each):04x}" for each in secret),
    ]


def command(clone: Path, *asked: str) -> str:
    """What commands say one after another in the clone where the run is, whether they succeed or not."""
    code = (
        "import sys; from stockstream_local.cli import main\n"
        "for each in sys.argv[1:]: print(each, main(each.split()))"
    )
    ended = subprocess.run(  # noqa: S603 (our own commands)
        [sys.executable, "-c", code, *asked],
        env=environment(clone),
        cwd=clone,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    said = ended.stdout + ended.stderr
    assert [each for each in asked if f"\n{each} " not in f"\n{said}"] == [], said
    return said


def read_page(url: str) -> Iterator[tuple[str, str]]:
    """What a browser gets: the page, what it shows of all and of one instrument, and its news."""
    base = url.partition("?")[0]
    with requests.Session() as browser:
        yield "page", browser.get(url, timeout=30).text
        yield "view", browser.get(f"{base}view", timeout=30).text
        bars = {"instrument": "crypto:BTC/USD", "interval": "1min", "span": "all"}
        yield "view of bars", browser.get(f"{base}view", params=bars, timeout=30).text
        with browser.get(f"{base}news", stream=True, timeout=30) as news:
            yield "news", next(news.iter_lines(chunk_size=1)).decode()


def read_aws() -> Iterator[tuple[str, str]]:
    """What the local AWS holds, but for the parameters that hold secrets."""
    logs, s3, dynamodb = boto3.client("logs"), boto3.client("s3"), boto3.client("dynamodb")
    for group in logs.describe_log_groups()["logGroups"]:
        events = logs.filter_log_events(logGroupName=group["logGroupName"])["events"]
        yield f"log {group['logGroupName']}", "".join(each["message"] for each in events)
    for bucket in s3.list_buckets()["Buckets"]:
        for each in s3.list_objects_v2(Bucket=bucket["Name"]).get("Contents", []):
            yield each["Key"], plain(s3.get_object(Bucket=bucket["Name"], Key=each["Key"])["Body"].read())
    for table in dynamodb.list_tables()["TableNames"]:
        yield f"table {table}", str(dynamodb.scan(TableName=table)["Items"])
    yield "stack", str(boto3.client("cloudformation").describe_stacks())
    yield "functions", str(boto3.client("lambda").list_functions())
    yield "alarms", str(boto3.client("cloudwatch").describe_alarms())


def read_processes(run: int) -> Iterator[tuple[str, str]]:
    """The command line of each process here, and the environment of those that a run has started."""
    parents = {}
    for folder in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):  # it has ended meanwhile, or is another user's
            yield f"command line {folder.name}", plain((folder / "cmdline").read_bytes())
            parents[int(folder.name)] = int((folder / "stat").read_text().rpartition(")")[2].split()[1])
    below = {run}
    while more := {each for each, parent in parents.items() if parent in below} - below:
        below |= more
    # The run's own is what its user has set.
    for each in below - {run}:
        with suppress(OSError):
            yield f"environment {each}", plain(Path(f"/proc/{each}/environ").read_bytes())


def read_files(clone: Path) -> Iterator[tuple[str, str]]:
    for path in (clone / ".stockstream").rglob("*"):
        with suppress(OSError):  # it has gone meanwhile, or is a socket
            yield str(path), plain(path.read_bytes())


def plain(read: bytes) -> str:
    return (gzip.decompress(read) if read.startswith(b"\x1f\x8b") else read).decode("latin-1")


@pytest.fixture
def clone(tmp_path: Path, built: Path) -> Path:
    return make_clone(tmp_path, built)


def run(clone: Path, url: str, *arguments: str, **keys: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(  # noqa: S603 (our own command)
        [sys.executable, "-c", UP, url, "up", *arguments],
        env=environment(clone) | keys,
        cwd=clone,
        capture_output=True,
        text=True,
        check=False,
        timeout=240,
    )


def follow(name: str) -> None:
    """Has the producer that runs ask another provider about that one's coin, at once."""
    functions, stack = boto3.client("lambda"), boto3.client("cloudformation").describe_stacks()["Stacks"][0]
    outputs = {each["OutputKey"]: each["OutputValue"] for each in stack["Outputs"]}
    boto3.client("ssm").put_parameter(
        Name="/stockstream/api-key", Value=DIALECTS[name].key or "none", Type="SecureString", Overwrite=True
    )
    boto3.client("s3").put_object(
        Bucket=outputs["LakeBucketName"], Key=INSTRUMENT_FILE, Body=COINS[name].name.encode()
    )
    producer = outputs["ProducerFunctionName"]
    variables = functions.get_function_configuration(FunctionName=producer)["Environment"]["Variables"]
    functions.update_function_configuration(
        FunctionName=producer, Environment={"Variables": variables | {"PROVIDER": name}}
    )
    functions.invoke(FunctionName=producer, Payload=b"{}")


def await_documents(clone: Path, source: str) -> None:
    deadline = time.monotonic() + 60
    while not any(each["source"] == source for each in documents(clone)):
        assert time.monotonic() < deadline, f"nothing of {source} was delivered"
        time.sleep(0.2)


def documents(clone: Path) -> list[dict[str, object]]:
    files = (clone / ".stockstream" / "lake").rglob("*.json.gz")
    return [json.loads(line) for file in files for line in gzip.decompress(file.read_bytes()).splitlines()]


@pytest.mark.slow
def test_coins_are_live_without_a_key_and_each_provider_is_asked_over_tls(
    clone: Path, tmp_path: Path
) -> None:
    tls, certificate = make_authority(tmp_path)
    started = datetime.now(UTC)

    def answer(asked: Asked) -> Reply:
        name = {"v1beta3": "alpaca", "query": "alphavantage", "0": "kraken"}.get(asked.path.split("/")[1])
        if name is None:
            return Reply(status=404)  # whether it is there at all
        market = [Shown(each) for each in contiguous(datetime.now(UTC), timedelta(minutes=1), 30)]
        return DIALECTS[name].answer(asked, COINS[name], market, started)

    trusting = {"REQUESTS_CA_BUNDLE": str(certificate)}
    with (
        provider_server(answer, tls) as server,
        Run(clone, server.url, "--live", "--instruments", "crypto:BTC/USD", **trusting) as run,
    ):
        run.await_said(r"The page: ")
        assert run.said.startswith("LIVE: ")
        await_documents(clone, "alpaca")
        running = read_running(clone / ".stockstream")
        assert running
        with reaching(running.emulator):
            for name in ("alphavantage", "kraken"):
                follow(name)
                await_documents(clone, name)

    assert {each.path for each in server.asked} == {
        "/",
        "/v1beta3/crypto/us/bars",
        "/query",
        "/0/public/OHLC",
    }
    for document in documents(clone):
        assert document["instrument"] == COINS[str(document["source"])].name
        assert [document[each] for each in ("open", "high", "low", "close")] == [10.5, 12, 9.25, 11]


def test_a_server_that_nobody_vouches_for_is_asked_for_nothing(tmp_path: Path) -> None:
    tls, _ = make_authority(tmp_path)
    (tmp_path / "clone").mkdir()
    with provider_server(lambda _asked: Reply(), tls) as server:
        ended = run(make_clone(tmp_path / "clone"), server.url, "--live")

    assert ended.returncode == 1
    assert "certificate" in ended.stderr
    assert "REQUESTS_CA_BUNDLE" in ended.stderr
    assert server.asked == []


def test_the_secrets_of_a_run_are_in_nothing_that_it_says_keeps_or_leaves(clone: Path) -> None:
    repeated = " ".join(spellings(SECRET))
    looked_at: dict[str, str] = {}
    with FakeAlpaca(repeated) as alpaca, Slack() as slack, Run(clone, alpaca.url, **KEY) as run:
        page = run.await_said(r"The page: (\S+)")[1]
        running = read_running(clone / ".stockstream")
        assert running
        with reaching(running.emulator):
            ssm = boto3.client("ssm")
            parameter = ssm.get_parameter(Name="/stockstream/webhook", WithDecryption=True)["Parameter"]
            webhook = parameter["Value"]
            for name, value in {"webhook": f"{webhook} {SIGNING_SECRET}", "slack": slack.url}.items():
                ssm.put_parameter(
                    Name=f"/stockstream/{name}", Value=value, Type="SecureString", Overwrite=True
                )
            asked = ("alarm DeadLettersAlarm", "status --json", "query", "tail", "redrive")
            looked_at["commands"] = command(clone, *asked)
            slack.heard.get(timeout=60)
            run.await_said(r"Notice \(.*DeadLetters")
            looked_at |= dict(read_page(page))
            looked_at |= dict(read_aws())
        looked_at |= dict(read_processes(run.process.pid))
        looked_at |= dict(read_files(clone))
        looked_at["terminal"] = run.end()
    looked_at |= {f"left {name}": text for name, text in read_files(clone)}

    # THEN the producer has used the key. New York may be closed; a coin never is.
    assert "From Alpaca: IBM, crypto:BTC/USD" in looked_at["terminal"]
    assert {each["instrument"] for each in documents(clone)} >= {"crypto:BTC/USD"}
    # THEN what was repeated stands in the logs, and the secrets do not
    hiding = [name for name, text in looked_at.items() if name.startswith("log ") and "[key]" in text]
    assert [any(role in name for name in hiding) for role in ("Producer", "Alert")] == [True, True], hiding
    secrets = [SECRET, SIGNING_SECRET, urlsplit(webhook).path, urlsplit(slack.url).path]
    written = [each for secret in secrets for each in spellings(secret)]
    assert [name for name, text in looked_at.items() if any(each in text for each in written)] == []
    # THEN each file is its user's alone; the build is another test's
    state = clone / ".stockstream"
    kept = [path for path in state.rglob("*") if state / "build" not in (path, *path.parents)]
    assert [path for path in (state, *kept) if path.stat().st_mode & 0o077] == []


def test_without_a_network_it_says_so_before_anything_is_started(tmp_path: Path) -> None:
    ended = run(make_clone(tmp_path), "http://127.0.0.1:1", "--live")

    assert ended.returncode == 1
    assert "Alpaca cannot be reached from here" in ended.stderr
    assert "Traceback" not in ended.stderr
    assert not (tmp_path / ".stockstream").exists()
