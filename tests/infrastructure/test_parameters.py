"""The template's parameters: each is told of on a page, and those that follow from a table follow it."""

import re
from pathlib import Path

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
