"""The messages of an SNS event."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import MAXYEAR, UTC, datetime
from typing import Any

from alert.errors import EventError

_FIRST_YEAR = 1970


@dataclass(frozen=True, slots=True)
class Message:
    """One message of an SNS topic.

    Attributes:
        id: the same each time that SNS delivers the message.
        topic: the topic's name.
        subject: empty where the sender gave none.
        text: the message itself; CloudWatch puts JSON here.
        sent_at: when SNS took it; None where it does not say.
    """

    id: str
    topic: str
    subject: str
    text: str
    sent_at: datetime | None


def read_messages(event: Mapping[str, Any]) -> tuple[Message, ...]:
    """The messages of an SNS event, in its order; a record that holds none is left out.

    Raises:
        EventError: the event did not come from SNS.
    """
    return tuple(message for message in map(_read_message, _records(event)) if message)


def check_records(event: Mapping[str, Any]) -> None:
    """Refuses an event in which a record holds no message, once the others have been sent.

    Raises:
        EventError: there is one; the text says which.
    """
    records = _records(event)
    strange = [str(number) for number, each in enumerate(records, start=1) if _read_message(each) is None]
    if strange:
        raise EventError(
            f"no Sns.MessageId in record {', '.join(strange)} of {len(records)}: "
            "subscribe this function to an SNS topic"
        )


def parse_timestamp(text: object) -> datetime | None:
    """The moment of an ISO 8601 text, as CloudWatch (`+0000`) and SNS (`Z`) write it; None for all else."""
    if not isinstance(text, str):
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    # Arithmetic near Python's first and last year overflows.
    if not _FIRST_YEAR <= moment.year < MAXYEAR:
        return None
    return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)


def _records(event: Mapping[str, Any]) -> list[object]:
    records = event.get("Records")
    if not isinstance(records, list) or not records:
        raise EventError("the event has no Records: subscribe this function to an SNS topic")
    return records


def _read_message(record: object) -> Message | None:
    sns = record.get("Sns") if isinstance(record, Mapping) else None
    if not isinstance(sns, Mapping) or not isinstance(sns.get("MessageId"), str):
        return None
    return Message(
        id=sns["MessageId"],
        topic=str(sns.get("TopicArn") or "").rpartition(":")[2],
        subject=str(sns.get("Subject") or ""),
        text=str(sns.get("Message") or ""),
        sent_at=parse_timestamp(sns.get("Timestamp")),
    )
