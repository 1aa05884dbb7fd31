"""`stockstream page`: what is said and done around the page."""

import os
import signal
import socket
import subprocess
import sys
import webbrowser
from collections.abc import Mapping
from pathlib import Path

import pytest

from stockstream_operate import cli
from stockstream_operate.cli import run
from stockstream_operate.page import page_command
from stockstream_operate.page.page_command import has_desktop


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[str]:
    """The addresses that a browser was opened with; the page ends as soon as it is served."""
    opened: list[str] = []

    class Ctrl_C:  # noqa: N801 (it is what it is)
        def wait(self) -> None:
            os.kill(os.getpid(), signal.SIGINT)

    monkeypatch.setattr(page_command, "STATE", tmp_path)
    monkeypatch.setattr(page_command, "Event", Ctrl_C)
    monkeypatch.setattr(webbrowser, "open", opened.append)
    return opened


def said(capsys: pytest.CaptureFixture[str]) -> list[str]:
    return capsys.readouterr().out.splitlines()


def test_prints_the_address_and_ends_with_a_sentence(
    opened: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(cli.COMMANDS, ["page"]) == 0

    first, *_, last = said(capsys)
    assert first.startswith("The page: http://127.0.0.1:8")
    assert "/?key=" in first
    assert last == "The page is closed."
    # A test's output is no terminal, before which nobody sits.
    assert opened == []


def test_opens_a_browser_with_a_key_of_its_own(
    opened: list[str], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(page_command, "has_desktop", lambda *_, **__: True)
    assert run(cli.COMMANDS, ["page"]) == 0

    (address,) = opened
    printed = said(capsys)[0].removeprefix("The page: ")
    # Others on this machine see with which arguments a browser was started.
    assert address.partition("key=")[0] == printed.partition("key=")[0]
    assert address != printed


def test_a_taken_port_is_told_in_a_sentence(opened: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        assert run(cli.COMMANDS, ["page", "--port", str(port)]) == 1

    error = " ".join(capsys.readouterr().err.split())
    assert error == (
        f"stockstream: Port {port} cannot be had, since another program listens there: name another, or none."
    )
    assert opened == []


def test_a_lake_here_waits_for_no_aws_and_no_chart_library_s_python() -> None:
    code = "import sys, stockstream_operate.page.page_command; print(*sys.modules)"
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout  # noqa: S603 (this Python)

    assert {"boto3", "nicegui", "pandas"} & set(said.split()) == set()


@pytest.mark.parametrize("port", ["0", "70000", "http", "-1"])
def test_an_impossible_port_is_refused(capsys: pytest.CaptureFixture[str], port: str) -> None:
    with pytest.raises(SystemExit) as ended:
        run(cli.COMMANDS, ["page", f"--port={port}"])

    assert ended.value.code == 2
    assert "write a number from 1 to 65535" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("environ", "platform", "is_terminal", "expected"),
    [
        ({"DISPLAY": ":0"}, "linux", True, True),
        ({"WAYLAND_DISPLAY": "wayland-0"}, "linux", True, True),
        ({}, "darwin", True, True),
        ({}, "linux", True, False),
        ({"DISPLAY": ":0"}, "linux", False, False),
        ({"DISPLAY": ":0", "CI": "true"}, "linux", True, False),
        ({"DISPLAY": "localhost:10.0", "SSH_CONNECTION": "10.0.0.1 1 10.0.0.2 22"}, "linux", True, False),
        ({"SSH_TTY": "/dev/ttys001"}, "darwin", True, False),
    ],
)
def test_a_browser_opens_only_where_somebody_sits(
    environ: Mapping[str, str], platform: str, *, is_terminal: bool, expected: bool
) -> None:
    assert has_desktop(environ, platform, is_terminal=is_terminal) is expected
