from datetime import UTC, datetime, timedelta

import pytest

from alert.alarms import Alarm, State
from alert.durations import find_duration
from alert.errors import LedgerError
from alert.ledger import Claim

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
ARN = "arn:aws:cloudwatch:us-east-1:123456789012:alarm:a"


class Memory:
    """A ledger that remembers one beginning."""

    def __init__(self, began: datetime | None = None) -> None:
        self.began = began
        self.asked = 0

    def claim(self, key: str, until: float) -> Claim:
        raise NotImplementedError

    def confirm(self, key: str) -> None:
        raise NotImplementedError

    def release(self, key: str) -> None:
        raise NotImplementedError

    def begin(self, alarm: str, at: datetime) -> None:
        assert alarm == ARN
        self.began = at

    def end(self, alarm: str, at: datetime) -> datetime | None:
        assert (alarm, at) == (ARN, NOON)
        self.asked += 1
        return self.began


class Outage(Memory):
    """A ledger that cannot be reached."""

    def begin(self, alarm: str, at: datetime) -> None:
        raise LedgerError(f"no answer about {alarm} at {at}")

    def end(self, alarm: str, at: datetime) -> datetime | None:
        raise LedgerError(f"no answer about {alarm} at {at}")


def alarm(state: State, before: str, arn: str = ARN, at: datetime | None = NOON) -> Alarm:
    return Alarm("a", arn, "", "", state, before, "", at, None, "", ())


def test_an_alarm_that_rings_is_remembered_and_has_no_duration_yet() -> None:
    memory = Memory()

    assert find_duration(alarm(State.ALARM, "OK"), memory) is None
    assert memory.began == NOON


def test_an_alarm_that_is_over_rang_from_its_beginning() -> None:
    assert find_duration(alarm(State.OK, "ALARM"), Memory(NOON - timedelta(minutes=12))) == timedelta(
        minutes=12
    )


def test_nothing_is_said_where_nobody_saw_it_begin() -> None:
    assert find_duration(alarm(State.OK, "ALARM"), Memory()) is None


@pytest.mark.parametrize(
    ("state", "before"),
    [(State.OK, "INSUFFICIENT_DATA"), (State.OK, ""), (State.INSUFFICIENT_DATA, "ALARM")],
)
def test_only_a_change_from_alarm_to_ok_is_an_end(state: State, before: str) -> None:
    memory = Memory(NOON - timedelta(minutes=12))

    assert find_duration(alarm(state, before), memory) is None
    assert memory.asked == 0


@pytest.mark.parametrize(("arn", "at"), [("", NOON), (ARN, None)])
def test_nothing_is_remembered_of_an_alarm_that_does_not_say_which_or_when(
    arn: str, at: datetime | None
) -> None:
    memory = Memory()

    assert find_duration(alarm(State.ALARM, "OK", arn, at), memory) is None
    assert memory.began is None


@pytest.mark.parametrize("state", [State.ALARM, State.OK])
def test_a_ledger_that_cannot_be_reached_costs_the_duration_and_not_the_notice(state: State) -> None:
    assert find_duration(alarm(state, "ALARM"), Outage()) is None
