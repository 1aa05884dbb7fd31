"""The `stockstream` command: the operator's commands, and in a clone the pipeline on this machine."""

from collections.abc import Sequence

from stockstream_operate import cli
from stockstream_operate.cli import Command
from stockstream_operate.workplace import IN_A_CLONE

_DOCTOR = Command(
    "doctor",
    "say what is in the way of a run here, or of a stack in AWS, and how to mend it",
    "stockstream_local.doctor.doctor_command:add_doctor",
)
COMMANDS_OF_A_CLONE = (
    Command("up", "run the whole pipeline here", "stockstream_local.up_command:add_up"),
    Command("down", "end the run of this clone", "stockstream_local.down_command:add_down"),
    Command(
        "status",
        "say what runs here, what it delivered, and what is wrong",
        "stockstream_local.status_command:add_status",
    ),
    _DOCTOR,
    # These two are above this package, since they use a function's own code.
    Command(
        "deploy",
        "check, build and deploy the stack to AWS, without a question",
        "stockstream_deploy.deploy_command:add_deploy",
    ),
    Command(
        "compare",
        "compare a day's closes with those of another provider",
        "stockstream_deploy.compare_command:add_compare",
    ),
    Command(
        "invoke",
        "run one function in a container, with its sample events",
        "stockstream_local.invoke_command:add_invoke",
    ),
    Command(
        "alarm",
        "set off an alarm of the running pipeline",
        "stockstream_local.faults.alarm_command:add_alarm",
    ),
    Command(
        "fault",
        "break a part of the running pipeline, to see its alarm",
        "stockstream_local.faults.fault_command:add_fault",
    ),
    Command(
        "mend",
        "mend what `stockstream fault` broke",
        "stockstream_local.faults.fault_command:add_mend",
    ),
    Command(
        "env",
        "print what AWS's own tools need to reach the running pipeline",
        "stockstream_local.env_command:add_env",
    ),
    Command(
        "search",
        "the search index: install, check, fill, look at it",
        "stockstream_local.search_command:add_search",
    ),
    *cli.COMMANDS,
)
# `uv tool install` brings what works on a stack in AWS.
COMMANDS_WITHOUT_ONE = (
    _DOCTOR,
    Command(
        "search",
        "the search index: install, check, fill, look at it",
        "stockstream_operate.search.search_command:add_search",
    ),
    *cli.COMMANDS,
)
COMMANDS = COMMANDS_OF_A_CLONE if IN_A_CLONE else COMMANDS_WITHOUT_ONE


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the command: what this machine offers, and what an operator may ask of any stack.

    Returns:
        0 if it did what was asked, 1 if it could not, 130 if it was stopped before it had.
        (Wrong arguments end the process with 2.)
    """
    return cli.run(COMMANDS, arguments)
