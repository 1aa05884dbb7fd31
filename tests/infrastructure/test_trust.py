"""Whom the roles, topics and the queue trust, evaluated with just the keys that AWS documents for each."""

from functools import cache
from typing import Any

import pytest
from policy_evaluation import Request, is_allowed
from policy_statements import expanded_template
from resolved_template import PSEUDO, ResolvedTemplate

ACCOUNT, OTHER = PSEUDO["AWS::AccountId"], "999999999999"
TEMPLATE = ResolvedTemplate(SearchEnabled="true", CompactionEnabled="true")
# Their pages are those of docs/permissions.md.
CONTEXTS: dict[str, dict[str, str]] = {
    "lambda.amazonaws.com": {},
    "firehose.amazonaws.com": {"sts:ExternalId": ACCOUNT},
    "scheduler.amazonaws.com": {
        "aws:SourceAccount": ACCOUNT,
        "aws:SourceArn": f"arn:aws:scheduler:us-east-1:{ACCOUNT}:schedule-group/default",
    },
    "states.amazonaws.com": {},
    f"arn:aws:iam::{ACCOUNT}:root": {},
}
HOLDERS = {
    "ProducerRole": "lambda.amazonaws.com",
    "TransformRole": "lambda.amazonaws.com",
    "AlertRole": "lambda.amazonaws.com",
    "DeliveryRole": "firehose.amazonaws.com",
    "SearchDeliveryRole": "firehose.amazonaws.com",
    "SearchAdminRole": f"arn:aws:iam::{ACCOUNT}:root",
    "CompactionRole": "states.amazonaws.com",
    "LakeCompactionEveryNightRole": "scheduler.amazonaws.com",
    "ProducerFunctionEveryMinuteRole": "scheduler.amazonaws.com",
}


@cache
def roles() -> dict[str, list[dict[str, Any]]]:
    """What each role of the template says of who may take it."""
    return {
        name: TEMPLATE.resolve(resource["Properties"]["AssumeRolePolicyDocument"])["Statement"]
        for name, resource in expanded_template()["Resources"].items()
        if resource["Type"] == "AWS::IAM::Role"
    }


def test_every_role_is_known() -> None:
    assert HOLDERS.keys() == roles().keys()


@pytest.mark.parametrize(("role", "holder"), HOLDERS.items())
def test_who_should_take_a_role_may_and_nobody_else(role: str, holder: str) -> None:
    for principal, context in CONTEXTS.items():
        request = Request("sts:AssumeRole", role, context, principal)
        assert is_allowed(roles()[role], request) is (principal == holder), principal


@pytest.mark.parametrize("role", ["DeliveryRole", "SearchDeliveryRole"])
def test_firehose_takes_no_role_for_another_account(role: str) -> None:
    for context in ({"sts:ExternalId": OTHER}, {}):
        assert not is_allowed(
            roles()[role], Request("sts:AssumeRole", role, context, "firehose.amazonaws.com")
        )


def policy(name: str) -> list[dict[str, Any]]:
    statements: list[dict[str, Any]] = TEMPLATE.resolve(TEMPLATE.resources[name]["Properties"])[
        "PolicyDocument"
    ]["Statement"]
    return statements


def alarm(account: str) -> dict[str, str]:
    """https://docs.aws.amazon.com/sns/latest/dg/sns-access-policy-use-cases.html."""
    return {
        "aws:SourceArn": f"arn:aws:cloudwatch:us-east-1:{account}:alarm:stockstream-BarsOverdueAlarm-1",
        "aws:SourceAccount": account,
        "aws:SecureTransport": "true",
    }


@pytest.mark.parametrize("topic", ["AlertTopic", "NoticeTopic"])
def test_the_accounts_alarms_and_no_others_publish_to_the_topics(topic: str) -> None:
    request = Request("sns:Publish", topic, alarm(ACCOUNT), "cloudwatch.amazonaws.com")
    allowed = policy(f"{topic}Policy")

    assert is_allowed(allowed, request)
    assert not is_allowed(allowed, request._replace(context=alarm(OTHER)))
    in_the_clear = alarm(ACCOUNT) | {"aws:SecureTransport": "false"}
    assert not is_allowed(allowed, request._replace(context=in_the_clear))
    assert not is_allowed(allowed, request._replace(principal="events.amazonaws.com"))


def test_the_accounts_budget_publishes_to_the_topic_of_alerts_alone() -> None:
    request = Request("sns:Publish", "AlertTopic", {"aws:SourceAccount": ACCOUNT}, "budgets.amazonaws.com")
    assert is_allowed(policy("AlertTopicPolicy"), request)
    assert not is_allowed(policy("AlertTopicPolicy"), request._replace(context={"aws:SourceAccount": OTHER}))
    assert not is_allowed(policy("NoticeTopicPolicy"), request._replace(resource="NoticeTopic"))


def test_sns_puts_what_it_cannot_hand_over_into_the_queue_for_one_topic() -> None:
    request = Request(
        "sqs:SendMessage", "arn:DeadLetterQueue", {"aws:SourceArn": "AlertTopic"}, "sns.amazonaws.com"
    )
    assert is_allowed(policy("DeadLetterQueuePolicy"), request)
    assert not is_allowed(
        policy("DeadLetterQueuePolicy"), request._replace(context={"aws:SourceArn": "NoticeTopic"})
    )


def test_the_lake_refuses_whoever_comes_in_the_clear() -> None:
    anybody = Request("s3:GetObject", "arn:LakeBucket/bars/a", {"aws:SecureTransport": "false"})
    (deny,) = policy("LakeBucketPolicy")
    read = {"Effect": "Allow", "Action": "s3:GetObject", "Resource": "*"}

    assert not is_allowed([deny, read], anybody)
    assert is_allowed([deny, read], anybody._replace(context={"aws:SecureTransport": "true"}))
