import pytest

from alert.channels.teams import render_teams
from alert.facts import Fact
from alert.links import Link
from alert.notices import Notice
from stockstream.alarm_words import AlarmState, Severity


def notice(state: AlarmState | None, severity: Severity | None) -> Notice:
    return Notice("1", "errors", state, severity, "", None, None, (), "", ())


def test_a_card_says_all_of_a_notice() -> None:
    message = render_teams(
        Notice(
            id="1",
            name="errors",
            state=AlarmState.ALARM,
            severity=Severity.WARNING,
            summary="The transform fails.\nLook at its log.",
            since=None,
            lasted=None,
            facts=(Fact("Value", "3"),),
            reason="Threshold Crossed.",
            links=(Link("Runbook", "https://x.io/1"),),
        )
    )

    card = message["attachments"][0]["content"]
    assert card["body"] == [
        {
            "type": "Container",
            "style": "warning",
            "bleed": True,
            "items": [
                {
                    "type": "RichTextBlock",
                    "inlines": [
                        {"type": "TextRun", "text": "ALARM: errors", "weight": "Bolder", "size": "Large"}
                    ],
                }
            ],
        },
        {"type": "RichTextBlock", "inlines": [{"type": "TextRun", "text": "The transform fails."}]},
        {"type": "RichTextBlock", "inlines": [{"type": "TextRun", "text": "Look at its log."}]},
        {
            "type": "RichTextBlock",
            "inlines": [
                {"type": "TextRun", "text": "Value: ", "weight": "Bolder"},
                {"type": "TextRun", "text": "3"},
            ],
        },
        {
            "type": "RichTextBlock",
            "inlines": [{"type": "TextRun", "text": "Threshold Crossed.", "size": "Small", "isSubtle": True}],
        },
    ]
    assert card["actions"] == [{"type": "Action.OpenUrl", "title": "Runbook", "url": "https://x.io/1"}]


def test_lines_beyond_the_twentieth_are_joined() -> None:
    summary = "\n".join(f"line {number}" for number in range(1, 23))
    message = render_teams(Notice("1", "hello", None, None, summary, None, None, (), "", ()))

    blocks = message["attachments"][0]["content"]["body"][1:]
    assert [block["inlines"][0]["text"] for block in blocks] == [
        *(f"line {number}" for number in range(1, 20)),
        "line 20 line 21 line 22",
    ]


@pytest.mark.parametrize(
    ("state", "severity", "style"),
    [
        (AlarmState.ALARM, Severity.CRITICAL, "attention"),
        (AlarmState.ALARM, Severity.WARNING, "warning"),
        (AlarmState.ALARM, Severity.INFO, "accent"),
        (AlarmState.ALARM, None, "attention"),
        (AlarmState.OK, Severity.CRITICAL, "good"),
        (AlarmState.INSUFFICIENT_DATA, Severity.CRITICAL, "attention"),
        (AlarmState.INSUFFICIENT_DATA, None, "emphasis"),
        (None, None, "accent"),
    ],
)
def test_the_colour_says_the_state_and_the_severity(
    state: AlarmState | None, severity: Severity | None, style: str
) -> None:
    card = render_teams(notice(state, severity))["attachments"][0]["content"]

    assert card["body"][0]["style"] == style
