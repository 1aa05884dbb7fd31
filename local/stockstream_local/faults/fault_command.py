"""`stockstream fault` and `stockstream mend`: breaking the running pipeline, and putting it right."""

import argparse

from rich.table import Table

from stockstream_local.faults.fault_server import active_faults, ask, known_faults
from stockstream_operate.screen import Screen


def add_fault(command: argparse.ArgumentParser) -> None:
    """Adds the options of `stockstream fault`."""
    command.description = (
        "Breaks a part of the pipeline that `stockstream up` runs; the notice appears there."
    )
    command.add_argument("name", nargs="?", metavar="FAULT", help="which one (none: say which there are)")
    command.set_defaults(run=lambda asked, screen: _begin(asked.name, screen))


def add_mend(command: argparse.ArgumentParser) -> None:
    """Adds the options of `stockstream mend`."""
    command.description = "Mends a part that `stockstream fault` broke; the notice that all is well follows."
    command.add_argument("name", nargs="?", metavar="FAULT", help="which one (all)")
    command.set_defaults(run=lambda asked, screen: _end(asked.name, screen))


def _begin(name: str | None, screen: Screen) -> None:
    if name:
        screen.say(str(ask("POST", f"/begin/{name}")))
        return
    table = Table(box=None, pad_edge=False, header_style="bold")
    for title in ("fault", "what breaks", "which alarm, and when", ""):
        table.add_column(title)
    for each in known_faults():
        table.add_row(each["name"], each["what"], each["notice"], each["active"])
    screen.present(table)


def _end(name: str | None, screen: Screen) -> None:
    names = [name] if name else active_faults()
    for each in names:
        screen.say(str(ask("POST", f"/end/{each}")))
    if not names:
        screen.say("Nothing is broken.")
