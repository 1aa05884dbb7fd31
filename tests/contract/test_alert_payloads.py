"""What each channel publishes as its limits, written down here on their own, against what we send.

Slack: docs.slack.dev/reference/block-kit. Teams: adaptivecards.io/explorer, and 28 KB a message.
SNS: the API reference of Publish.
"""

import json
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator, FormatChecker
from notice_payloads import LINK_TARGETS, PAYLOADS, render_samples

from alert.alarms import parse_alarm
from alert.channels.mail import render_mail
from alert.channels.slack import render_slack
from alert.channels.teams import render_teams
from alert.channels.webhook import render_webhook
from alert.messages import Message, read_messages
from alert.notices import Notice, write_notice

EVENTS = sorted((Path(__file__).parents[2] / "events").glob("*.json"))
MESSAGES = [
    pytest.param(message, id=f"{path.stem}-{message.id[:4]}")
    for path in EVENTS
    if path.stem.startswith(("alarm-", "sns-"))
    for message in read_messages(json.loads(path.read_text(encoding="utf-8")))
]


def text(kind: str, longest: int) -> dict[str, Any]:
    return {
        "type": "object",
        "required": ["type", "text"],
        "properties": {
            "type": {"const": kind},
            "text": {"type": "string", "minLength": 1, "maxLength": longest},
        },
        "additionalProperties": False,
    }


def mrkdwn(longest: int) -> dict[str, Any]:
    """Text with marks of Slack's own; verbatim, so that it makes links of nothing else."""
    marked = text("mrkdwn", longest)
    properties = marked["properties"] | {"verbatim": {"const": True}}
    return marked | {"required": ["type", "text", "verbatim"], "properties": properties}


def block(kind: str, **properties: object) -> dict[str, Any]:
    return {
        "type": "object",
        "required": ["type"],
        "minProperties": 2,
        "properties": {"type": {"const": kind}, **properties},
        "additionalProperties": False,
    }


SLACK = {
    "type": "object",
    "required": ["text", "blocks"],
    "properties": {
        "text": {"type": "string", "minLength": 1, "maxLength": 40_000},
        "blocks": {
            "type": "array",
            "minItems": 1,
            "maxItems": 50,
            "items": {
                "oneOf": [
                    block("header", text=text("plain_text", 150)),
                    block(
                        "section",
                        text=mrkdwn(3000),
                        fields={
                            "type": "array",
                            "minItems": 1,
                            "maxItems": 10,
                            "items": mrkdwn(2000),
                        },
                    ),
                    block(
                        "context",
                        elements={
                            "type": "array",
                            "minItems": 1,
                            "maxItems": 10,
                            "items": mrkdwn(3000),
                        },
                    ),
                ]
            },
        },
    },
    "additionalProperties": False,
}

TEXT_RUN = {
    "type": "object",
    "required": ["type", "text"],
    "properties": {
        "type": {"const": "TextRun"},
        "text": {"type": "string", "minLength": 1},
        "size": {"enum": ["Default", "Small", "Medium", "Large", "ExtraLarge"]},
        "weight": {"enum": ["Default", "Lighter", "Bolder"]},
        "isSubtle": {"type": "boolean"},
    },
    "additionalProperties": False,
}
RICH_TEXT = block("RichTextBlock", inlines={"type": "array", "minItems": 1, "items": TEXT_RUN})
CARD = {
    "type": "object",
    "required": ["type", "version", "body", "actions"],
    "properties": {
        "type": {"const": "AdaptiveCard"},
        "$schema": {"const": "http://adaptivecards.io/schemas/adaptive-card.json"},
        "version": {"enum": ["1.2", "1.3", "1.4", "1.5"]},
        "msteams": {"const": {"width": "Full"}},
        "body": {
            "type": "array",
            "minItems": 1,
            "items": {
                "oneOf": [
                    RICH_TEXT,
                    block(
                        "Container",
                        style={"enum": ["default", "emphasis", "good", "attention", "warning", "accent"]},
                        bleed={"type": "boolean"},
                        items={"type": "array", "minItems": 1, "items": RICH_TEXT},
                    ),
                ]
            },
        },
        "actions": {
            "type": "array",
            "maxItems": 6,
            "items": block(
                "Action.OpenUrl",
                title={"type": "string", "minLength": 1},
                url={"type": "string", "pattern": "^https?://[^ ]+$"},
            ),
        },
    },
    "additionalProperties": False,
}
TEAMS = {
    "type": "object",
    "required": ["type", "attachments"],
    "properties": {
        "type": {"const": "message"},
        "attachments": {
            "type": "array",
            "minItems": 1,
            "maxItems": 1,
            "items": {
                "type": "object",
                "required": ["contentType", "content"],
                "properties": {
                    "contentType": {"const": "application/vnd.microsoft.card.adaptive"},
                    "contentUrl": {"type": "null"},
                    "content": CARD,
                },
                "additionalProperties": False,
            },
        },
    },
    "additionalProperties": False,
}
TEAMS_BYTES = 28 * 1024

WEBHOOK = {
    "type": "object",
    "required": [
        "schema",
        "id",
        "title",
        "name",
        "state",
        "severity",
        "summary",
        "since",
        "lasted_seconds",
        "facts",
        "reason",
        "links",
    ],
    "properties": {
        "schema": {"const": "notice.v1"},
        "id": {"type": "string", "minLength": 1},
        "title": {"type": "string", "minLength": 1},
        "name": {"type": "string"},
        "state": {"enum": ["ALARM", "OK", "INSUFFICIENT_DATA", None]},
        "severity": {"enum": ["critical", "warning", "info", None]},
        "summary": {"type": "string"},
        "since": {"type": ["string", "null"], "pattern": r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$"},
        "lasted_seconds": {"type": ["number", "null"], "minimum": 0},
        "facts": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["title", "value"],
                "properties": {"title": {"type": "string"}, "value": {"type": "string", "minLength": 1}},
                "additionalProperties": False,
            },
        },
        "reason": {"type": "string"},
        "links": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["title", "url"],
                "properties": {"title": {"type": "string"}, "url": {"type": "string", "format": "uri"}},
                "additionalProperties": False,
            },
        },
    },
    "additionalProperties": False,
}

# "Subjects must be ASCII text that begins with a letter, number, or punctuation mark; must not include line
# breaks or control characters; and must be less than 100 characters long."
MAIL = {
    "type": "object",
    "properties": {
        "subject": {"type": "string", "pattern": "^[!-~][ -~]{0,98}$"},
        "text": {"type": "string", "minLength": 1, "maxLength": 65_536},
    },
}


def check(schema: dict[str, Any], payload: object) -> bytes:
    """The bytes that are sent, once they are known to obey the schema."""
    body = orjson.dumps(payload)
    Draft202012Validator(schema, format_checker=FormatChecker()).validate(json.loads(body))
    return body


def check_all(notice: Notice) -> None:
    check(SLACK, render_slack(notice))
    assert len(check(TEAMS, render_teams(notice))) <= TEAMS_BYTES
    check(WEBHOOK, render_webhook(notice))
    check(MAIL, render_mail(notice)._asdict())


def write(message: Message, lasted: timedelta | None = None, details: Sequence[str] = ()) -> Notice:
    return write_notice(message, parse_alarm(message.text), lasted, LINK_TARGETS, details)


@pytest.mark.parametrize("schema", [SLACK, TEAMS, WEBHOOK, MAIL])
def test_the_schemas_are_schemas(schema: dict[str, Any]) -> None:
    Draft202012Validator.check_schema(schema)


@pytest.mark.parametrize("message", MESSAGES)
def test_each_sample_fits_every_channel(message: Message) -> None:
    check_all(write(message))


@pytest.mark.parametrize(("name", "channels"), list(render_samples()))
def test_the_payloads_of_each_sample_are_what_people_have_read(name: str, channels: dict[str, Any]) -> None:
    # After a change that is meant: python tests/models/notice_payloads.py, and read the diff.
    written = json.loads((PAYLOADS / f"{name}.json").read_text(encoding="utf-8"))

    assert written == channels
    for channel, schema in (("slack", SLACK), ("teams", TEAMS), ("webhook", WEBHOOK), ("mail", MAIL)):
        check(schema, written[channel])


def test_there_are_no_payloads_of_events_that_are_gone() -> None:
    assert {path.stem for path in PAYLOADS.glob("*.json")} == {name for name, _ in render_samples()}


@pytest.mark.parametrize("letter", ["a", "<", "&", '"', "\\", "☂", "😀", "\u0300"])
def test_the_longest_alarm_fits_every_channel(letter: str) -> None:
    # As long as CloudWatch allows: the name, the description (1,024), the reason (1,023) and the rule.
    name = letter * 255
    trigger = {
        "MetricName": name,
        "Namespace": name,
        "Statistic": "SUM",
        "Dimensions": [{"name": name, "value": letter * 1024}] * 30,
        "Period": 86_400,
        "EvaluationPeriods": 100,
        "DatapointsToAlarm": 99,
        "ComparisonOperator": "LessThanLowerOrGreaterThanUpperThreshold",
        "ThresholdMetricId": "band",
    }
    arn = f"arn:aws:cloudwatch:us-east-1:123456789012:alarm:{name}"
    alarm = {
        "AlarmName": name,
        "AlarmDescription": f"[critical] {letter * 940} Runbook: https://x.io/{'a' * 50}",
        "AWSAccountId": "123456789012",
        "NewStateValue": "OK",
        "NewStateReason": f"[-1.7976931348623157E308 (20/11/26 20:58:00)] {letter * 980}",
        "StateChangeTime": "2026-11-20T20:59:04.677+0000",
        "AlarmArn": arn,
        "OldStateValue": "INSUFFICIENT_DATA",
        "Trigger": trigger,
        "AlarmRule": letter * 10_240,
        "TriggeringChildren": [{"Arn": arn}] * 100,
    }

    notice = write(
        Message("1", "alerts", "", json.dumps(alarm), None), timedelta(days=400), [letter * 1000] * 4
    )

    assert [title for title, _ in notice.facts] == [
        "Severity",
        "Since",
        "Lasted",
        "Value",
        "Threshold",
        "Metric",
        "Dimensions",
        "Ended with",
        "Rule",
        "Before",
        "Where",
    ]
    check_all(notice)


@pytest.mark.parametrize("letter", ["a", "&", '"', "\\", "😀", "\n", "a\n", "\x00", " "])
def test_the_longest_message_fits_every_channel(letter: str) -> None:
    # SNS takes 256 KB.
    text = letter * (250_000 // len(letter.encode()))

    check_all(write(Message("1", "alerts", letter * 99, text, datetime(2026, 11, 20, tzinfo=UTC))))


ANY_TEXT = st.text() | st.text(st.characters(categories=["Cs", "Cc", "Cf", "Zl", "Lu"]))
ANY_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | ANY_TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(ANY_TEXT, inner, max_size=3),
    max_leaves=8,
)
TIMES = st.sampled_from(["2026-11-20T20:59:04.677+0000", "0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z"])
METRIC = st.fixed_dictionaries(
    {},
    optional={
        "Id": ANY_JSON,
        "ReturnData": st.booleans() | ANY_JSON,
        "Label": ANY_JSON,
        "Expression": ANY_JSON,
        "MetricStat": st.fixed_dictionaries({}, optional={"Metric": ANY_JSON, "Stat": ANY_JSON}) | ANY_JSON,
    },
)
TRIGGER = st.fixed_dictionaries(
    {},
    optional={
        "MetricName": ANY_JSON,
        "Namespace": ANY_JSON,
        "Statistic": ANY_JSON,
        "Dimensions": st.lists(st.fixed_dictionaries({"name": ANY_JSON, "value": ANY_JSON})) | ANY_JSON,
        "Period": st.integers() | ANY_JSON,
        "EvaluationPeriods": st.integers() | ANY_JSON,
        "ComparisonOperator": st.sampled_from(["GreaterThanThreshold", "LessThanLowerThreshold"]) | ANY_JSON,
        "Threshold": st.floats() | ANY_JSON,
        "ThresholdMetricId": ANY_JSON,
        "Metrics": st.lists(METRIC, max_size=3) | ANY_JSON,
    },
)
ALARM = st.fixed_dictionaries(
    {"AlarmName": ANY_TEXT, "NewStateValue": st.sampled_from(["ALARM", "OK", "INSUFFICIENT_DATA"])},
    optional={
        "AlarmDescription": ANY_JSON,
        "AlarmArn": ANY_TEXT.map("arn:aws:cloudwatch:us-east-1:1:alarm:{}".format) | ANY_JSON,
        "NewStateReason": ANY_JSON,
        "OldStateValue": ANY_JSON,
        "StateChangeTime": TIMES | ANY_JSON,
        "AlarmRule": ANY_JSON,
        "TriggeringChildren": st.lists(st.fixed_dictionaries({"Arn": ANY_JSON}), max_size=5) | ANY_JSON,
        "Trigger": TRIGGER | ANY_JSON,
    },
)


@given(body=ALARM | ANY_JSON, subject=ANY_TEXT)
def test_whatever_comes_becomes_a_notice_that_fits_every_channel(body: object, subject: str) -> None:
    check_all(write(Message("1", "alerts", subject, json.dumps(body), None)))


@given(text=ANY_TEXT, subject=ANY_TEXT)
def test_whatever_is_written_becomes_a_notice_that_fits_every_channel(text: str, subject: str) -> None:
    check_all(write(Message("1", "alerts", subject, text, None)))
