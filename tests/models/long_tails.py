"""The tail of an instrument as it is after each minute of a long day."""

import random
from datetime import UTC, datetime, timedelta

from producer.memory.tail import Tail
from producer.ohlcv import Ohlcv

CHANCE = random.Random(20261120)
HISTORY = {
    (datetime(2026, 11, 20, 9, tzinfo=UTC) + timedelta(minutes=minute)).strftime("%Y-%m-%dT%H:%M:%SZ"): Ohlcv(
        221.17, 221.3, 221.0, round(221 + CHANCE.random() / 4, 2), float(CHANCE.randint(1, 10**6))
    )
    for minute in range(700)
}


def tail_after(minutes: int) -> Tail:
    """The 299 newest bars of so many."""
    rows = list(HISTORY.items())
    return Tail(dict(rows[max(0, minutes - 299) : minutes]), forgotten=minutes > 299)
