from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, cast

import pytest
from alarm_histories import AlarmHistories

from alert.alarm_changes import AlarmHistory, StateChange
from alert.alarms import Alarm
from alert.durations import Outage, find_outage
from alert.errors import ChangesError
from stockstream.alarm_words import AlarmState

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mypy_boto3_cloudwatch import CloudWatchClient

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
ALARM, OK, NO_DATA = "ALARM", "OK", "INSUFFICIENT_DATA"


class Outside:
    """A CloudWatch that cannot be reached."""

    def until(self, alarm: str, moment: datetime) -> "Iterator[StateChange]":
        raise ChangesError(f"no answer about {alarm} until {moment}")

    def since(self, alarm: str, moment: datetime) -> "Iterator[StateChange]":
        raise ChangesError(f"no answer about {alarm} since {moment}")


def alarm(state: str, before: str, minute: float, configured: float | None = -10) -> Alarm:
    """An alarm's change at a minute after noon; it was made, or changed, at another."""
    made = None if configured is None else NOON + configured * MINUTE
    return Alarm(
        "a",
        "arn",
        "",
        "",
        AlarmState(state),
        before,
        "",
        NOON + minute * MINUTE,
        None,
        "",
        (),
        configured_at=made,
    )


def known(*changes: tuple[float, str, str]) -> AlarmHistory:
    """What CloudWatch has noted: at a minute after noon, from one state to another."""
    histories = AlarmHistories()
    for minute, before, after in changes:
        histories.note("a", NOON + minute * MINUTE, before, after)
        histories.note("another", NOON + (minute - 1) * MINUTE, before, after)
    return AlarmHistory(cast("CloudWatchClient", histories))


def lasted(minutes: float) -> Outage:
    return Outage(lasted=minutes * MINUTE)


def test_an_alarm_that_goes_off_has_no_duration_and_no_end_yet() -> None:
    assert find_outage(alarm(ALARM, OK, 0), known((0, OK, ALARM))) == Outage()


def test_a_notice_that_comes_after_its_alarms_end_says_so() -> None:
    outage = find_outage(
        alarm(ALARM, OK, 0), known((0, OK, ALARM), (12, ALARM, OK), (20, OK, ALARM), (30, ALARM, OK))
    )

    assert outage.sentences() == ("This comes late: it was over at 2026-11-20 12:12:00 UTC.",)
    assert Outage().sentences() == ()


#    12:00  ALARM --- 12:12 OK        12:20  ALARM --- 12:40 OK
@pytest.mark.parametrize(("ended", "minutes"), [(12, 12), (40, 20)])
def test_an_alarm_that_is_over_lasted_from_its_own_beginning(ended: float, minutes: float) -> None:
    changes = known((0, OK, ALARM), (12, ALARM, OK), (20, OK, ALARM), (40, ALARM, OK))

    assert find_outage(alarm(OK, ALARM, ended), changes) == lasted(minutes)


def test_an_end_counts_that_the_history_lacks_or_has_a_moment_earlier() -> None:
    assert find_outage(alarm(OK, ALARM, 12), known((0, OK, ALARM))) == lasted(12)
    assert find_outage(alarm(OK, ALARM, 12), known((0, OK, ALARM), (12 - 1 / 60, ALARM, OK))) == lasted(12)


def test_an_alarm_without_data_lasts_until_its_data_returns() -> None:
    changes = known((-60, NO_DATA, OK), (0, OK, NO_DATA), (5, NO_DATA, OK))

    assert find_outage(alarm(NO_DATA, OK, 0), known((0, OK, NO_DATA))) == Outage()
    assert find_outage(alarm(OK, NO_DATA, 5), changes) == lasted(5)


def test_an_alarm_that_loses_its_data_goes_on() -> None:
    changes = known((0, OK, ALARM), (7, ALARM, NO_DATA), (9, NO_DATA, ALARM), (11, ALARM, NO_DATA))

    assert find_outage(alarm(OK, NO_DATA, 12), changes) == lasted(12)


def test_an_alarm_after_a_night_without_data_lasts_from_its_change_to_alarm() -> None:
    assert find_outage(alarm(OK, ALARM, 600), known((0, OK, NO_DATA), (590, NO_DATA, ALARM))) == lasted(10)


def test_a_new_alarm_that_goes_off_at_once_lasts_from_then() -> None:
    assert find_outage(alarm(OK, ALARM, 12), known((2, NO_DATA, ALARM), (12, ALARM, OK))) == lasted(10)


@pytest.mark.parametrize(
    "changes",
    [
        known(),
        known((5, NO_DATA, OK)),
        known((0, NO_DATA, NO_DATA), (5, NO_DATA, OK)),  # as the emulator notes that an alarm was made
        known((-90, OK, ALARM), (-80, ALARM, OK), (5, NO_DATA, OK)),  # one of that name that was deleted
    ],
)
def test_the_first_data_of_a_new_alarm_is_its_first_state(changes: AlarmHistory) -> None:
    assert find_outage(alarm(OK, NO_DATA, 5), changes) == Outage(is_first_state=True)
    assert find_outage(alarm(OK, NO_DATA, 5, configured=None), changes) == Outage(is_first_state=True)


def test_data_that_returns_after_longer_than_the_history_is_no_first_state() -> None:
    sixty_days = 60 * 24 * 60

    assert find_outage(alarm(OK, NO_DATA, sixty_days), known()) == Outage()


def test_an_outage_without_a_beginning_in_the_history_has_no_duration() -> None:
    assert find_outage(alarm(OK, ALARM, 5), known()) == Outage()


def test_an_ok_that_does_not_say_what_it_follows_is_no_end() -> None:
    assert find_outage(alarm(OK, "", 5), known((0, OK, ALARM))) == Outage()


def test_nothing_is_known_of_an_alarm_that_does_not_say_when() -> None:
    timeless = Alarm("a", "", "", "", AlarmState.OK, NO_DATA, "", None, None, "", ())

    assert find_outage(timeless, known((0, OK, NO_DATA))) == Outage()


@pytest.mark.parametrize(("state", "before"), [(ALARM, OK), (OK, ALARM), (OK, NO_DATA)])
def test_a_history_that_cannot_be_read_costs_the_duration_and_not_the_notice(state: str, before: str) -> None:
    assert find_outage(alarm(state, before, 5), Outside()) == Outage()
