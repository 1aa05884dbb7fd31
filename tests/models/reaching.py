"""Lets a test's AWS clients reach one emulator and nothing else."""

import os
from collections.abc import Iterator
from contextlib import contextmanager

import boto3
import pytest

from stockstream_operate.environment import Emulator, isolate


@contextmanager
def reaching(emulator: Emulator) -> Iterator[dict[str, str]]:
    """Within, this process's environment is the one that is given, and boto3 has its keys from there."""
    environ = isolate(os.environ, emulator)
    with pytest.MonkeyPatch.context() as patch:
        for name in set(os.environ) - set(environ):
            patch.delenv(name)
        for name, value in environ.items():
            patch.setenv(name, value)
        # Its default session remembers the keys of the emulator before.
        patch.setattr(boto3, "DEFAULT_SESSION", None)
        yield environ
