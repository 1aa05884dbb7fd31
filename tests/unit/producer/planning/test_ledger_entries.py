"""What a run writes into the ledger: answers, failures, silence, and what was told."""

from datetime import UTC, date, datetime, timedelta
from functools import partial

from producer.planning.ledger import Ledger, RequestState
from producer.planning.ledger_entries import (
    record_answer,
    record_failure,
    record_reported,
    record_silence,
    record_waiting,
)
from producer.providers.provider_errors import FailureOutcome


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


NOON = utc("2026-11-20T17:00:07")  # 12:00 in New York
FIRST = utc("2026-11-20T17:00")  # of an answer at NOON: since then nothing has been read again
TODAY = date(2026, 11, 20)


def test_an_answer_is_one_request_for_all_its_instruments() -> None:
    newest = {"IBM": utc("2026-11-20T16:58"), "MSFT": None}
    ledger = record_answer(Ledger(TODAY, spent=3), NOON, newest)
    assert ledger.spent == 4
    assert ledger.instruments == {
        "IBM": RequestState(utc("2026-11-20T17:00"), utc("2026-11-20T16:58"), reread_at=FIRST),
        # No bar of it has ever come.
        "MSFT": RequestState(utc("2026-11-20T17:00"), None, failed_at=FIRST, reread_at=FIRST),
    }


def test_an_answer_that_shows_less_than_an_earlier_one_takes_nothing_back() -> None:
    ledger = record_answer(Ledger(), NOON, {"IBM": utc("2026-11-20T16:58")})
    ledger = record_answer(ledger, utc("2026-11-20T17:01"), {"IBM": utc("2026-11-20T16:50")})
    ledger = record_answer(ledger, utc("2026-11-20T17:02"), {"IBM": None})
    assert ledger.instruments["IBM"] == RequestState(
        utc("2026-11-20T17:02"), utc("2026-11-20T16:58"), reread_at=FIRST
    )


def test_what_is_read_again_is_so_since_then_and_else_since_its_first_answer() -> None:
    ledger = record_answer(Ledger(), NOON, {"IBM": None, "MSFT": None})
    later = utc("2026-11-20T20:20")
    ledger = record_answer(ledger, later, {"IBM": None, "MSFT": None}, reread=["IBM"])
    assert ledger.instruments["IBM"].reread_at == later
    assert ledger.instruments["MSFT"].reread_at == FIRST


def test_a_new_day_begins_with_nothing_spent() -> None:
    ledger = record_answer(Ledger(), utc("2026-11-21T04:59"), {"IBM": None})
    ledger = record_answer(ledger, utc("2026-11-21T05:00"), {"IBM": None})
    assert (ledger.day, ledger.spent) == (date(2026, 11, 21), 1)


def test_a_failure_costs_a_request_and_delays_its_instruments_only() -> None:
    ledger = record_answer(Ledger(), NOON, {"IBM": FIRST, "MSFT": FIRST})
    for outcome, again in (
        (FailureOutcome.RETRY_SOON, "2026-11-20T17:01"),
        (FailureOutcome.WAIT, "2026-11-20T17:02"),
        (FailureOutcome.TELL_A_PERSON, "2026-11-20T18:00"),
    ):
        failed = record_failure(ledger, NOON, ["IBM"], outcome)
        assert failed.spent == 2
        assert failed.instruments["IBM"] == RequestState(
            FIRST,
            FIRST,
            utc(again),
            failures=1,
            failed_at=FIRST,
            reread_at=FIRST,
            reported=outcome is FailureOutcome.TELL_A_PERSON,
        )
        assert failed.instruments["MSFT"] == ledger.instruments["MSFT"]


def test_an_answer_ends_the_delay_after_a_failure() -> None:
    ledger = record_failure(Ledger(), NOON, ["IBM"], FailureOutcome.TELL_A_PERSON)
    ledger = record_answer(ledger, utc("2026-11-20T18:00"), {"IBM": FIRST})
    assert ledger.instruments["IBM"] == RequestState(
        utc("2026-11-20T18:00"), FIRST, reread_at=utc("2026-11-20T18:00")
    )


def test_what_has_never_had_a_bar_waits_for_it_since_its_first_request() -> None:
    ledger = record_answer(Ledger(), NOON, {"IBM": None})
    ledger = record_answer(ledger, utc("2026-11-20T18:00"), {"IBM": None})
    assert ledger.instruments["IBM"].failed_at == FIRST


def test_what_has_never_had_a_bar_is_asked_for_ever_more_seldom_while_answers_are_empty() -> None:
    ledger, pauses = Ledger(), []
    for _ in range(7):
        ledger = record_failure(ledger, NOON, ["XYZ"], FailureOutcome.WAIT)
        not_before = ledger.instruments["XYZ"].not_before
        assert not_before
        pauses.append((not_before - FIRST) / timedelta(minutes=1))
    assert pauses == [2, 4, 8, 16, 32, 64, 64]


def test_that_people_were_told_of_an_instrument_holds_until_it_brings_bars_again() -> None:
    ledger = record_reported(record_answer(Ledger(), NOON, {"IBM": FIRST}), ["IBM"])
    assert ledger.instruments["IBM"].reported
    assert record_answer(ledger, NOON, {"IBM": FIRST}).instruments["IBM"].reported
    later = utc("2026-11-20T18:00")
    assert not record_answer(ledger, NOON, {"IBM": later}).instruments["IBM"].reported


def test_a_refusal_has_been_told_and_its_end_is_the_end_of_that() -> None:
    ledger = record_answer(Ledger(), NOON, {"IBM": FIRST})
    ledger = record_failure(ledger, NOON, ["IBM"], FailureOutcome.TELL_A_PERSON)
    assert ledger.instruments["IBM"].reported
    assert not record_answer(ledger, NOON, {"IBM": FIRST}).instruments["IBM"].reported


def test_an_instrument_fails_alone_if_it_fails_for_an_hour_in_which_others_are_answered() -> None:
    def fail(*others: str) -> datetime | None:
        """IBM was answered at noon, fails at 12:01 and at 13:05; MSFT is answered at these times."""
        ledger = record_answer(Ledger(), NOON, {"IBM": FIRST})
        for now in sorted({"17:01", "18:05", *others}):
            moment = utc(f"2026-11-20T{now}:07")
            if now in {"17:01", "18:05"}:
                ledger = record_failure(ledger, moment, ["IBM"], FailureOutcome.RETRY_SOON)
            if now in others:
                ledger = record_answer(ledger, moment, {"MSFT": FIRST})
        return ledger.of_instrument("IBM").failed_alone_at

    assert fail("17:02") == fail("17:05") == utc("2026-11-20T18:05")
    # An outage of all; one that ended within the hour; an answer before it, and one in its first minute.
    assert fail() is fail("17:06") is fail("17:00") is fail("17:01") is None
    ledger = record_answer(
        Ledger(instruments={"IBM": RequestState(failed_alone_at=FIRST)}), NOON, {"IBM": FIRST}
    )
    assert ledger.of_instrument("IBM").failed_alone_at is None


def test_what_a_provider_asks_for_is_granted_where_it_is_longer_than_our_own_pause() -> None:
    def not_before(seconds: int) -> datetime | None:
        pause = timedelta(seconds=seconds)
        failed = record_failure(Ledger(), NOON, ["IBM"], FailureOutcome.WAIT, pause)
        return failed.of_instrument("IBM").not_before

    # A run a minute asks again at the first whole minute after it.
    assert not_before(600) == NOON.replace(second=0) + timedelta(minutes=11)
    assert not_before(30) == NOON.replace(second=0) + timedelta(minutes=2)


def test_counts_the_failures_since_the_newest_answer() -> None:
    ledger = record_answer(Ledger(), NOON, {"IBM": None})
    for _ in range(3):
        ledger = record_failure(ledger, NOON, ["IBM"], FailureOutcome.RETRY_SOON)
    assert ledger.instruments["IBM"].failures == 3
    assert record_answer(ledger, NOON, {"IBM": None}).instruments["IBM"].failures == 0


def test_remembers_when_the_first_request_failed_since_the_newest_answer() -> None:
    ledger = record_answer(Ledger(), NOON, {"IBM": FIRST})
    for minute, outcome in (
        (3, FailureOutcome.WAIT),
        (5, FailureOutcome.STOP_FOR_THE_DAY),
        (9, FailureOutcome.RETRY_SOON),
    ):
        ledger = record_failure(ledger, NOON.replace(minute=minute), ["IBM"], outcome)
    assert ledger.instruments["IBM"].failed_at == utc("2026-11-20T17:03")
    assert record_answer(ledger, NOON, {"IBM": FIRST}).instruments["IBM"].failed_at is None


def test_an_empty_answer_counts_as_asked_while_no_bar_has_come_and_no_other_failure_does() -> None:
    never = Ledger()
    known = record_answer(Ledger(), NOON, {"IBM": FIRST})
    later = NOON + timedelta(minutes=5)

    fail = partial(record_failure, now=later, names=["IBM"], outcome=FailureOutcome.WAIT)

    def asked_at(ledger: Ledger) -> datetime | None:
        return ledger.instruments["IBM"].asked_at

    assert asked_at(fail(never, is_empty=True)) == FIRST + timedelta(minutes=5)
    assert asked_at(fail(never)) is None
    assert asked_at(fail(known, is_empty=True)) == FIRST
    assert asked_at(fail(known)) == FIRST


def test_what_did_not_get_its_turn_waits_since_the_first_time() -> None:
    later = NOON + timedelta(minutes=5)
    ledger = record_waiting(record_waiting(Ledger(), NOON, "IBM", rereads=False), later, "IBM", rereads=False)
    assert ledger.instruments["IBM"] == RequestState(failed_at=FIRST)


def test_a_reading_again_that_had_begun_counts_as_done() -> None:
    known = record_answer(Ledger(), NOON, {"IBM": FIRST})
    later = NOON + timedelta(minutes=5)
    reread = record_waiting(known, later, "IBM", rereads=True)
    assert reread.instruments["IBM"].reread_at == FIRST + timedelta(minutes=5)
    assert record_waiting(known, later, "IBM", rereads=False).instruments["IBM"].reread_at == FIRST


def test_a_failure_leaves_what_the_stream_has_not_taken() -> None:
    ledger = record_answer(Ledger(), NOON, {"IBM": None}, deferred={"IBM": 3})
    ledger = record_failure(ledger, NOON, ["IBM"], FailureOutcome.WAIT)
    assert ledger.instruments["IBM"].deferred == 3
    assert record_answer(ledger, NOON, {"IBM": None}).instruments["IBM"].deferred == 0


def test_counts_the_runs_without_an_answer_until_one_comes() -> None:
    ledger = record_silence(record_silence(Ledger(TODAY), NOON), utc("2026-11-20T17:01:07"))
    assert (ledger.unanswered, ledger.unanswered_at) == (2, utc("2026-11-20T17:01"))
    ledger = record_answer(ledger, NOON, {"IBM": None})
    assert (ledger.unanswered, ledger.unanswered_at) == (0, None)


def test_a_spent_quota_stops_all_until_midnight_in_new_york() -> None:
    ledger = record_failure(Ledger(), NOON, ["IBM"], FailureOutcome.STOP_FOR_THE_DAY)
    assert ledger.stopped_until == utc("2026-11-21T05:00")


def test_a_spent_quota_soon_after_midnight_may_be_yesterdays_and_stops_all_for_an_hour() -> None:
    ledger = record_failure(
        Ledger(), utc("2026-11-20T05:10"), ["crypto:BTC/USD"], FailureOutcome.STOP_FOR_THE_DAY
    )
    assert ledger.stopped_until == utc("2026-11-20T06:10")


def test_four_hours_after_midnight_a_spent_quota_is_the_new_days() -> None:
    # New York is five hours behind UTC.
    before, after = utc("2026-11-20T08:59:00"), utc("2026-11-20T09:00:00")

    def stopped_until(now: datetime) -> datetime | None:
        return record_failure(Ledger(), now, ["IBM"], FailureOutcome.STOP_FOR_THE_DAY).stopped_until

    assert stopped_until(before) == before + timedelta(hours=1)
    assert stopped_until(after) == utc("2026-11-21T05:00:00")
