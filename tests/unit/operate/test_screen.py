"""The screen: what a command's steps look like."""

import ast
import io
import re
from pathlib import Path

import pytest
from rich.console import Console
from rich.table import Table
from rich.text import Text

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


ROOT = Path(__file__).parents[3]
WRITES = {"print", "rich.print", "sys.stdout.write", "sys.stderr.write", "sys.stdout.buffer.write"}
EVIL = "IBM \x1b[2J\u202e\ud800 é\xa0日"
SHOWN = "IBM \\x1b[2J\\u202e\\ud800 é\xa0日"


@pytest.mark.parametrize("is_terminal", [True, False])
def test_text_from_outside_moves_no_cursor_and_ends_no_command(is_terminal: bool) -> None:  # noqa: FBT001 (a parameter)
    raw = io.BytesIO()
    page = io.TextIOWrapper(raw, encoding="utf-8", write_through=True)
    screen = Screen(Console(file=page, width=120, force_terminal=is_terminal, color_system=None))
    table = Table(title=EVIL)
    table.add_column(EVIL)
    table.add_row(Text(EVIL))

    with screen.step(EVIL, EVIL):
        screen.say(f"{EVIL}\n{EVIL}")
        screen.present(table)

    written = raw.getvalue().decode()
    assert written.count(SHOWN) >= 6
    assert "\x1b[2J" not in written
    assert "\u202e" not in written
    assert screen.fits(table)


def test_what_is_written_for_programs_stays_as_it_is_but_for_what_cannot_be_encoded() -> None:
    raw = io.BytesIO()
    page = io.TextIOWrapper(raw, encoding="utf-8", write_through=True)
    Screen(Console(file=page)).write(f"one\t{EVIL}\ntwo")

    assert raw.getvalue().decode() == "one\tIBM \x1b[2J\u202e\\ud800 é\xa0日\ntwo\n"


def test_what_is_written_for_programs_is_made_visible_on_a_terminal() -> None:
    page = io.StringIO()
    Screen(Console(file=page, force_terminal=True)).write(f"one\t{EVIL}\ntwo")

    assert page.getvalue() == f"one\t{SHOWN}\ntwo\n"


def test_nothing_but_the_screen_writes_to_the_terminal() -> None:
    """Whoever writes by itself writes what comes from outside as it came."""
    writers = set()
    for name in ("operate", "local", "deploy"):
        for path in (ROOT / name).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if isinstance(node, ast.Call) and (said := ast.unparse(node.func)) in WRITES:
                    writers.add((path.name, said, ast.unparse(node.args[0]) if node.args else ""))

    assert writers == {
        # What a library tells of a lake, made visible.
        ("access.py", "sys.stderr.write", "f'{make_visible(sentence)}\\n'"),
        # Commands for a shell, which are quoted for it.
        ("env_command.py", "sys.stdout.write", "read_commands() + '\\n'"),
    }
