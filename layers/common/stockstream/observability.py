"""The one logger and the one set of metrics.

Each function's name comes from POWERTOOLS_SERVICE_NAME, the namespace from POWERTOOLS_METRICS_NAMESPACE.
"""

import json
import os
import re

from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.metrics import MetricUnit

__all__ = ["MetricUnit", "logger", "metrics"]

# What JSON may hold as it is, and a person must not be shown: C1 controls, what turns a line round or has no
# shape, line separators, and halves of surrogate pairs, which cannot even be encoded.
_UNSEEN = re.compile(
    r"[\x7f-\x9f\xad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f]"
    r"|[\ud800-\udfff\ufeff\ufff9-\ufffb]"
)


def _write_line(line: dict[str, object]) -> str:
    """A log line as JSON, in which texts from outside neither move a cursor nor break the line."""
    text = json.dumps(line, default=str, separators=(",", ":"), ensure_ascii=False)
    return _UNSEEN.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


logger = Logger(json_serializer=_write_line)
# A namespace that is given here would win over the environment's.
metrics = Metrics(namespace=os.environ.get("POWERTOOLS_METRICS_NAMESPACE", "Stockstream"))
