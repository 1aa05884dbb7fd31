"""The screen: what a command's steps look like."""

import io
import re

import pytest
from rich.console import Console

from stockstream_operate.screen import Screen


@pytest.fixture
def page() -> io.StringIO:
    return io.StringIO()


@pytest.fixture
def screen(page: io.StringIO) -> Screen:
    return Screen(Console(file=page, width=200))


def test_a_step_that_fails_is_not_called_done(screen: Screen, page: io.StringIO) -> None:
    with pytest.raises(RuntimeError), screen.step("Building", "Built"):
        raise RuntimeError

    assert page.getvalue() == "Building ...\n"


def test_a_step_says_that_it_is_done(screen: Screen, page: io.StringIO) -> None:
    with screen.step("Building", "Built [all]"):
        pass

    assert re.fullmatch(r"Building \.\.\.\n✓ Built \[all\] \d+\.\d s\n", page.getvalue())
