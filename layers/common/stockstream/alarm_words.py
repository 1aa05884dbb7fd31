"""The words of an alarm: CloudWatch's for its state, and the template's description of it.

A description is `[severity] What happened. Runbook: <address>`.
"""

import re
from enum import StrEnum
from typing import NamedTuple

_SEVERITY = re.compile(r"\[(critical|warning|info)\]\s*", re.IGNORECASE)
_RUNBOOK = re.compile(r"\s?\bRunbook: (https?://\S+)$", re.IGNORECASE)


class AlarmState(StrEnum):
    """The states of an alarm, in CloudWatch's words."""

    ALARM = "ALARM"
    OK = "OK"
    INSUFFICIENT_DATA = "INSUFFICIENT_DATA"


class Severity(StrEnum):
    """How bad an alarm is."""

    CRITICAL = "critical"
    WARNING = "warning"
    INFO = "info"


class Description(NamedTuple):
    """The parts of a description.

    Attributes:
        severity: None where it begins with none.
        summary: what is left without the other two.
        runbook: an address; None where it ends in none.
    """

    severity: Severity | None
    summary: str
    runbook: str | None


def read_description(text: str) -> Description:
    """Takes a description apart; what has another form is all summary."""
    severity, runbook = _SEVERITY.match(text), _RUNBOOK.search(text)
    return Description(
        severity=Severity(severity[1].lower()) if severity else None,
        summary=text[severity.end() if severity else 0 : runbook.start() if runbook else None],
        runbook=runbook[1] if runbook else None,
    )
