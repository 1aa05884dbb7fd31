from datetime import UTC, datetime
from urllib.parse import unquote

import pytest

from alert.links import Link, LinkTargets, console_links

MOMENT = datetime(2026, 11, 20, 20, 59, 4, 677000, tzinfo=UTC)


def arn(partition: str, region: str) -> str:
    return f"arn:{partition}:cloudwatch:{region}:123456789012:alarm:a"


@pytest.mark.parametrize(
    ("partition", "region", "host"),
    [
        ("aws", "eu-west-1", "eu-west-1.console.aws.amazon.com"),
        ("aws-cn", "cn-north-1", "cn-north-1.console.amazonaws.cn"),
        ("aws-us-gov", "us-gov-west-1", "us-gov-west-1.console.amazonaws-us-gov.com"),
        ("aws-eusc", "eusc-de-east-1", "eusc-de-east-1.console.amazonaws-eusc.eu"),
    ],
)
def test_each_partition_has_its_console(partition: str, region: str, host: str) -> None:
    links = console_links(arn(partition, region), "errors", None, LinkTargets())

    assert links == (Link("Alarm", f"https://{host}/cloudwatch/home?region={region}#alarmsV2:alarm/errors"),)


@pytest.mark.parametrize("text", ["", "a", "arn:aws", arn("aws-iso", "us-iso-east-1"), arn("aws", "e/vil?")])
def test_an_arn_that_is_not_known_has_no_links(text: str) -> None:
    assert console_links(text, "errors", MOMENT, LinkTargets("d", ("g",))) == ()


def test_names_are_escaped() -> None:
    links = console_links(arn("aws", "us-east-1"), "50% / ☂?#", None, LinkTargets("my dashboard"))

    assert links[0].url.endswith("#alarmsV2:alarm/50%25%20%2F%20%E2%98%82%3F%23")
    assert links[1].url.endswith("#dashboards/dashboard/my%20dashboard")


def test_the_logs_are_those_of_every_group_around_the_moment() -> None:
    links = console_links(
        arn("aws", "us-east-1"), "errors", MOMENT, LinkTargets("", ("/aws/lambda/a", "b~'c"))
    )

    # As an address copied from the console looks, but for the id that it gives a query.
    assert links[1] == Link(
        "Logs",
        "https://us-east-1.console.aws.amazon.com/cloudwatch/home?region=us-east-1#logsV2:logs-insights"
        "$3FqueryDetail$3D~(end~'2026-11-20T21*3a04*3a04.000Z~start~'2026-11-20T20*3a44*3a04.000Z"
        "~timeType~'ABSOLUTE~tz~'UTC~editorString~'fields*20*40timestamp*2c*20level*2c*20message*2c*20*40message"
        "*0a*7c*20sort*20*40timestamp*20desc*0a*7c*20limit*20200~source~(~'*2faws*2flambda*2fa~'b*7e*27c))",
    )


def test_the_query_can_be_read_back() -> None:
    url = console_links(arn("aws", "us-east-1"), "errors", MOMENT, LinkTargets("", ("g",)))[1].url

    query = unquote(url.partition("editorString~'")[2].partition("~")[0].replace("*", "%"))

    assert query.splitlines() == [
        "fields @timestamp, level, message, @message",
        "| sort @timestamp desc",
        "| limit 200",
    ]


def test_without_a_moment_there_is_no_link_to_the_logs() -> None:
    links = console_links(arn("aws", "us-east-1"), "errors", None, LinkTargets("", ("g",)))

    assert [link.title for link in links] == ["Alarm"]
