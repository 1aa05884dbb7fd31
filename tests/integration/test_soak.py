"""Some days of the soak: a process that works on holds no more than before, and one that leaks is noticed.

`make soak` plays a month.
"""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from typing import Any
from unittest.mock import patch

import pytest
from growth import Measured, Played, describe, find_growth
from month import DAY, MINUTE, Soak, open_soak

from producer.publishing.publisher import Publisher

WEDNESDAY = datetime(2026, 11, 4, tzinfo=UTC)
FLAT = Measured(date(2026, 11, 1), 118, 3_700, 90_000_000, 20_000_000, 600_000, 200_000, 12, 3, 20_000, 4_000)


def play_days(soak: Soak, start: datetime) -> list[Measured]:
    # A short answer reaches back over an hour and its look-back; a longer pause would ask for a month.
    return list(soak.play(start, start + 3 * DAY, 60 * MINUTE, 60 * MINUTE))


@contextmanager
def leaking() -> Iterator[None]:
    """As if the publisher kept the answers that it is given."""
    publish, kept = Publisher.publish, []

    def publish_and_keep(publisher: Publisher, answers: Any, *asked: Any, **more: Any) -> Any:
        kept.append(answers)
        return publish(publisher, answers, *asked, **more)

    with patch.object(Publisher, "publish", publish_and_keep):
        yield


def test_nothing_grows_from_one_day_to_the_next_unless_it_leaks() -> None:
    with open_soak("IBM,crypto:BTC/USD") as soak:
        days = play_days(soak, WEDNESDAY)
        with leaking():
            leaked = play_days(soak, WEDNESDAY + 3 * DAY)

    assert find_growth(days) == []
    # Or the silence would prove nothing: a share of 390 minutes, and a coin of 1,440.
    assert all(each.bars > 1_700 for each in days[1:])
    assert soak.counts["market failed"] > 0
    assert [each for each in find_growth(leaked) if each.startswith("Python objects")]


@pytest.mark.parametrize(
    ("last", "said"),
    [
        (FLAT._replace(memory=100_000_000), "bytes of memory: 90,000,000 in the middle, and 100,000,000"),
        (
            FLAT._replace(used=23_100_000),
            "bytes given out by malloc: 20,000,000 in the middle, and 23,100,000",
        ),
        (FLAT._replace(blocks=603_100), "Python blocks: 600,000 in the middle, and 603,100"),
        (FLAT._replace(objects=200_300), "Python objects: 200,000 in the middle, and 200,300"),
        (FLAT._replace(files=13), "open files and connections: 12 in the middle, and 13"),
        (FLAT._replace(items=4), "items in the table: 3 in the middle, and 4"),
        (FLAT._replace(table=21_100), "bytes in the table: 20,000 in the middle, and 21,100"),
        (FLAT._replace(largest=4_300), "bytes in the largest item: 4,000 in the middle, and 4,300"),
    ],
)
def test_what_grows_after_the_first_days_is_said(last: Measured, said: str) -> None:
    assert find_growth([*[FLAT] * 6, *[last] * 3]) == [f"{said} at the end"]
    # What one day is more, and what the first days lacked, is no growth.
    assert find_growth([*[FLAT] * 8, last]) == []
    few = FLAT._replace(memory=1, used=1, blocks=1, objects=1, files=1, items=1, table=1, largest=1)
    assert find_growth([*[few] * 3, *[FLAT] * 6]) == []


def test_the_page_shows_each_day() -> None:
    days = [FLAT._replace(day=FLAT.day + timedelta(days=number)) for number in range(9)]
    played = Played("IBM,fx:EUR/USD", 5, 30, Counter({"market failed": 17, "records refused": 6}))

    text = "\n".join(describe(days, played))

    assert "from 2026-11-01 to 2026-11-09 (UTC):\na run each 5 minutes" in text
    assert "**1,062 runs sent 33,300 bars of IBM, fx:EUR/USD,\n" in text
    assert "17 requests to the provider failed, and the stream refused 6 records" in text
    assert "nothing grew" in text
    assert "| 2026-11-09 | 118 | 3,700 | 90.0 | 20.00 | 600,000 | 200,000 | 12 | 3 | 20,000 | 4,000 |" in text
    grown = [*days[:6], *[each._replace(files=13) for each in days[6:]]]
    assert "to the last open files and connections: 12 in the middle, and 13 at the end.**" in "\n".join(
        describe(grown, played)
    )
