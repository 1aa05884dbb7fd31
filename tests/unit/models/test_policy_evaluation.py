"""The evaluation of policies that other tests stand on, by examples of IAM's guide."""

from typing import Any

import pytest
from policy_evaluation import Request, is_allowed

READ = {"Effect": "Allow", "Action": ["s3:Get*", "s3:ListBucket"], "Resource": "arn:aws:s3:::lake/*"}
TLS = {
    "Effect": "Deny",
    "Principal": "*",
    "Action": "sns:*",
    "Resource": "topic",
    "Condition": {"Bool": {"aws:SecureTransport": "false"}},
}
PUBLISH = {
    "Effect": "Allow",
    "Principal": {"Service": "cloudwatch.amazonaws.com"},
    "Action": "sns:Publish",
    "Resource": "topic",
    "Condition": {"ArnLike": {"aws:SourceArn": ["arn:a:*", "arn:b:x"]}},
}


@pytest.mark.parametrize(
    ("action", "resource", "expected"),
    [
        ("s3:GetObject", "arn:aws:s3:::lake/a/b", True),
        ("S3:getobject", "arn:aws:s3:::lake/a", True),
        ("s3:PutObject", "arn:aws:s3:::lake/a", False),
        ("s3:GetObject", "arn:aws:s3:::lake", False),
        ("s3:GetObject", "arn:aws:s3:::LAKE/a", False),
        ("xs3:GetObject", "arn:aws:s3:::lake/a", False),
    ],
)
def test_action_and_resource_have_to_fit(action: str, resource: str, expected: bool) -> None:  # noqa: FBT001
    assert is_allowed([READ], Request(action, resource)) is expected


@pytest.mark.parametrize(
    ("context", "principal", "expected"),
    [
        ({"aws:SourceArn": "arn:a:1", "aws:SecureTransport": "true"}, "cloudwatch.amazonaws.com", True),
        ({"aws:SourceArn": "arn:b:x"}, "cloudwatch.amazonaws.com", True),
        ({"aws:SourceArn": "arn:b:xy"}, "cloudwatch.amazonaws.com", False),
        # A key that does not come along.
        ({}, "cloudwatch.amazonaws.com", False),
        ({"aws:SourceArn": "arn:a:1"}, "events.amazonaws.com", False),
        # A Deny beats each Allow.
        ({"aws:SourceArn": "arn:a:1", "aws:SecureTransport": "false"}, "cloudwatch.amazonaws.com", False),
    ],
)
def test_conditions_have_to_hold_and_a_deny_wins(
    context: dict[str, str],
    principal: str,
    expected: bool,  # noqa: FBT001
) -> None:
    policy: list[dict[str, Any]] = [PUBLISH, TLS]
    assert is_allowed(policy, Request("sns:Publish", "topic", context, principal)) is expected
