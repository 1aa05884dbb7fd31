"""The one logger and the one set of metrics.

Each function's name comes from POWERTOOLS_SERVICE_NAME, the namespace from POWERTOOLS_METRICS_NAMESPACE.
"""

import json
import os
import re

from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.metrics import MetricUnit

__all__ = ["MetricUnit", "logger", "metrics"]

# Characters that JSON need not escape, and that would deceive a reader or break the line: C1 controls,
# direction marks, invisible characters, line separators, and halves of surrogate pairs, which cannot even be
# encoded.
_UNSEEN = re.compile(
    r"[\x7f-\x9f\xad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f]"
    r"|[\ud800-\udfff\ufeff\ufff9-\ufffb]"
)


def _write_line(line: dict[str, object]) -> str:
    """A log line as JSON, in which no text from outside can move the cursor or break the line."""
    text = json.dumps(line, default=str, separators=(",", ":"), ensure_ascii=False)
    return _UNSEEN.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


logger = Logger(json_serializer=_write_line)
# Powertools prefers a namespace that is given here to the environment's, so both are the same.
metrics = Metrics(namespace=os.environ.get("POWERTOOLS_METRICS_NAMESPACE", "Stockstream"))
