"""The allowance of one run."""

import pytest

from producer.planning.allowance import Allowance, AllowanceSpentError


def test_a_run_that_has_not_begun_may_make_no_request() -> None:
    allowance = Allowance()

    with pytest.raises(AllowanceSpentError, match="this run's 0 requests are spent"):
        allowance.spend()
    assert allowance.spent == 0


def test_what_is_left_is_what_has_not_been_spent() -> None:
    allowance = Allowance()
    allowance.begin(5)
    allowance.spend()
    allowance.spend()

    assert allowance.left == 3


def test_no_request_is_made_once_the_time_is_over() -> None:
    now = 100.0
    allowance = Allowance(clock=lambda: now)
    allowance.begin(5, until=103.0)
    allowance.spend()
    now = 103.0
    allowance.spend()
    now = 103.1

    assert not allowance.has_time
    with pytest.raises(AllowanceSpentError, match="this run's time is spent"):
        allowance.spend()
    assert allowance.spent == 2
    allowance.begin(5, until=110.0)
    assert allowance.has_time


def test_a_run_makes_as_many_requests_as_it_may_and_the_next_begins_anew() -> None:
    allowance = Allowance()
    for most in (2, 1):
        allowance.begin(most)
        for _ in range(most):
            allowance.spend()
        assert allowance.spent == most
        with pytest.raises(AllowanceSpentError, match=f"this run's {most} requests are spent"):
            allowance.spend()
        assert allowance.spent == most
