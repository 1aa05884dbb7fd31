import pytest

from alert.channels.slack import render_slack
from alert.facts import Fact
from alert.links import Link
from alert.notices import Notice
from stockstream.alarm_words import AlarmState, Severity


def notice(
    name: str = "errors",
    state: AlarmState | None = AlarmState.ALARM,
    severity: Severity | None = None,
    summary: str = "",
    links: tuple[Link, ...] = (),
) -> Notice:
    return Notice("1", name, state, severity, summary, None, None, (), "", links)


def test_a_message_says_all_of_a_notice() -> None:
    message = render_slack(
        Notice(
            id="1",
            name="errors",
            state=AlarmState.ALARM,
            severity=Severity.WARNING,
            summary="The transform fails.",
            since=None,
            lasted=None,
            facts=(Fact("Value", "3"), Fact("Threshold", ">= 1")),
            reason="Threshold Crossed.",
            links=(Link("Runbook", "https://x.io/1"), Link("Alarm", "https://x.io/2?a=b&c=d")),
        )
    )

    assert message == {
        "text": "🟠 ALARM: errors",
        "blocks": [
            {"type": "header", "text": {"type": "plain_text", "text": "🟠 ALARM: errors"}},
            {"type": "section", "text": {"type": "mrkdwn", "text": "The transform fails.", "verbatim": True}},
            {
                "type": "section",
                "fields": [
                    {"type": "mrkdwn", "text": "*Value*\n3", "verbatim": True},
                    {"type": "mrkdwn", "text": "*Threshold*\n&gt;= 1", "verbatim": True},
                ],
            },
            {
                "type": "context",
                "elements": [{"type": "mrkdwn", "text": "Threshold Crossed.", "verbatim": True}],
            },
            {
                "type": "context",
                "elements": [
                    {"type": "mrkdwn", "text": "<https://x.io/1|Runbook>", "verbatim": True},
                    {"type": "mrkdwn", "text": "<https://x.io/2?a=b&amp;c=d|Alarm>", "verbatim": True},
                ],
            },
        ],
    }


def test_what_a_notice_does_not_say_makes_no_block() -> None:
    assert [block["type"] for block in render_slack(notice())["blocks"]] == ["header"]


@pytest.mark.parametrize(
    ("state", "severity", "sign"),
    [
        (AlarmState.ALARM, Severity.CRITICAL, "🔴"),
        (AlarmState.ALARM, Severity.WARNING, "🟠"),
        (AlarmState.ALARM, Severity.INFO, "🔵"),
        (AlarmState.ALARM, None, "🔴"),
        # An alarm that is over is green, however bad it was.
        (AlarmState.OK, Severity.CRITICAL, "🟢"),
        (AlarmState.INSUFFICIENT_DATA, Severity.CRITICAL, "🔴"),
        (AlarmState.INSUFFICIENT_DATA, None, "⚪"),
        (None, None, "💬"),
    ],
)
def test_the_sign_says_the_state_and_the_severity(
    state: AlarmState | None, severity: Severity | None, sign: str
) -> None:
    assert render_slack(notice(state=state, severity=severity))["text"].startswith(f"{sign} ")


def test_more_facts_than_a_section_takes_make_another_section() -> None:
    facts = tuple(Fact(str(number), "x") for number in range(11))
    message = render_slack(Notice("1", "errors", None, None, "", None, None, facts, "", ()))

    assert [len(block["fields"]) for block in message["blocks"][1:]] == [10, 1]


def test_no_text_can_call_the_whole_channel() -> None:
    message = render_slack(notice(name="<!channel>", summary="<!here> & <@U1>"))

    assert message["text"] == "🔴 ALARM: &lt;!channel&gt;"
    assert message["blocks"][1]["text"]["text"] == "&lt;!here&gt; &amp; &lt;@U1&gt;"


def test_a_text_that_grows_too_long_by_escaping_is_cut_between_characters() -> None:
    message = render_slack(notice(summary="<" * 1500))

    # 749 times 4 characters are 2,996, and the next one would not fit any more.
    assert message["blocks"][1]["text"]["text"] == "&lt;" * 749 + "…"


def test_an_address_cannot_end_its_link_early() -> None:
    message = render_slack(notice(links=(Link("Runbook", "https://x.io/a|b>c"),)))

    assert message["blocks"][1]["elements"][0]["text"] == "<https://x.io/a%7Cb%3Ec|Runbook>"
