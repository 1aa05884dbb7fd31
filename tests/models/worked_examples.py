"""The examples of docs/guides.md: read from the page, and done in a copy of the repository.

A `diff` block is about the file that a line before it names: by a link, or as a new one. A `sh` block is what
is typed there. Run as a program in such a copy: does what is typed, in one process, and says what came of it.
"""

import json
import os
import re
import runpy
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

ROOT = Path(__file__).parents[2]
PAGE = Path("docs") / "guides.md"
# Where Python finds the packages of a clone.
PACKAGES = (
    *("layers/common", "functions/producer", "functions/transform", "functions/alert"),
    *("operate", "local", "deploy", "dashboards", "generate"),
)
_BLOCK = re.compile(r"^```(\w+)\n(.*?)^```", re.MULTILINE | re.DOTALL)
_FILE = re.compile(
    r"^(?:\[[^\]]+\]\(\.\./([^)]+)\)|\[[^\]]+\]\(([\w.]+)\)|A new file, `([^`]+)`)", re.MULTILINE
)


class Change(NamedTuple):
    """One diff block: in a file, this text becomes that one; a file that is new has had no text."""

    path: Path
    before: str
    after: str


class Example(NamedTuple):
    """What one guide does: changes, and then commands, each in words."""

    title: str
    changes: list[Change]
    commands: list[list[str]]


def read_examples(page: str) -> list[Example]:
    """The examples of a page, in its order."""
    return [
        Example(section.partition("\n")[0], list(_read_changes(section)), list(_read_commands(section)))
        for section in re.split(r"^### Example: ", page, flags=re.MULTILINE)[1:]
    ]


def _read_changes(section: str) -> Iterator[Change]:
    section = section.split("\n## ", maxsplit=1)[0]
    for block in _BLOCK.finditer(section):
        if block[1] == "diff":
            above, beside, new = _FILE.findall(section[: block.start()])[-1]
            lines = [(line[:1], line[1:]) for line in block[2].splitlines()]
            yield Change(
                Path(above or new) if above or new else PAGE.parent / beside,
                "".join(f"{text}\n" for mark, text in lines if mark != "+"),
                "".join(f"{text}\n" for mark, text in lines if mark != "-"),
            )


def _read_commands(section: str) -> Iterator[list[str]]:
    for language, block in _BLOCK.findall(section.split("\n## ", maxsplit=1)[0]):
        if language == "sh":
            yield from (shlex.split(line) for line in block.splitlines())


def apply(change: Change, clone: Path) -> None:
    """Makes a change.

    Raises:
        ValueError: the file is not as the page has it.
    """
    file = clone / change.path
    text = file.read_text(encoding="utf-8") if file.exists() else ""
    if change.before and text.count(change.before) != 1:
        raise ValueError(f"{change.path} has {text.count(change.before)} times:\n{change.before}")
    if not change.before and text:
        raise ValueError(f"{change.path} is there already")
    file.write_text(text.replace(change.before, change.after, 1) if text else change.after, encoding="utf-8")


def copy_repository(folder: Path) -> Path:
    """A copy of what is committed, and of nothing that was made of it."""
    made = shutil.ignore_patterns(".*", "__pycache__", "dist")
    return Path(shutil.copytree(ROOT, folder, ignore=made))


def replay(clone: Path) -> dict[str, Any]:
    """Does all the examples in a copy: the changes, and then what is typed.

    Returns:
        By example and command, how it ended (0 is well); and what is seen of them in `document` and `lake`.
    """
    for example in read_examples((clone / PAGE).read_text(encoding="utf-8")):
        for change in example.changes:
            apply(change, clone)
        for command in example.commands:
            if command[0] == "perl":
                subprocess.run(command, cwd=clone, check=True)  # noqa: S603 (of our own page)
    paths = os.pathsep.join(str(clone / each) for each in (*PACKAGES, "tests/models"))
    told = clone / "told.json"
    subprocess.run(  # noqa: S603 (this file)
        [sys.executable, clone / "tests" / "models" / Path(__file__).name, told],
        cwd=clone,
        env=os.environ | {"PYTHONPATH": paths},
        check=True,
    )
    seen: dict[str, Any] = json.loads(told.read_text(encoding="utf-8"))
    return seen


def _type(words: list[str]) -> int:
    """What a command of the page does, without a process of its own; its status."""
    import pytest  # noqa: PLC0415 (the copy's tests, and not those that read this)

    from stockstream_generate.files import FILES, write_files  # noqa: PLC0415 (the copy's)
    from stockstream_local import cli  # noqa: PLC0415

    match words:
        case ["make", "generate"]:
            # Two of its parts take long and follow from nothing here: the calendars and the drawn dashboards.
            FILES.pop("layers/common/stockstream/calendars.py", None)
            write_files()
            return 0
        case [".venv/bin/python", script]:
            runpy.run_path(script, run_name="__main__")
            return 0
        case [".venv/bin/pytest", *arguments]:
            return int(
                pytest.main(["-q", "-p", "no:randomly", "-p", "no:cacheprovider", "-n", "0", *arguments])
            )
        case [".venv/bin/stockstream", *arguments]:
            return cli.main(arguments)
        case ["perl", *_]:
            return 0  # done before anything was imported
        case _:
            raise ValueError(f"nobody knows how to try {shlex.join(words)}")


def _look(folder: Path) -> dict[str, Any]:
    """A bar of the new class with the new number: its record, its document, and what the lake shows of it."""
    from delivered_files import write_lines  # noqa: PLC0415 (the copy's)

    from stockstream.windows import Windows  # noqa: PLC0415
    from stockstream_operate.lake.engine import LakeEngine  # noqa: PLC0415
    from transform.documents import enrich  # noqa: PLC0415

    events = runpy.run_path("events/generate.py")
    record = events["encode_last"](events["make_bars"]("metal:XAU/USD", 4_100.0, 2, 40))
    document = enrich(record, None, Windows())
    write_lines(folder, "2026-11-20", "a", document)
    with LakeEngine(folder) as lake:
        _, rows = lake.query("SELECT instrument, asset_class, drawdown_20 FROM bars_latest")
    return {"record": json.loads(record), "document": json.loads(document), "lake": rows}


if __name__ == "__main__":
    results: dict[str, Any] = {
        example.title: {shlex.join(words): _type(words) for words in example.commands}
        for example in read_examples(PAGE.read_text(encoding="utf-8"))
    }
    Path(sys.argv[1]).write_text(json.dumps(results | _look(Path("lake").absolute())), encoding="utf-8")
