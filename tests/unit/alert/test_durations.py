from datetime import UTC, datetime, timedelta

import pytest

from alert.alarms import Alarm, State
from alert.durations import AlarmHistory, record_change
from alert.errors import LedgerError
from alert.notice_ledger import Claim

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
ARN = "arn:aws:cloudwatch:us-east-1:123456789012:alarm:a"


class Memory:
    """A ledger that remembers one beginning."""

    def __init__(self, began: datetime | None = None, ended: datetime | None = None) -> None:
        self.began = began
        self.ended = ended
        self.asked = 0

    def claim(self, key: str, until: float) -> Claim:
        raise NotImplementedError

    def confirm(self, key: str) -> None:
        raise NotImplementedError

    def release(self, key: str) -> None:
        raise NotImplementedError

    def begin(self, alarm: str, at: datetime) -> datetime | None:
        assert alarm == ARN
        self.began = at
        return self.ended

    def end(self, alarm: str, at: datetime) -> datetime | None:
        assert (alarm, at) == (ARN, NOON)
        self.asked += 1
        return self.began


class Outage(Memory):
    """A ledger that cannot be reached."""

    def begin(self, alarm: str, at: datetime) -> datetime | None:
        raise LedgerError(f"no answer about {alarm} at {at}")

    def end(self, alarm: str, at: datetime) -> datetime | None:
        raise LedgerError(f"no answer about {alarm} at {at}")


def alarm(state: State, before: str, arn: str = ARN, at: datetime | None = NOON) -> Alarm:
    return Alarm("a", arn, "", "", state, before, "", at, None, "", ())


def test_an_alarm_that_rings_is_remembered_and_has_no_duration_yet() -> None:
    memory = Memory()

    assert record_change(alarm(State.ALARM, "OK"), memory) == AlarmHistory()
    assert memory.began == NOON


def test_an_alarm_that_is_told_of_after_its_end_says_so() -> None:
    history = record_change(alarm(State.ALARM, "OK"), Memory(ended=NOON + timedelta(minutes=12)))

    assert history.sentences() == ("This comes late: it was over at 2026-11-20 12:12:00 UTC.",)
    assert AlarmHistory().sentences() == ()


def test_an_alarm_that_is_over_rang_from_its_beginning() -> None:
    history = record_change(alarm(State.OK, "ALARM"), Memory(NOON - timedelta(minutes=12)))

    assert history == AlarmHistory(lasted=timedelta(minutes=12))


def test_an_alarm_whose_data_ends_is_remembered_and_its_return_is_an_end() -> None:
    memory = Memory()

    assert (
        record_change(alarm(State.INSUFFICIENT_DATA, "OK", at=NOON - timedelta(minutes=5)), memory)
        == AlarmHistory()
    )
    assert record_change(alarm(State.OK, "INSUFFICIENT_DATA"), memory) == AlarmHistory(
        lasted=timedelta(minutes=5)
    )


def test_an_alarm_that_rings_and_loses_its_data_has_rung_since_it_began() -> None:
    memory = Memory(NOON - timedelta(minutes=12))

    assert (
        record_change(alarm(State.INSUFFICIENT_DATA, "ALARM", at=NOON - timedelta(minutes=5)), memory)
        == AlarmHistory()
    )
    assert record_change(alarm(State.OK, "INSUFFICIENT_DATA"), memory) == AlarmHistory(
        lasted=timedelta(minutes=12)
    )


def test_the_first_data_of_a_new_alarm_is_its_birth() -> None:
    assert record_change(alarm(State.OK, "INSUFFICIENT_DATA"), Memory()) == AlarmHistory(is_first_state=True)


def test_nothing_is_said_where_nobody_saw_it_begin() -> None:
    assert record_change(alarm(State.OK, "ALARM"), Memory()) == AlarmHistory()


def test_an_ok_that_does_not_say_what_it_follows_is_no_end() -> None:
    memory = Memory(NOON - timedelta(minutes=12))

    assert record_change(alarm(State.OK, ""), memory) == AlarmHistory()
    assert memory.asked == 0


@pytest.mark.parametrize(("arn", "at"), [("", NOON), (ARN, None)])
def test_nothing_is_remembered_of_an_alarm_that_does_not_say_which_or_when(
    arn: str, at: datetime | None
) -> None:
    memory = Memory()

    assert record_change(alarm(State.ALARM, "OK", arn, at), memory) == AlarmHistory()
    assert memory.began is None


@pytest.mark.parametrize(
    ("state", "before"), [(State.ALARM, "OK"), (State.OK, "ALARM"), (State.OK, "INSUFFICIENT_DATA")]
)
def test_a_ledger_that_cannot_be_reached_costs_the_duration_and_not_the_notice(
    state: State, before: str
) -> None:
    assert record_change(alarm(state, before), Outage()) == AlarmHistory()
