"""How the lake is, and what to do about it."""

from datetime import timedelta

import pytest

from stockstream_operate.page.conditions import Kind, find_condition, say_age

MINUTE = timedelta(minutes=1)


@pytest.mark.parametrize(
    ("has_bars", "runs", "age", "kind", "told"),
    [
        (True, True, MINUTE, Kind.FLOWING, ""),
        (True, None, MINUTE, Kind.FLOWING, ""),
        (True, True, 20 * MINUTE, Kind.FLOWING, ""),
        (True, True, 21 * MINUTE, Kind.QUIET, "market is closed"),
        (True, None, 21 * MINUTE, Kind.QUIET, "docs/runbook.md"),
        (True, False, MINUTE, Kind.STOPPED, "`make run`"),
        (True, False, 21 * MINUTE, Kind.STOPPED, "`make run`"),
        (True, True, None, Kind.FLOWING, ""),
        (False, False, None, Kind.NEVER_RUN, "`make run`"),
        (False, True, None, Kind.EMPTY, "a minute"),
        (False, None, None, Kind.EMPTY, "while the market is open"),
    ],
)
def test_each_condition_says_what_to_do(
    *, has_bars: bool, runs: bool | None, age: timedelta | None, kind: Kind, told: str
) -> None:
    found = find_condition(has_bars=has_bars, runs=runs, age=age, interval=MINUTE)

    assert found.kind is kind
    assert told in found.words
    assert found.title


def test_long_bars_are_quiet_later() -> None:
    def kind(minutes: int) -> Kind:
        return find_condition(has_bars=True, runs=True, age=minutes * MINUTE, interval=60 * MINUTE).kind

    assert (kind(180), kind(181)) == (Kind.FLOWING, Kind.QUIET)


def test_what_cannot_be_read_is_told_before_all_else() -> None:
    found = find_condition(has_bars=False, runs=False, age=None, interval=MINUTE, trouble="No permission.")

    assert found.kind is Kind.TROUBLE
    assert found.words.startswith("No permission. ")


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
