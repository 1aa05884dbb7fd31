"""The intervals that a bar may span."""

from datetime import timedelta

INTERVALS = {
    "1min": timedelta(minutes=1),
    "5min": timedelta(minutes=5),
    "15min": timedelta(minutes=15),
    "30min": timedelta(minutes=30),
    "60min": timedelta(minutes=60),
}
