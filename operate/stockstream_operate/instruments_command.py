"""`stockstream instruments`: shows what a stack follows, and changes it without a deployment."""

import argparse
from collections.abc import Iterable, Sequence
from pathlib import Path

from stockstream.errors import InstrumentError
from stockstream.instrument_file import INSTRUMENT_FILE, InstrumentFile, parse_instrument_file
from stockstream.instruments import Instrument, parse_instrument, parse_instruments
from stockstream_operate.arguments import Commands
from stockstream_operate.counts import say_count
from stockstream_operate.instrument_list import (
    ListError,
    StoredFile,
    check_calendar,
    is_in_a_file,
    read_file,
    read_followed,
    with_names,
    without_names,
    write_file,
)
from stockstream_operate.screen import Screen
from stockstream_operate.stack import Stack, find_stack

_MOST_SHOWN = 20


def add_instruments(command: argparse.ArgumentParser) -> None:
    """Adds the subcommands of `stockstream instruments`."""
    command.description = (
        f"What a stack follows. Where InstrumentsFileEnabled=true, that is the file {INSTRUMENT_FILE} in the "
        "lake's bucket, one instrument a line, and a change counts from the producer's next run on."
    )
    verbs: Commands = command.add_subparsers(dest="verb", required=True)
    _add(verbs, "list", "show what is followed, one a line").set_defaults(run=_list)
    more = _add(verbs, "add", "follow more")
    more.add_argument("names", nargs="*", metavar="NAME", help="such as IBM, TSCO.LON, fx:EUR/USD")
    more.add_argument("--file", type=Path, metavar="FILE", help="and all that this file lists")
    more.set_defaults(run=_add_names)
    fewer = _add(verbs, "remove", "stop following some")
    fewer.add_argument("names", nargs="+", metavar="NAME", help="as they stand in the list")
    fewer.set_defaults(run=_remove_names)
    check = _add(verbs, "check", "name each line that nothing can be fetched for")
    check.add_argument("file", nargs="?", type=Path, metavar="FILE", help="this file, and not the stack's")
    check.set_defaults(run=_check)


def _add(verbs: Commands, name: str, help_: str) -> argparse.ArgumentParser:
    command = verbs.add_parser(name, help=help_, description=f"{help_[0].upper()}{help_[1:]}.")
    command.add_argument("--stack", metavar="NAME", help="a stack in AWS; without it the one that runs here")
    return command


def _list(asked: argparse.Namespace, screen: Screen) -> None:
    screen.write("\n".join(each.name for each in read_followed(find_stack(asked.stack))))


def _add_names(asked: argparse.Namespace, screen: Screen) -> None:
    """Adds names at the end of the list.

    Raises:
        ListError, InstrumentError: one names nothing that can be followed; nothing was changed.
    """
    stack = find_stack(asked.stack)
    wanted = [parse_instrument(name) for name in asked.names]
    if asked.file:
        listed = _parse(stack, _read_local(asked.file))
        _require_good(listed, str(asked.file))
        wanted += listed.instruments
    if not wanted:
        raise ListError("Nothing to add was named: `stockstream instruments add IBM`, or --file FILE.")
    for each in wanted:
        check_calendar(stack, each)
    stored = read_file(stack)
    text = _begin(stack, stored)
    known = {each.name for each in _parse(stack, text).instruments}
    new = [name for name in dict.fromkeys(each.name for each in wanted) if name not in known]
    if new:
        write_file(stack, with_names(text, new), stored)
    _say_changed(screen, stack, "Added", new, "stood in the list already")


def _remove_names(asked: argparse.Namespace, screen: Screen) -> None:
    """Takes the lines of some names out of the list, also of names that nothing can be fetched for.

    Raises:
        ListError: one does not stand there, or none would be left; nothing was changed.
    """
    stack = find_stack(asked.stack)
    stored = read_file(stack)
    text = _begin(stack, stored)
    for name in asked.names:
        if without_names(text, [name]) == text:
            raise ListError(f"{name} does not stand in the list; nothing was changed.")
    left = without_names(text, asked.names)
    if not _parse(stack, left).instruments:
        raise ListError(
            "Nothing would be left to follow; nothing was changed. To pause the producer: "
            f"make deploy ARGS='--stack {stack.name} ScheduleState=DISABLED'"
        )
    write_file(stack, left, stored)
    _say_changed(screen, stack, "Removed", list(dict.fromkeys(asked.names)), "")


def _check(asked: argparse.Namespace, screen: Screen) -> None:
    """Names the bad lines.

    Raises:
        ListError: there are some, or there is no good one.
    """
    if asked.file:
        # The hours of no stack: its exchanges are known by any.
        listed, where = _parse(Stack("", None, {}), _read_local(asked.file)), str(asked.file)
    else:
        stack = find_stack(asked.stack)
        listed, where = _parse(stack, _begin(stack, read_file(stack))), INSTRUMENT_FILE
    _require_good(listed, where)
    screen.say(f"{say_count(len(listed.instruments), 'instrument')}, and every line is good.")


def _begin(stack: Stack, stored: StoredFile) -> str:
    """The list as it is; where there is no file yet, what the parameter lists."""
    if stored.version:
        return stored.text
    return with_names("", (each.name for each in parse_instruments(stack.parameters.get("Instruments", ""))))


def _parse(stack: Stack, text: str) -> InstrumentFile:
    def check(instrument: Instrument) -> None:
        check_calendar(stack, instrument)

    return parse_instrument_file(text, check)


def _read_local(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        raise ListError(f"{file} cannot be read: {reason}") from None


def _require_good(listed: InstrumentFile, where: str) -> None:
    if listed.refused:
        lines = [f"  line {each.number}: {each.reason}" for each in listed.refused[:_MOST_SHOWN]]
        more = len(listed.refused) - len(lines)
        lines += [f"  and {more:,} more"] if more else []
        raise ListError(
            f"{len(listed.refused):,} of {where}'s lines are bad, {len(listed.instruments):,} are good:\n"
            + "\n".join(lines)
        )
    if not listed.instruments:
        raise InstrumentError(f"{where} lists no instrument: write one a line, such as IBM.")


def _say_changed(screen: Screen, stack: Stack, done: str, names: Sequence[str], otherwise: str) -> None:
    if not names:
        screen.say(f"Nothing was changed: all of them {otherwise}.")
        return
    screen.say(f"{done}: {_shorten(names)}.")
    if is_in_a_file(stack):
        screen.say("It counts from the producer's next run on, within a minute or two.")
    else:
        screen.say(
            "It counts once the stack looks for the file: "
            f"make deploy ARGS='--stack {stack.name} InstrumentsFileEnabled=true'"
        )


def _shorten(names: Iterable[str]) -> str:
    every = list(names)
    more = len(every) - _MOST_SHOWN
    return ", ".join(every[:_MOST_SHOWN]) + (f" and {more:,} more" if more > 0 else "")
