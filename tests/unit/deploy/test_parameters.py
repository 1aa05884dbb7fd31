"""Which value each parameter gets: the command line's, samconfig.toml's, the stack's, or the default."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from samcli.cli.types import CfnParameterOverridesType

from stockstream_deploy.deploy_command import read_template
from stockstream_deploy.parameters import (
    DeployError,
    Environment,
    as_override,
    merge,
    parse_assignments,
    read_environment,
)

ROOT = Path(__file__).parents[3]
TEMPLATE = {"Parameters": {"Instruments": {"Default": "IBM"}, "LogLevel": {"Default": "INFO"}}}


def config(folder: Path, text: str) -> Path:
    (folder / "samconfig.toml").write_text(text, encoding="utf-8")
    return folder


def test_what_is_chosen_goes_before_what_the_stack_has_and_that_before_the_default() -> None:
    assert merge(TEMPLATE, {}, {}) == {"Instruments": "IBM", "LogLevel": "INFO"}
    kept = merge(TEMPLATE, {"Instruments": "MSFT", "LogLevel": "DEBUG", "Gone": "x"}, {"LogLevel": "ERROR"})
    assert kept == {"Instruments": "MSFT", "LogLevel": "ERROR"}


@pytest.mark.parametrize(("name", "hint"), [("instruments", "Instruments"), ("Xyz", r"docs/parameters\.md")])
def test_a_name_that_the_template_does_not_know_is_told_with_what_was_meant(name: str, hint: str) -> None:
    with pytest.raises(DeployError, match=f"no parameter {name}: .*{hint}"):
        merge(TEMPLATE, {}, {name: "1"})


def test_a_value_may_hold_an_equals_sign_and_be_empty() -> None:
    assert parse_assignments(["A=b=c", "B="]) == {"A": "b=c", "B": ""}
    with pytest.raises(DeployError, match="'AAPL' is no parameter: write NAME=VALUE"):
        parse_assignments(["AAPL"])


def test_an_environment_is_read_as_sam_reads_it(tmp_path: Path) -> None:
    root = config(
        tmp_path,
        """
        [default.global.parameters]
        stack_name = "mine"
        region = "eu-west-1"
        parameter_overrides = ["LogLevel=INFO"]
        [prod.deploy.parameters]
        stack_name = "prod"
        profile = "work"
        parameter_overrides = 'Instruments="IBM, MSFT" AlertEmail=""'
        [prod.global.parameters]
        stack_name = "other"
        """,
    )

    assert read_environment(root, "default") == Environment(
        "default", "mine", "eu-west-1", None, {"LogLevel": "INFO"}
    )
    assert read_environment(root, "prod") == Environment(
        "prod", "prod", None, "work", {"Instruments": "IBM, MSFT", "AlertEmail": ""}
    )


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[default", "cannot be read"),
        ("[prod.deploy.parameters]", "has no environment default; it has prod"),
        ("[default.deploy.parameters]", "names no stack"),
    ],
)
def test_a_samconfig_that_names_no_stack_is_told_of(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(DeployError, match=said):
        read_environment(config(tmp_path, text), "default")


@pytest.mark.parametrize("name", ["default", "prod"])
def test_the_environments_of_this_clone_ask_nothing_and_name_parameters_that_there_are(name: str) -> None:
    environment = read_environment(ROOT, name)

    assert set(merge(read_template(ROOT), {}, environment.parameters)) > set(environment.parameters)
    assert "confirm_changeset = true" not in (ROOT / "samconfig.toml").read_text(encoding="utf-8")


# What the template's patterns take: no quotation marks and no backslashes.
TAKEN = st.text(st.characters(min_codepoint=32, max_codepoint=126, exclude_characters="\"\\'"), max_size=20)


@given(
    values=st.dictionaries(st.sampled_from(["Instruments", "AlertEmail", "RunbookUrl"]), TAKEN, min_size=1)
)
def test_sam_reads_the_values_that_were_given(values: dict[str, str]) -> None:
    read = CfnParameterOverridesType().convert(
        tuple(as_override(*each) for each in values.items()), None, None
    )

    assert read == values


def test_sam_reads_an_address_with_an_apostrophe() -> None:
    read = CfnParameterOverridesType().convert((as_override("AlertEmail", "o'neil@a.io"),), None, None)

    assert read == {"AlertEmail": "o'neil@a.io"}


def test_a_quotation_mark_that_is_not_closed_is_told_with_its_environment(tmp_path: Path) -> None:
    text = """
        [prod.deploy.parameters]
        stack_name = "prod"
        parameter_overrides = 'Instruments="IBM, MSFT'
        """

    with pytest.raises(DeployError, match=r"parameter_overrides of \[prod\] cannot be read"):
        read_environment(config(tmp_path, text), "prod")
