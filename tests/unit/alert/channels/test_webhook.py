from datetime import UTC, datetime, timedelta

from alert.channels.webhook import render_webhook, sign
from alert.facts import Fact
from alert.links import Link
from alert.notices import Notice
from stockstream.alarm_words import AlarmState, Severity


def test_a_program_gets_all_of_a_notice() -> None:
    body = render_webhook(
        Notice(
            id="m1",
            name="errors",
            state=AlarmState.OK,
            severity=Severity.CRITICAL,
            summary="The transform fails.",
            since=datetime(2026, 11, 20, 21, 11, 4, 681000, tzinfo=UTC),
            lasted=timedelta(minutes=12, milliseconds=4),
            facts=(Fact("Value", "0"),),
            reason="Threshold Crossed.",
            links=(Link("Runbook", "https://x.io/1"),),
        )
    )

    assert body == {
        "schema": "notice.v1",
        "id": "m1",
        "title": "OK: errors",
        "name": "errors",
        "state": "OK",
        "severity": "critical",
        "summary": "The transform fails.",
        "since": "2026-11-20T21:11:04.681Z",
        "lasted_seconds": 720.004,
        "facts": [{"title": "Value", "value": "0"}],
        "reason": "Threshold Crossed.",
        "links": [{"title": "Runbook", "url": "https://x.io/1"}],
    }


def test_what_is_not_known_is_null() -> None:
    body = render_webhook(Notice("m1", "hello", None, None, "", None, None, (), "", ()))

    assert [key for key, value in body.items() if value is None] == [
        "state",
        "severity",
        "since",
        "lasted_seconds",
    ]


def test_the_signature_is_the_hmac_of_time_and_body() -> None:
    # printf '1795425613.{"schema":"notice.v1"}' | openssl dgst -sha256 -hmac 'a shared secret'
    expected = "a888a4537e1866d9417cea02653aa67e4573d6524565e7c9f70b17d3e293fc2d"

    signature = sign(b'{"schema":"notice.v1"}', "a shared secret", 1795425613)

    assert signature == f"t=1795425613,v1={expected}"
