import pytest

from alert.channels.mail import Mail, render_mail
from alert.facts import Fact
from alert.links import Link
from alert.notices import Notice
from stockstream.alarm_words import AlarmState, Severity


def notice(name: str, severity: Severity | None = None) -> Notice:
    return Notice("1", name, AlarmState.ALARM, severity, "", None, None, (), "", ())


def test_a_mail_says_all_of_a_notice() -> None:
    mail = render_mail(
        Notice(
            id="1",
            name="errors",
            state=AlarmState.ALARM,
            severity=Severity.CRITICAL,
            summary="The transform fails.",
            since=None,
            lasted=None,
            facts=(Fact("Value", "3"), Fact("Threshold", ">= 1")),
            reason="Threshold Crossed.",
            links=(Link("Runbook", "https://x.io/1"), Link("Alarm", "https://x.io/2")),
        )
    )

    assert mail == Mail(
        subject="ALARM: errors [critical]",
        text="""\
ALARM: errors

The transform fails.

Value:     3
Threshold: >= 1

Threshold Crossed.

Runbook: https://x.io/1
Alarm: https://x.io/2
""",
    )


def test_the_subject_of_an_alarm_that_is_over_says_no_severity() -> None:
    over = Notice("1", "errors", AlarmState.OK, Severity.CRITICAL, "", None, None, (), "", ())

    assert render_mail(over).subject == "OK: errors"


def test_the_subject_of_an_alarm_that_lost_its_data_says_the_severity_that_this_has() -> None:
    lost = Notice("1", "stopped", AlarmState.INSUFFICIENT_DATA, Severity.CRITICAL, "", None, None, (), "", ())

    assert render_mail(lost).subject == "NO DATA: stopped [critical]"


def test_what_a_notice_does_not_say_leaves_no_gap() -> None:
    assert render_mail(notice("errors")).text == "ALARM: errors\n"


@pytest.mark.parametrize(
    ("name", "subject"),
    [
        ("naïve ☂", "ALARM: na?ve ?"),
        ("a" * 92, "ALARM: " + "a" * 92),
        ("a" * 93, "ALARM: " + "a" * 89 + "..."),
    ],
)
def test_a_subject_is_ascii_and_shorter_than_100_characters(name: str, subject: str) -> None:
    assert render_mail(notice(name)).subject == subject
