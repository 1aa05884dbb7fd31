"""The ledger: quota days, and the form in which it is kept."""

import json
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

from producer.planning.ledger import Ledger, end_of_day, quota_day
from producer.planning.ledger_entries import record_answer, record_failure, record_silence
from producer.providers.provider_errors import FailureOutcome


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


NOON = utc("2026-11-20T17:00:07")  # 12:00 in New York


def test_a_quota_day_is_new_yorks_calendar_day() -> None:
    assert quota_day(utc("2026-11-21T04:59:59")) == date(2026, 11, 20)
    assert quota_day(utc("2026-11-21T05:00:00")) == date(2026, 11, 21)
    assert end_of_day(date(2026, 11, 20)) == utc("2026-11-21T05:00:00")


def test_the_day_of_a_clock_change_is_an_hour_shorter_or_longer() -> None:
    assert end_of_day(date(2026, 3, 7)) == utc("2026-03-08T05:00")
    assert end_of_day(date(2026, 3, 8)) == utc("2026-03-09T04:00")  # 23 hours
    assert end_of_day(date(2026, 10, 31)) == utc("2026-11-01T04:00")
    assert end_of_day(date(2026, 11, 1)) == utc("2026-11-02T05:00")  # 25 hours


def test_a_kept_ledger_is_plain_and_comes_back_as_it_was() -> None:
    ledger = record_answer(
        Ledger(),
        NOON,
        {"IBM": utc("2026-11-20T16:58"), "MSFT": None},
        quiet={"IBM": timedelta(minutes=7)},
        deferred={"IBM": 2},
    )
    ledger = record_failure(ledger, NOON, ["fx:EUR/USD"], FailureOutcome.WAIT)
    ledger = record_silence(record_failure(ledger, NOON, ["IBM"], FailureOutcome.STOP_FOR_THE_DAY), NOON)
    ledger = replace(ledger, history={"IBM|1min|2026-10": utc("2026-10-07T14:00:00")})
    kept = ledger.to_dict()
    assert Ledger.from_dict(json.loads(json.dumps(kept))) == ledger
    assert kept["stopped_until"] == "2026-11-21T05:00:00Z"
    assert Ledger.from_dict(Ledger().to_dict()) == Ledger()


def test_nothing_is_spent_before_the_first_request() -> None:
    assert Ledger().spend(2).spent == 2
