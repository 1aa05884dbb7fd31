"""Notices: what a person reads about an alarm, whatever the channel."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from alert.alarms import Alarm
from alert.facts import Fact, alarm_facts, format_moment
from alert.links import Link, LinkTargets, console_links
from alert.messages import Message
from stockstream.alarm_words import AlarmState, Severity, read_description

# Texts are cut once, here, so that a notice in any language fits every channel:
# the narrowest is Teams, with 28 KB for a whole card.
NAME_LENGTH, SUMMARY_LENGTH, REASON_LENGTH, FACT_LENGTH, URL_LENGTH = 255, 1500, 600, 200, 1800
# Beside the longest description, which has 1,024 characters, three of them still fit into a summary.
DETAIL_LENGTH = 150

_WORDS = {
    AlarmState.ALARM: "ALARM",
    AlarmState.OK: "OK",
    AlarmState.INSUFFICIENT_DATA: "NO DATA",
    None: "NOTICE",
}


@dataclass(frozen=True, slots=True)
class Notice:
    """What people read; texts are empty where there is nothing to say.

    Attributes:
        id: the message's id, which is the same each time the message is delivered.
        name: the alarm's name, or a plain message's subject.
        state: None for a message that is no alarm.
        severity: None where the alarm's description has none.
        summary: what happened and what to do, from the alarm's description; then its details.
        since: when the state changed, or when a plain message was sent.
        lasted: how long the alarm lasted; None if it is not over, or that is not known.
        facts: the value against the threshold, and where it was measured.
        reason: CloudWatch's own sentence.
        links: the runbook first.
    """

    id: str
    name: str
    state: AlarmState | None
    severity: Severity | None
    summary: str
    since: datetime | None
    lasted: timedelta | None
    facts: tuple[Fact, ...]
    reason: str
    links: tuple[Link, ...]

    @property
    def title(self) -> str:
        """One line, such as `ALARM: prod-TransformErrors`."""
        return f"{_WORDS[self.state]}: {self.name}"

    @property
    def is_alarm(self) -> bool:
        """Whether something is wrong. Lost data is wrong where the alarm's description has a severity."""
        return self.state is AlarmState.ALARM or (
            self.state is AlarmState.INSUFFICIENT_DATA and self.severity is not None
        )


def write_notice(
    message: Message,
    alarm: Alarm | None,
    lasted: timedelta | None,
    link_targets: LinkTargets,
    details: Sequence[str] = (),
) -> Notice:
    """The notice of a message.

    Args:
        message: what SNS brought.
        alarm: what the message holds; None if it is no alarm.
        lasted: how long the alarm lasted; None if it is not over, or that is not known.
        link_targets: what a notice points to besides the alarm.
        details: what the logs say about it, a sentence each.
    """
    if alarm is None:
        return _write_plain(message)
    severity, summary, runbook = read_description(_tidy(alarm.description))
    facts = [*([Fact("Severity", severity)] if severity else []), *alarm_facts(alarm, lasted)]
    links = [
        *([Link("Runbook", runbook)] if runbook else []),
        *console_links(alarm.arn, alarm.name, alarm.changed_at, link_targets),
    ]
    return Notice(
        id=message.id,
        name=_shorten(_line(alarm.name), NAME_LENGTH),
        state=alarm.state,
        severity=severity,
        summary=_shorten(
            "\n".join(filter(None, (summary, *(_shorten(_line(each), DETAIL_LENGTH) for each in details)))),
            SUMMARY_LENGTH,
        ),
        since=alarm.changed_at,
        lasted=lasted,
        # A value of control characters alone is empty now.
        facts=tuple(
            Fact(title, _shorten(line, FACT_LENGTH)) for title, value in facts if (line := _line(value))
        ),
        reason=_shorten(_line(alarm.reason), REASON_LENGTH),
        # A link that was cut would not work.
        links=tuple(link for link in links if len(link.url) <= URL_LENGTH),
    )


def _write_plain(message: Message) -> Notice:
    return Notice(
        id=message.id,
        name=_shorten(_line(message.subject) or f"a message on {message.topic}", NAME_LENGTH),
        state=None,
        severity=None,
        summary=_shorten(_tidy(message.text), SUMMARY_LENGTH),
        since=message.sent_at,
        lasted=None,
        facts=(Fact("Sent", format_moment(message.sent_at)),) if message.sent_at else (),
        reason="",
        links=(),
    )


def _tidy(text: str) -> str:
    # Some channels refuse control characters and halves of characters.
    lines = ("".join(c for c in line if c.isprintable() or c.isspace()).split() for line in text.splitlines())
    return "\n".join(" ".join(words) for words in lines if words)


def _line(text: str) -> str:
    return _tidy(text).replace("\n", " ")


def _shorten(text: str, length: int) -> str:
    return text if len(text) <= length else text[: length - 1].rstrip() + "…"
