"""The template's parameters: each is told of on a page, and those that follow from a table follow it."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
from resolved_template import ResolvedTemplate

from alert.channels.kinds import KINDS
from stockstream_generate.template_file import read_template

ROOT = Path(__file__).parents[2]
PARAMETERS = read_template()["Parameters"]
PAGES = "\n".join(
    page.read_text(encoding="utf-8")
    for page in [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
    if page.name != "decisions.md"  # which tells of what was
)


@pytest.mark.parametrize("name", PARAMETERS)
def test_every_parameter_is_told_of_on_a_page(name: str) -> None:
    assert re.search(rf"`{name}(?:=[^`]*)?`", PAGES)


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_channel_can_be_named_and_is_told_of(kind: str) -> None:
    pattern = PARAMETERS["AlertChannels"]["AllowedPattern"]

    for text in (f"/{kind}", f"/stockstream/{kind}", f"/a/{kind},/b/c/{kind}"):
        assert re.fullmatch(pattern, text), text
    assert f"| `{kind}` |" in (ROOT / "docs" / "notices.md").read_text(encoding="utf-8")


# A value of each parameter that takes any text.
TEXTS = {
    "Instruments": "IBM,TSCO.LON, fx:EUR/USD,crypto:BTC/USD",
    "ApiKeyParameterName": "/stockstream/api-key",
    "AlertEmail": "o'neil+alerts@example.co.uk",
    "ProviderUrl": "https://data.example.com:8443/v2/a%20b",
    "SmaWindows": "5,20",
    "EmaWindows": "12,26",
    "QueryScanLimitGB": "10",
    "RequestsPerDay": "25",
    "RequestsPerMinute": "1200",
    "StreamShards": "12",
    "DeliveryBufferSeconds": "900",
    "FailedRecordsRetentionDays": "90",
    "BarsTieringDays": "365",
    "RejectedPercent": "0.5",
    "PriceMovePercent": "2.5",
    "PriceMoveBars": "99",
    "SearchStorageGB": "1000",
    "SearchRetentionDays": "90",
    "AlertChannels": "/stockstream/slack,/a/webhook",
    "RunbookUrl": "https://git.example.com/a~b/blob/main/docs/runbook.md?plain=1&x=%22",
    "PriceMoveInstruments": "IBM,TSCO.LON",
    "SearchEndpoint": "https://search-a-1.eu-west-1.es.amazonaws.com",
    "SearchDomainArn": "arn:aws:es:eu-west-1:123456789012:domain/bars-1",
    "SecretsKeyArn": "arn:aws-us-gov:kms:us-gov-west-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890",
    "SearchInstanceType": "t3.small.search",
}
# What ends a text in JSON, in Markdown's links or in a shell.
BREAKS = ['"', "\\", "\n", "`", "$", ";", "<", ")", "\0"]


def test_every_parameter_that_takes_any_text_says_which_it_takes() -> None:
    free = {
        name: each
        for name, each in PARAMETERS.items()
        if each["Type"] == "String" and "AllowedValues" not in each
    }

    assert set(free) == set(TEXTS)
    assert [name for name, each in free.items() if not each.get("ConstraintDescription")] == []


@pytest.mark.parametrize("name", TEXTS)
def test_a_text_that_would_break_json_or_a_command_is_refused_when_the_stack_is_deployed(name: str) -> None:
    pattern, text = PARAMETERS[name]["AllowedPattern"], TEXTS[name]

    assert re.fullmatch(pattern, text)
    assert re.fullmatch(pattern, str(PARAMETERS[name]["Default"]))
    assert [
        broken
        for each in BREAKS
        for place in range(len(text) + 1)
        if re.fullmatch(pattern, broken := text[:place] + each + text[place:])
    ] == []


def test_the_dashboard_is_json_with_any_text_that_its_parameters_take() -> None:
    template = ResolvedTemplate(**TEXTS)

    (dashboard,) = template.of_kind("AWS::CloudWatch::Dashboard").values()
    assert TEXTS["RunbookUrl"] in json.dumps(json.loads(dashboard["DashboardBody"]))


@pytest.mark.parametrize(
    "text",
    [
        "slack",
        "/a/pigeon",
        "/slack/",
        "/slack, /teams",
        "https://x.io/slack",
        "/slackk",
        ",",
        ",".join(["/slack"] * 6),
    ],
)
def test_what_names_no_channel_is_refused_when_the_stack_is_deployed(text: str) -> None:
    assert not re.fullmatch(PARAMETERS["AlertChannels"]["AllowedPattern"], text)


def test_the_alert_function_may_read_the_parameters_of_its_channels_and_no_others() -> None:
    def may_read(channels: str) -> list[list[str]]:
        role = ResolvedTemplate(AlertChannels=channels).of_kind("AWS::IAM::Role")["AlertRole"]
        statements = role["Policies"][0]["PolicyDocument"]["Statement"]
        return [each["Resource"] for each in statements if each["Action"] == "ssm:GetParameter"]

    before = "arn:aws:ssm:us-east-1:123456789012:parameter"
    assert may_read("/a/slack,/b/webhook") == [[f"{before}/a/slack", f"{before}/b/webhook"]]
    five = [f"/{name}/slack" for name in "abcde"]
    assert may_read(",".join(five)) == [[before + name for name in five]]
    assert may_read("/teams") == [[f"{before}/teams"]]
    assert may_read("") == []


KEY = TEXTS["SecretsKeyArn"]


def decryptions(**parameters: str) -> dict[str, list[Any]]:
    """By role, the statements about decryption."""
    roles = ResolvedTemplate(**parameters).of_kind("AWS::IAM::Role")
    return {
        name: found
        for name, role in roles.items()
        for policy in role.get("Policies", [])
        if (
            found := [
                each for each in policy["PolicyDocument"]["Statement"] if each["Action"] == "kms:Decrypt"
            ]
        )
    }


def test_a_key_of_the_users_own_opens_what_a_function_reads_and_only_through_parameter_store() -> None:
    def allowed(*names: str) -> dict[str, Any]:
        before = "arn:aws:ssm:us-east-1:123456789012:parameter"
        arns = [f"{before}{name}" for name in names]
        through = {"kms:ViaService": ["ssm.us-east-1.amazonaws.com"] * 2}
        context = {"kms:EncryptionContext:PARAMETER_ARN": arns}
        return {
            "Effect": "Allow", "Action": "kms:Decrypt", "Resource": KEY,
            "Condition": {"StringEquals": through | context},
        }  # fmt: skip

    assert decryptions() == decryptions(AlertChannels="/a/slack") == {}
    found = decryptions(SecretsKeyArn=KEY, AlertChannels="/a/slack,/b/webhook", ApiKeyParameterName="/a/key")
    producer = allowed("/a/key")
    producer["Condition"]["StringEquals"]["kms:EncryptionContext:PARAMETER_ARN"] = (
        "arn:aws:ssm:us-east-1:123456789012:parameter/a/key"
    )
    assert found == {"ProducerRole": [producer], "AlertRole": [allowed("/a/slack", "/b/webhook")]}
    assert list(decryptions(SecretsKeyArn=KEY)) == ["ProducerRole"]
