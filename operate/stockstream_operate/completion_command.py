"""`stockstream completion`: what makes a shell complete the commands and their options."""

import argparse

import shtab

from stockstream_operate.screen import Screen

SHELLS = ("bash", "zsh", "fish")
_HOW = """\
Once, for each new terminal (restart yours then):

  bash   stockstream completion bash >~/.local/share/bash-completion/completions/stockstream
  zsh    stockstream completion zsh >DIRECTORY/_stockstream, a directory of $fpath
  fish   stockstream completion fish >~/.config/fish/completions/stockstream.fish
"""


def add_completion(command: argparse.ArgumentParser) -> None:
    """Adds the options of `stockstream completion`."""
    command.formatter_class = argparse.RawDescriptionHelpFormatter
    command.description = "Prints what makes a shell complete the commands and their options."
    command.epilog = _HOW
    command.add_argument("shell", choices=SHELLS, help="the shell")
    command.set_defaults(run=run_completion)


def run_completion(asked: argparse.Namespace, screen: Screen) -> None:
    """Prints the shell's script: it holds all that can be completed, so that no key press starts Python."""
    screen.write(shtab.complete(asked.parser, asked.shell))
