"""Each command of the pages can be typed as it stands there, and is run by a test, or says why it is not."""

import json
import re
import shlex
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import botocore.session
import pytest
from page_commands import ROOT, PageCommand, mentioned_commands, subcommands, whole_commands
from worked_examples import PAGE, read_examples

from producer.backfill import read_backfill
from stockstream_generate.template_file import BUDGET, DEPLOY_ROLE, TEMPLATE, read_template
from stockstream_local import cli
from stockstream_operate import running

MAKEFILE = (ROOT / "Makefile").read_text(encoding="utf-8")
WHOLE, MENTIONED = whole_commands(), mentioned_commands()
EXAMPLES = {
    tuple(command)
    for example in read_examples((ROOT / PAGE).read_text(encoding="utf-8"))
    for command in example.commands
}
# By what is typed, the test that runs it, and how it is called there.
RUN_BY = {
    "stockstream up": ("tests/local/test_up.py", '"up"'),
    "stockstream status": ("tests/local/test_up.py", '"status"'),
    "stockstream fault": ("tests/local/test_fault_notices.py", '"fault"'),
    "stockstream mend": ("tests/local/test_fault_notices.py", '"mend"'),
    "stockstream page": ("tests/local/test_web_page.py", "page"),
    "stockstream query": ("tests/unit/operate/lake/test_query_command.py", '["query"'),
    "stockstream tail": ("tests/unit/operate/lake/test_tail_command.py", '["tail"'),
    "stockstream export": ("tests/unit/operate/lake/test_export_command.py", '["export"'),
    "stockstream env": ("tests/unit/local/test_env_command.py", '["env"'),
    "stockstream import": ("tests/integration/test_import_into_the_view.py", '["import"'),
    "stockstream doctor": ("tests/integration/test_doctor.py", '["doctor"'),
    "stockstream secret": ("tests/integration/test_secret_command.py", '["secret"'),
    "stockstream remove": ("tests/integration/test_remove_command.py", '["remove"'),
    "stockstream redrive": ("tests/integration/test_redrive.py", '["redrive"'),
    "stockstream deploy": ("tests/integration/test_deploy.py", '["deploy"'),
    "stockstream search": ("tests/integration/test_search_commands_on_osmem.py", '["search"'),
    "stockstream compact": ("tests/integration/test_compact.py", '["compact"'),
    "stockstream cost": ("tests/unit/operate/cost/test_cost_command.py", "run_cost"),
    "stockstream compare": ("tests/integration/test_compare_command.py", '["compare"'),
    "stockstream split": ("tests/integration/test_splits.py", '["split"'),
    "stockstream instruments": ("tests/integration/test_instruments_command.py", '["instruments"'),
    "make drill": ("tests/integration/test_drill_command.py", '["--seeds", "7", "200-201", "--report"'),
    "make generate": ("tests/unit/generate/test_files.py", "FILES"),
    "make search": ("tests/unit/local/test_search_containers.py", '["search", "up"]'),
}  # fmt: skip
# Why no test of this repository runs them.
NOT_RUN = {
    "make test": "it is what runs the tests",
    "gh attestation": "GitHub's own tool, about a release that GitHub has made",
    "$EDITOR bad.jsonl": "a person",
    "eval ANSWER": "the shell's own; what it evaluates is run",
    "aws lambda": "AWS's own tool: its words are held to AWS's own model",
    "aws cloudformation": "likewise",
    "aws cloudwatch": "likewise",
    "aws s3": "AWS's own tool",
    "mv .stockstream/lake/bars/dt=2026-11-20/a.json.gz": "the shell's own",
}
# Told of in docs/decisions.md as what was once.
GONE = ("make", "fuzz")
# What stands where a person's own value, or another command's answer, comes.
WRITTEN_FOR_ANOTHER = {"ANSWER", "OWNER/NAME"}
# Options of AWS's command line that are no parameters of an operation.
FOR_ALL = {"region", "output", "query", "cli-binary-format"}
# Of `aws s3`, which is the tool's own, and no operation of the service.
S3_COMMANDS = {"cp", "ls", "mv", "presign", "rm", "sync"}
# `aws cloudformation deploy` is the tool's own, and in no model (`aws cloudformation deploy help`).
DEPLOY_OPTIONS = {"template-file", "stack-name", "capabilities", "parameter-overrides", "region"}


def recipe(target: str) -> str:
    """What make does for a target."""
    for targets, done in re.findall(r"^([\w -]+):(?!=).*\n((?:\t.*\n)*)", MAKEFILE, re.MULTILINE):
        if target in targets.split():
            return str(done)
    raise AssertionError(f"make has no target {target}")


def what_make_types(words: tuple[str, ...]) -> list[str]:
    """The command of ours that a target passes its ARGS to; empty where there is none."""
    passed = re.search(r"@stockstream (\w+) \$\(ARGS\)", recipe(words[1]))
    arguments = [word.removeprefix("ARGS=") for word in words[2:]]
    return [passed[1], *shlex.split(" ".join(arguments))] if passed else []


def ids(command: PageCommand) -> str:
    return str(command)


@pytest.fixture
def type_it(monkeypatch: pytest.MonkeyPatch) -> Callable[[list[str]], int]:
    """Parses what is typed behind `stockstream`, and does nothing of it: 42."""
    monkeypatch.setattr(running, "run_asked", lambda _asked: 42)
    return cli.main


def find(kind: str) -> list[PageCommand]:
    return [command for command in WHOLE if command.words[0] == kind and command.words not in EXAMPLES]


def test_there_are_commands_to_try() -> None:
    assert len(WHOLE) > 60
    assert len(MENTIONED) > 60


@pytest.mark.parametrize("command", WHOLE, ids=ids)
def test_a_command_is_run_by_a_test_or_says_why_not(command: PageCommand) -> None:
    if command.words in EXAMPLES or command.words[0] == "jq":
        return  # run by tests/integration/test_worked_examples.py, and below
    known = " ".join(command.words[:2])
    if known.startswith("make ") and (typed := what_make_types(command.words)):
        known = f"stockstream {typed[0]}"
    if known in NOT_RUN:
        return
    assert known in RUN_BY, f"{command}: no test runs it; name one in RUN_BY, or the reason in NOT_RUN"
    file, called = RUN_BY[known]
    assert called in (ROOT / file).read_text(encoding="utf-8")


def test_what_is_said_of_commands_is_about_commands_of_the_pages() -> None:
    shown = {" ".join(command.words[:2]) for command in WHOLE}
    shown |= {
        f"stockstream {typed[0]}" for command in find("make") if (typed := what_make_types(command.words))
    }

    assert {*RUN_BY, *NOT_RUN} - shown == set()


@pytest.mark.parametrize("command", find("stockstream"), ids=ids)
def test_a_command_of_ours_takes_what_it_is_shown_with(
    command: PageCommand, type_it: Callable[[list[str]], int]
) -> None:
    assert type_it(list(command.words[1:])) == 42


@pytest.mark.parametrize("command", find("make"), ids=ids)
def test_make_has_the_target_and_hands_on_what_can_be_typed(
    command: PageCommand, type_it: Callable[[list[str]], int]
) -> None:
    typed = what_make_types(command.words)

    assert not typed or type_it(typed) == 42
    if typed[:1] == ["deploy"]:
        check_parameters(TEMPLATE, [word for word in typed[1:] if "=" in word and not word.startswith("-")])


def check_parameters(template: Path, overrides: list[str]) -> None:
    """Each is a parameter of the template, with a value that it takes."""
    parameters = read_template(template)["Parameters"]
    for name, value in (override.split("=", 1) for override in overrides):
        assert name in parameters, f"{template.name} has no parameter {name}"
        assert value in parameters[name].get("AllowedValues", [value]), f"{name}={value}"
        pattern = parameters[name].get("AllowedPattern", ".*")
        assert value in WRITTEN_FOR_ANOTHER or re.fullmatch(pattern, value), f"{name}={value}"


@pytest.mark.parametrize("command", find("aws"), ids=ids)
def test_a_command_of_aws_has_the_operation_and_its_parameters(command: PageCommand) -> None:
    check_aws(command.words, is_whole=True)


def check_aws(words: tuple[str, ...], *, is_whole: bool) -> None:
    """Holds a command of AWS's to what botocore knows of the service.

    Args:
        words: of the command.
        is_whole: whether what the operation needs must be there.
    """
    service, operation, *rest = words[1:]
    options: dict[str, list[str]] = {}
    for word in rest:
        if word.startswith("--"):
            options[word[2:]] = []
        elif options:
            options[list(options)[-1]].append(word)
    if service == "s3":
        assert operation in S3_COMMANDS
        return
    if (service, operation) == ("cloudformation", "deploy"):
        assert set(options) <= DEPLOY_OPTIONS
        template = {"budget.yaml": BUDGET, "deploy-role.yaml": DEPLOY_ROLE}[options["template-file"][0]]
        check_parameters(template, options["parameter-overrides"])
        return
    model = botocore.session.get_session().get_service_model(service)
    by_name = {dashed(name): name for name in model.operation_names}
    assert operation in by_name, f"{service} has no operation {operation}"
    shape: Any = model.operation_model(by_name[operation]).input_shape
    members = {dashed(name): member for name, member in shape.members.items()}
    given = set(options) - FOR_ALL
    assert given <= set(members), f"{operation} has no {given - set(members)}"
    needed = {dashed(name) for name in shape.required_members}
    assert not is_whole or needed <= given, f"{operation} needs {needed - given}"
    for name in given:
        if choices := getattr(members[name], "enum", None):
            assert set(options[name]) <= set(choices)
    if "payload" in options:
        # The function itself reads it.
        assert read_backfill(json.loads(options["payload"][0])) is not None


def dashed(name: str) -> str:
    """As AWS's command line writes a name: DescribeStacks is describe-stacks."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "-", name).lower()


@pytest.mark.skipif(shutil.which("jq") is None, reason="jq is not here")
@pytest.mark.parametrize("command", find("jq"), ids=ids)
def test_a_filter_of_jq_mends_what_it_is_shown_for(command: PageCommand) -> None:
    entry = {"record": {"close": "274.86", "as_of": "2026-11-20T21:00:05.694321+00:00"}}

    done = subprocess.run(  # noqa: S603 (of our own page)
        list(command.words[:3]), input=json.dumps(entry), capture_output=True, text=True, check=True
    )
    mended = json.loads(done.stdout)["record"]
    assert mended["close"] == 274.86 or mended["as_of"] == "2026-11-20T21:00:05.694Z"


@pytest.mark.parametrize("command", MENTIONED, ids=ids)
def test_a_command_in_a_sentence_is_one(command: PageCommand, capsys: pytest.CaptureFixture[str]) -> None:
    match command.words:
        case ["make", target, *_] if command.words != GONE:
            recipe(target)
        case ["aws", service, operation, *_] if service not in {"configure", "sso"}:
            assert operation
            check_aws(command.words, is_whole=False)
        case ["stockstream", *_] if named := subcommands(command.words):
            with pytest.raises(SystemExit) as ended:
                cli.main([*named, "--help"])
            assert ended.value.code == 0
            options = [word.partition("=")[0] for word in command.words if word.startswith("--")]
            helped = capsys.readouterr().out
            assert [option for option in options if option not in helped] == []


@pytest.mark.parametrize(
    "typed",
    [
        "aws kinesis list-streamz",
        "aws kinesis describe-stream --streamname x",
        "aws kinesis get-shard-iterator --stream-name x",
        "aws cloudwatch set-alarm-state --alarm-name a --state-value RED --state-reason b",
    ],
)
def test_what_aws_does_not_know_is_found(typed: str) -> None:
    with pytest.raises(AssertionError):
        check_aws(tuple(typed.split()), is_whole=True)


@pytest.mark.parametrize("target", ["tests", "bench-moon"])
def test_what_make_does_not_know_is_found(target: str) -> None:
    with pytest.raises(AssertionError):
        recipe(target)
