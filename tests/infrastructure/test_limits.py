"""What AWS takes at the most: https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/cloudformation-limits.html."""

import json
import tomllib
from typing import Any

import pytest
from policy_statements import expanded_template
from resolved_template import TEMPLATE, ResolvedTemplate

from stockstream_generate.template_file import ROOT

# Lambda's, of names and values together: https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html
MOST_ENVIRONMENT_BYTES = 4096
FUNCTIONS = [name for name, each in TEMPLATE["Resources"].items() if each["Type"].endswith("::Function")]
# What CloudFormation names is the stack's name (up to 32 letters here), the logical id and 13 characters.
STACK_NAME = "s" * 32
# The longest of each parameter that a function reads and a person would type; Instruments takes what is left.
LARGEST = {
    "ApiKeyParameterName": "/" + "k" * 99,
    "SmaWindows": "100,200,300,400,500,600,700,800,900,999",
    "EmaWindows": "101,201,301,401,501,601,701,801,901,998",
    "AlertChannels": ",".join(f"/{'c' * 99}{number}" for number in range(5)),
    "PriceMoveInstruments": ",".join(f"SHARE{number}.LON" for number in range(20)),
    "InstrumentsFileEnabled": "true",
    "ProviderUrl": "https://" + "u" * 100 + ".example.com",
}


def test_the_template_has_room() -> None:
    expanded = expanded_template()

    assert len(expanded["Parameters"]) <= 200
    # The transforms' roles and permissions among them; half of what CloudFormation takes.
    assert len(expanded["Resources"]) <= 250
    assert len(expanded["Outputs"]) <= 200
    assert len(expanded["Mappings"]) <= 200
    assert all(len(mapping) <= 200 for mapping in expanded["Mappings"].values())
    assert len(expanded["Description"].encode()) <= 1024
    assert all(len(each.get("Description", "")) <= 4000 for each in expanded["Parameters"].values())
    assert all(len(str(each["Default"]).encode()) <= 4096 for each in expanded["Parameters"].values())


def test_its_text_is_uploaded_and_small_enough_for_that() -> None:
    """51,200 bytes are the most within a call, and a megabyte in a bucket: sam puts it into one."""
    size = len(json.dumps(expanded_template(), default=str).encode())
    assert 51_200 < size < 1_000_000

    samconfig: dict[str, Any] = tomllib.loads((ROOT / "samconfig.toml").read_text(encoding="utf-8"))
    # For the environment `stage`, .github/deploy.sh names a bucket.
    assert [
        name for name in ("default", "prod") if not samconfig[name]["deploy"]["parameters"]["resolve_s3"]
    ] == []
    assert '--bucket "$BUCKET"' in (ROOT / ".github" / "deploy.sh").read_text(encoding="utf-8")


def environment(function: str, **parameters: str) -> dict[str, str]:
    template = ResolvedTemplate(**parameters)
    own = template.resources[function]["Properties"]["Environment"]["Variables"]
    shared = TEMPLATE["Globals"]["Function"]["Environment"]["Variables"]
    return {name: str(template.resolve(value)) for name, value in (shared | own).items()}


def size(variables: dict[str, str]) -> int:
    """Bytes of names and values, each name of a resource as long as CloudFormation's would be."""
    known = set(TEMPLATE["Resources"])
    longer = sum(
        len(STACK_NAME) + len("--") + 13 for value in variables.values() for name in known if name in value
    )
    return longer + sum(len(name.encode()) + len(value.encode()) for name, value in variables.items())


@pytest.mark.parametrize("function", FUNCTIONS)
def test_the_largest_settings_fit_into_a_functions_environment(function: str) -> None:
    assert size(environment(function, **LARGEST)) <= MOST_ENVIRONMENT_BYTES


def test_the_parameter_lists_some_seven_hundred_instruments_beside_the_defaults() -> None:
    """docs/instruments.md says so: symbols of four letters and a comma."""
    left = MOST_ENVIRONMENT_BYTES - size(environment("ProducerFunction"))
    assert 650 <= left // len("ABCD,") <= 750


def test_a_dashboard_has_no_more_metrics_than_cloudwatch_draws() -> None:
    """500 in a widget, and 2,500 in all: https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/cloudwatch_limits.html."""
    (dashboard,) = ResolvedTemplate(SearchEnabled="true").of_kind("AWS::CloudWatch::Dashboard").values()
    counts = [
        len(each["properties"].get("metrics", []))
        for each in json.loads(dashboard["DashboardBody"])["widgets"]
    ]
    assert max(counts) <= 500
    assert 0 < sum(counts) <= 2500
