"""The value that set an alarm off, and the expected band, from the text of the alarm's reason.

CloudWatch's message holds both only inside a sentence:
`Threshold Crossed: 1 out of the last 1 datapoints [3.0 (20/11/26 20:58:00)] was greater than ...`
"""

import math
import re
from typing import NamedTuple

_NUMBER = r"-?\d+(?:\.\d+)?(?:[eE][-+]?\d+)?"
# A datapoint is followed by its time, and a threshold is not.
_VALUE = re.compile(rf"\[({_NUMBER}) \(\d\d/\d\d/\d\d ", re.ASCII)
_LOWER = re.compile(rf"lower thresholds? \[({_NUMBER})[,\]]", re.ASCII)
_UPPER = re.compile(rf"upper thresholds? \[({_NUMBER})[,\]]", re.ASCII)


class Reading(NamedTuple):
    """Numbers in the metric's own unit; None where the reason names none.

    Attributes:
        value: the newest datapoint.
        lower: the lower edge of the expected band at that time.
        upper: the upper edge.
    """

    value: float | None
    lower: float | None
    upper: float | None


def read_reason(reason: str) -> Reading:
    """The numbers of an alarm's reason; CloudWatch lists the newest first."""
    return Reading(_find(_VALUE, reason), _find(_LOWER, reason), _find(_UPPER, reason))


def _find(pattern: re.Pattern[str], reason: str) -> float | None:
    found = pattern.search(reason)
    number = float(found[1]) if found else math.nan
    return number if math.isfinite(number) else None
