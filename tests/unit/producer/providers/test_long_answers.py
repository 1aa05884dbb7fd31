"""When a long answer may be asked for; the pauses are written out by hand."""

from datetime import UTC, datetime, timedelta

import pytest

from producer.providers.long_answers import LongAnswers
from producer.providers.provider_errors import (
    DailyQuotaError,
    NotEntitledError,
    ProviderError,
    ProviderUnavailableError,
)

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
MORNING = datetime(2026, 11, 20, 9, tzinfo=UTC)
DOWN = ProviderUnavailableError("no answer")


class Clock:
    def __init__(self) -> None:
        self.now = NOON

    def __call__(self) -> datetime:
        return self.now


def pause(
    answers: LongAnswers, clock: Clock, *, alone: bool, step: timedelta = timedelta(minutes=30)
) -> timedelta:
    """For how long, in such steps, a long answer may not be asked for from now on."""
    began = clock.now
    while not (answers.due_since("IBM") if alone else answers.may_be_second()):
        clock.now += step
    return clock.now - began


def test_bars_are_wanted_since_the_earliest_gap_until_a_long_answer_comes() -> None:
    answers = LongAnswers(Clock())
    answers.want("IBM", NOON)
    answers.want("IBM", MORNING)
    answers.want("IBM", NOON)

    assert (answers.due_since("IBM"), answers.due_since("MSFT")) == (MORNING, None)
    answers.succeed("IBM")
    assert answers.due_since("IBM") is None


def test_no_plan_refuses_them_before_it_has_done_so_or_once_one_has_come() -> None:
    answers = LongAnswers(Clock())
    assert not answers.are_refused

    answers.fail(NotEntitledError("premium"), alone=True)
    answers.succeed("IBM")

    assert not answers.are_refused


def test_after_a_second_request_that_failed_one_alone_is_made_at_once() -> None:
    answers = LongAnswers(Clock())
    answers.want("IBM", MORNING)
    answers.fail(DOWN, alone=False)

    assert (answers.due_since("IBM"), answers.may_be_second()) == (MORNING, False)


def test_each_failure_in_a_row_doubles_the_pause_up_to_half_a_day() -> None:
    clock = Clock()
    answers = LongAnswers(clock)
    answers.want("IBM", MORNING)
    pauses = []
    for _ in range(7):
        answers.fail(DOWN, alone=True)
        pauses.append(pause(answers, clock, alone=True, step=timedelta(minutes=1)) / timedelta(hours=1))
    assert pauses == [0.5, 1, 2, 4, 8, 12, 12]

    answers.succeed("IBM")
    answers.fail(DOWN, alone=True)
    assert pause(answers, clock, alone=False) == timedelta(minutes=30)


def test_a_plan_that_has_none_is_asked_ever_more_seldom() -> None:
    clock = Clock()
    answers = LongAnswers(clock)
    answers.want("IBM", MORNING)
    pauses = []
    for _ in range(7):
        answers.fail(NotEntitledError("premium"), alone=True)
        pauses.append(pause(answers, clock, alone=True) / timedelta(days=1))
    assert pauses == [0.5, 1, 2, 4, 8, 16, 16]

    # A limit of the day is over the next day.
    answers.fail(DailyQuotaError("25 requests per day"), alone=True)
    assert pause(answers, clock, alone=True) == timedelta(hours=12)
    answers.succeed("IBM")
    answers.fail(NotEntitledError("premium"), alone=False)
    assert pause(answers, clock, alone=False) == timedelta(hours=12)


@pytest.mark.parametrize("error", [NotEntitledError("premium"), DailyQuotaError("25 requests per day")])
@pytest.mark.parametrize("alone", [True, False])
def test_a_plan_that_refuses_is_asked_again_after_half_a_day(error: ProviderError, *, alone: bool) -> None:
    clock = Clock()
    answers = LongAnswers(clock)
    answers.want("IBM", MORNING)
    answers.fail(error, alone=alone)

    assert answers.are_refused
    assert pause(answers, clock, alone=True) == timedelta(hours=12)
    answers.fail(DOWN, alone=True)
    assert not answers.are_refused
