"""How the lake is, and what to do about it."""

from datetime import UTC, datetime, timedelta

import pytest

from stockstream_operate.page.conditions import ConditionKind, find_condition, say_age
from stockstream_operate.page.market_hours import MarketHours

MINUTE = timedelta(minutes=1)
NOW = datetime(2026, 11, 27, 15, 0, tzinfo=UTC)
OPEN = MarketHours(is_open=True, until=NOW + timedelta(hours=3))
CLOSED = MarketHours(is_open=False, until=datetime(2026, 11, 30, 14, 30, tzinfo=UTC))


@pytest.mark.parametrize(
    ("has_bars", "runs", "age", "kind", "told"),
    [
        (True, True, MINUTE, ConditionKind.FLOWING, ""),
        (True, None, MINUTE, ConditionKind.FLOWING, ""),
        (True, True, 20 * MINUTE, ConditionKind.FLOWING, ""),
        (True, True, 21 * MINUTE, ConditionKind.QUIET, "market is closed"),
        (True, None, 21 * MINUTE, ConditionKind.QUIET, "docs/runbook.md"),
        (True, False, MINUTE, ConditionKind.STOPPED, "`make run`"),
        (True, False, 21 * MINUTE, ConditionKind.STOPPED, "`make run`"),
        (True, True, None, ConditionKind.FLOWING, ""),
        (False, False, None, ConditionKind.NEVER_RUN, "`make run`"),
        (False, True, None, ConditionKind.EMPTY, "a minute"),
        (False, None, None, ConditionKind.EMPTY, "while the market is open"),
    ],
)
def test_each_condition_says_what_to_do(
    *, has_bars: bool, runs: bool | None, age: timedelta | None, kind: ConditionKind, told: str
) -> None:
    found = find_condition(has_bars=has_bars, runs=runs, age=age, interval=MINUTE, now=NOW)

    assert found.kind is kind
    assert told in found.words
    assert found.title


def test_long_bars_are_quiet_later() -> None:
    def kind(minutes: int) -> ConditionKind:
        return find_condition(
            has_bars=True, runs=True, age=minutes * MINUTE, interval=60 * MINUTE, now=NOW
        ).kind

    assert (kind(180), kind(181)) == (ConditionKind.FLOWING, ConditionKind.QUIET)


def test_what_cannot_be_read_is_told_before_all_else() -> None:
    found = find_condition(
        has_bars=False, runs=False, age=None, interval=MINUTE, now=NOW, trouble="No permission."
    )

    assert found.kind is ConditionKind.TROUBLE
    assert found.words.startswith("No permission. ")


@pytest.mark.parametrize(
    ("has_bars", "runs", "market", "kind", "told"),
    [
        (True, True, CLOSED, ConditionKind.CLOSED, "Mon 30 Nov, 14:30 UTC"),
        (True, None, CLOSED, ConditionKind.CLOSED, "Mon 30 Nov, 14:30 UTC"),
        # Who stopped it must start it, whenever the market opens.
        (True, False, CLOSED, ConditionKind.STOPPED, "`make run`"),
        (True, True, OPEN, ConditionKind.QUIET, "The market is open, so the provider is behind."),
        (True, None, None, ConditionKind.QUIET, "no calendar here says which"),
        (False, True, CLOSED, ConditionKind.EMPTY, "opens at Mon 30 Nov, 14:30 UTC"),
        (False, True, OPEN, ConditionKind.EMPTY, "a minute"),
    ],
)
def test_a_closed_market_is_told_from_a_provider_that_is_behind(
    *, has_bars: bool, runs: bool | None, market: MarketHours | None, kind: ConditionKind, told: str
) -> None:
    found = find_condition(
        has_bars=has_bars, runs=runs, age=60 * MINUTE, interval=MINUTE, now=NOW, market=market
    )

    assert found.kind is kind
    assert told in found.words


@pytest.mark.parametrize(
    ("minutes", "words"),
    [
        (0, "0 minutes"),
        (1, "1 minute"),
        (59, "59 minutes"),
        (60, "1 hour"),
        (1439, "23 hours"),
        (2880, "2 days"),
    ],
)
def test_an_age_is_told_in_its_largest_unit(minutes: int, words: str) -> None:
    assert say_age(minutes * MINUTE) == words
