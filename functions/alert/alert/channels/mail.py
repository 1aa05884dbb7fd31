"""E-mail: a notice as the subject and the text that SNS mails."""

from typing import NamedTuple

from alert.notices import Notice

SUBJECT_LENGTH = 99  # SNS takes fewer than 100 characters, of ASCII and in one line


class Mail(NamedTuple):
    """What SNS publishes to subscribers by e-mail."""

    subject: str
    text: str


def render_mail(notice: Notice) -> Mail:
    """The mail of a notice, in plain text."""
    # The severity of an alarm matters less once it is over.
    urgency = f" [{notice.severity}]" if notice.severity and notice.is_alarm else ""
    subject = f"{notice.title}{urgency}".encode("ascii", errors="replace").decode()
    if len(subject) > SUBJECT_LENGTH:
        subject = f"{subject[: SUBJECT_LENGTH - 3]}..."
    width = max((len(title) for title, _ in notice.facts), default=0)
    parts = (
        notice.title,
        notice.summary,
        "\n".join(f"{title + ':':{width + 1}} {value}" for title, value in notice.facts),
        notice.reason,
        "\n".join(f"{title}: {url}" for title, url in notice.links),
    )
    return Mail(subject, "\n\n".join(part for part in parts if part) + "\n")
