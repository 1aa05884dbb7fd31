"""The one logger and the one set of metrics.

Each function's name comes from POWERTOOLS_SERVICE_NAME, the namespace from POWERTOOLS_METRICS_NAMESPACE.
"""

import os

from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.metrics import MetricUnit

__all__ = ["MetricUnit", "logger", "metrics"]

logger = Logger()
# A namespace that is given here would win over the environment's.
metrics = Metrics(namespace=os.environ.get("POWERTOOLS_METRICS_NAMESPACE", "Stockstream"))
