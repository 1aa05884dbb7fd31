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


def test_on_a_terminal_a_paragraph_breaks_between_words_and_never_in_one(page: io.StringIO) -> None:
    address = "http://127.0.0.1:8501/?key=" + "k" * 43
    text = (
        f"Notice (critical): bars do not come through, and what set it off says where it is: {address} is it."
    )

    Screen(Console(file=page, width=40, force_terminal=True)).say(text)

    lines = [line.rstrip() for line in page.getvalue().splitlines()]
    assert " ".join(lines) == text
    assert all(len(line) <= 40 for line in lines if line != address)
    assert address in lines


def test_in_a_file_a_paragraph_stays_on_one_line(page: io.StringIO) -> None:
    Screen(Console(file=page, width=40)).say("word " * 30)

    assert page.getvalue().count("\n") == 1
