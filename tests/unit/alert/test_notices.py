import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from alert.alarms import parse_alarm
from alert.facts import Fact
from alert.links import Link, LinkTargets
from alert.messages import Message, read_messages
from alert.notices import Notice, write_notice
from stockstream.alarm_words import AlarmState, Severity

type LoadEvent = Callable[[str], dict[str, Any]]


def write(event: dict[str, Any]) -> Notice:
    message = read_messages(event)[0]
    return write_notice(message, parse_alarm(message.text), None, LinkTargets())


def notice_of(**alarm: object) -> Notice:
    text = json.dumps({"AlarmName": "a", "NewStateValue": "ALARM", **alarm})
    return write_notice(Message("1", "alerts", "", text, None), parse_alarm(text), None, LinkTargets())


def test_a_metric_alarm_says_what_since_when_and_how_far_over(load_event: LoadEvent) -> None:
    notice = write(load_event("alarm-metric"))

    assert notice.title == "ALARM: stockstream-prod-TransformErrorsAlarm-1A2B3C4D5E6F"
    assert notice.severity is Severity.CRITICAL
    assert notice.summary == (
        "The transform fails: Firehose tries a batch 3 times and then sets it aside unprocessed."
    )
    assert notice.facts == (
        Fact("Severity", "critical"),
        Fact("Since", "2026-11-20 20:59:04 UTC"),
        Fact("Value", "3"),
        Fact("Threshold", ">= 1 in 1 period of 1 min"),
        Fact("Metric", "AWS/Lambda Errors (Sum)"),
        Fact("Dimensions", "FunctionName=stockstream-prod-TransformFunction-x3v9K2mQ7LpZ"),
        Fact("Before", "OK"),
        Fact("Where", "us-east-1, 123456789012"),
    )
    assert notice.links[0] == Link("Runbook", "https://example.com/stockstream/runbooks/transform-errors")


def test_an_anomaly_alarm_says_the_band_that_was_left(load_event: LoadEvent) -> None:
    facts = dict(write(load_event("alarm-anomaly")).facts)

    assert facts["Value"] == "28"
    assert facts["Threshold"] == "outside the expected band of 317.235 to 630.924 in 2 of 2 periods of 5 min"


def test_a_composite_alarm_says_which_alarm_set_it_off(load_event: LoadEvent) -> None:
    facts = dict(write(load_event("alarm-composite")).facts)

    assert facts["Set off by"] == "stockstream-prod-ProducerErrorsAlarm-9V8U7T6S5R4Q"


def test_an_alarm_that_is_over_says_how_long_it_lasted(load_event: LoadEvent) -> None:
    message = read_messages(load_event("alarm-ok"))[0]

    notice = write_notice(
        message, parse_alarm(message.text), timedelta(minutes=12, milliseconds=4), LinkTargets()
    )

    assert notice.lasted == timedelta(minutes=12, milliseconds=4)
    assert notice.facts[1:3] == (Fact("Since", "2026-11-20 21:11:04 UTC"), Fact("Lasted", "12 min"))


def test_a_message_that_is_no_alarm_becomes_a_plain_notice(load_event: LoadEvent) -> None:
    notice = write(load_event("sns-not-an-alarm"))

    assert notice == Notice(
        id="3c2b1a09-8f7e-5d6c-a5b4-c3d2e1f0a9b8",
        name="Maintenance on Saturday",
        state=None,
        severity=None,
        summary=(
            "The provider's service pauses from 06:00 to 07:00 UTC.\n"
            "Nothing is to be done: the gap is filled afterwards."
        ),
        since=datetime(2026, 11, 20, 17, 30, 0, 512000, tzinfo=UTC),
        lasted=None,
        facts=(Fact("Sent", "2026-11-20 17:30:00 UTC"),),
        reason="",
        links=(),
    )


def test_a_message_without_subject_is_named_by_its_topic() -> None:
    notice = write_notice(Message("1", "alerts", "", "hello", None), None, None, LinkTargets())

    assert notice.title == "NOTICE: a message on alerts"


@pytest.mark.parametrize(
    ("event", "title"),
    [
        ("alarm-ok", "OK: stockstream-prod-TransformErrorsAlarm-1A2B3C4D5E6F"),
        ("alarm-insufficient-data", "NO DATA: stockstream-prod-DeliveryStaleAlarm-7H8J9K0L1M2N"),
    ],
)
def test_the_title_says_the_state(load_event: LoadEvent, event: str, title: str) -> None:
    assert write(load_event(event)).title == title


def test_the_runbook_is_the_first_link(load_event: LoadEvent) -> None:
    message = read_messages(load_event("alarm-metric"))[0]

    notice = write_notice(message, parse_alarm(message.text), None, LinkTargets("stockstream", ("log",)))

    assert [link.title for link in notice.links] == ["Runbook", "Alarm", "Dashboard", "Logs"]


def test_a_long_description_keeps_its_lines() -> None:
    assert notice_of(AlarmDescription=" Slow.\r\n\n  Look at\u00a0it. ").summary == "Slow.\nLook at it."


def test_nothing_is_said_of_what_is_not_known() -> None:
    notice = notice_of()

    assert (notice.state, notice.summary, notice.since, notice.facts, notice.reason, notice.links) == (
        AlarmState.ALARM,
        "",
        None,
        (),
        "",
        (),
    )


def test_a_text_that_is_too_long_ends_in_an_ellipsis() -> None:
    notice = notice_of(NewStateReason="a" * 601)

    assert notice.reason == "a" * 599 + "…"


def test_a_text_of_the_full_length_is_left_alone() -> None:
    assert notice_of(NewStateReason="a" * 600).reason == "a" * 600


def test_control_characters_and_half_characters_are_left_out() -> None:
    notice = notice_of(AlarmName="a\x00\x1b[31m\tb\ud800\nc")

    assert notice.name == "a[31m b c"


def test_a_fact_of_nothing_but_control_characters_is_left_out() -> None:
    assert notice_of(Trigger={"MetricName": "\x1b"}).facts == ()


def test_half_a_character_in_a_name_costs_no_link() -> None:
    notice = notice_of(AlarmName="a\ud800", AlarmArn="arn:aws:cloudwatch:us-east-1:123456789012:alarm:a")

    assert notice.links[0].url.endswith("#alarmsV2:alarm/a")


def test_an_address_that_is_too_long_for_a_channel_is_left_out() -> None:
    notice = notice_of(AlarmDescription=f"Slow. Runbook: https://x.io/{'a' * 1800}")

    assert notice.links == ()
