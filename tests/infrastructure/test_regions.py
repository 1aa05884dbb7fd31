"""The regions that the templates can be deployed to, by cfn-lint's registry, which is AWS's own schemas."""

import re
from pathlib import Path
from typing import Any

import pytest
from resolved_template import TEMPLATE, ResolvedTemplate

from alert.links import _CONSOLES
from stockstream_generate.template_file import BUDGET, ROOT, read_template

COST_PAGE = (ROOT / "docs" / "cost.md").read_text(encoding="utf-8")


def missing(path: Path) -> dict[str, list[str]]:
    """By type of a template's resources, whatever their conditions, the regions that do not know it.

    The regions are all that cfn-lint knows. Its own check comes to the same, and takes five minutes for them.
    """
    # Imported here, since it takes longer than all of these tests.
    from cfnlint.decode import decode  # noqa: PLC0415
    from cfnlint.helpers import REGIONS  # noqa: PLC0415
    from cfnlint.schema.manager import PROVIDER_SCHEMA_MANAGER  # noqa: PLC0415
    from cfnlint.template.transforms._sam import Transform  # noqa: PLC0415

    template: dict[str, Any]
    template, _ = decode(str(path))
    if "Transform" in template:
        transform = Transform(str(path), template, "us-east-1")
        assert transform.transform_template() == []
        template = transform.template()
    types = {each["Type"] for each in template["Resources"].values()}
    lacking = {
        kind: [region for region in REGIONS if kind not in PROVIDER_SCHEMA_MANAGER.get_resource_types(region)]
        for kind in sorted(types)
    }
    assert len(REGIONS) > 40
    return {kind: regions for kind, regions in lacking.items() if regions}


def test_every_region_knows_what_the_stack_is_made_of_and_what_sam_makes_of_it() -> None:
    assert missing(ROOT / "template.yaml") == {}


def test_the_budget_stands_apart_since_many_regions_do_not_know_it() -> None:
    lacking = missing(BUDGET)

    assert list(lacking) == ["AWS::Budgets::Budget"]
    assert {"eu-north-1", "eu-central-2", "us-gov-west-1"} < set(lacking["AWS::Budgets::Budget"])
    # Where docs/cost.md deploys it.
    assert "us-east-1" not in lacking["AWS::Budgets::Budget"]


def test_the_page_deploys_the_budget_with_its_parameters_and_where_it_is_known() -> None:
    (command,) = re.findall(r"```sh\n(aws cloudformation deploy .+?)```", COST_PAGE, re.DOTALL)

    assert "--template-file budget.yaml" in command
    assert "--region us-east-1" in command
    assert re.findall(r"(\w+)=[$\d]", command) == list(read_template(BUDGET)["Parameters"])
    assert set(re.findall(r"OutputKey=='(\w+)'", command)) <= set(TEMPLATE["Outputs"])


def test_the_budget_tells_at_four_fifths_at_all_and_ahead_through_the_alert_function() -> None:
    budget = read_template(BUDGET)["Resources"]["SpendingBudget"]["Properties"]

    assert budget["Budget"]["BudgetLimit"] == {"Amount": {"Ref": "MonthlyBudget"}, "Unit": "USD"}
    assert [
        (each["Notification"]["NotificationType"], each["Notification"]["Threshold"], each["Subscribers"])
        for each in budget["NotificationsWithSubscribers"]
    ] == [
        (kind, percent, [{"SubscriptionType": "SNS", "Address": {"Ref": "AlertTopicArn"}}])
        for kind, percent in (("ACTUAL", 80), ("ACTUAL", 100), ("FORECASTED", 100))
    ]


def test_the_stack_lets_a_budget_of_its_account_publish_to_the_topic_that_it_names() -> None:
    policy = ResolvedTemplate().of_kind("AWS::SNS::TopicPolicy")["AlertTopicPolicy"]["PolicyDocument"]

    assert [
        (each["Effect"], each["Resource"], each["Condition"])
        for each in policy["Statement"]
        if each["Principal"] == {"Service": "budgets.amazonaws.com"}
    ] == [("Allow", "AlertTopic", {"StringEquals": {"aws:SourceAccount": "123456789012"}})]
    assert TEMPLATE["Outputs"]["AlertTopicArn"]["Value"] == {"Ref": "AlertTopic"}


@pytest.mark.parametrize(("partition", "console"), _CONSOLES.items())
def test_every_partition_is_shown_its_own_console(partition: str, console: str) -> None:
    template = ResolvedTemplate(partition=partition)
    url = template.resolve(TEMPLATE["Outputs"]["DashboardUrl"]["Value"])
    (dashboard,) = template.of_kind("AWS::CloudWatch::Dashboard").values()

    assert url.startswith(f"https://us-east-1.{console}/cloudwatch/home?region=us-east-1#dashboards/")
    addresses = re.findall(r"https://([a-z0-9.-]+console\.[a-z.-]+|console\.[a-z.-]+)/", str(dashboard))
    assert {address.removeprefix("us-east-1.") for address in addresses} == {console}
