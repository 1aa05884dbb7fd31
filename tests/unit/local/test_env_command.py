"""`stockstream env`: what it prints makes a shell reach the run and nothing else."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from stockstream_local import env_command
from stockstream_local.cli import main
from stockstream_operate.environment import Emulator, isolate
from stockstream_operate.run_lock import hold_run_lock

EMULATOR = Emulator("http://127.0.0.1:4566", "secret; rm -rf $HOME 'x'")


def test_a_shell_has_then_the_environment_of_the_run() -> None:
    user = {"AWS_PROFILE": "production", "AWS_ACCESS_KEY_ID": "AKIAREAL", "HOME": "/home/me", "PATH": "/bin"}
    show = f"{sys.executable} -c 'import json, os; print(json.dumps(dict(os.environ)))'"

    commands = env_command.write_commands(user, EMULATOR)

    shown = subprocess.run(  # noqa: S603 (our own words)
        ["/bin/sh", "-c", f"{commands}\n{show}"], env=user, capture_output=True, check=True
    ).stdout
    shells_own = {"PWD", "SHLVL", "_", "OLDPWD", "LC_CTYPE"}
    assert {name: value for name, value in json.loads(shown).items() if name not in shells_own} == isolate(
        user, EMULATOR
    )


def test_it_is_that_of_the_run_in_this_clone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(env_command, "STATE", tmp_path)
    assert main(["env"]) == 1
    assert "Nothing runs here" in capsys.readouterr().err

    with hold_run_lock(tmp_path) as publish:
        publish(Emulator("http://127.0.0.1:1", "key"), "http://127.0.0.1:2")
        assert main(["env"]) == 0

    said = capsys.readouterr().out.splitlines()
    assert "export AWS_ENDPOINT_URL=http://127.0.0.1:1" in said
    assert "export AWS_SECRET_ACCESS_KEY=key" in said
    assert f"export AWS_CONFIG_FILE={os.devnull}" in said
