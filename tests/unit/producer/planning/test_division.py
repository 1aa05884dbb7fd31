"""What a partition takes over when the division changes, on ledgers written by hand.

IBM is in partition 8 of 8, MSFT in 4, AAPL in 5, TSCO.LON in 2: by the names alone. So IBM and MSFT are
together in 4 of 4 and 2 of 2, TSCO.LON joins them in 2 of 2, and AAPL is in 1 of 4 and 1 of 2.
"""

from datetime import UTC, date, datetime

from producer.planning.division import take_over
from producer.planning.ledger import Ledger, RequestState
from stockstream.partitions import WHOLE, Partition

DAY = date(2026, 11, 20)


def utc(text: str) -> datetime:
    return datetime.fromisoformat(f"2026-11-20T{text}").replace(tzinfo=UTC)


def asked(text: str, *, reported: bool = False) -> RequestState:
    return RequestState(asked_at=utc(text), sent_until=utc(text), reported=reported)


OLD, NEW = asked("14:30"), asked("15:30", reported=True)


def test_a_new_partition_takes_its_own_from_the_ledger_of_the_whole() -> None:
    whole = Ledger(DAY, instruments={"IBM": NEW, "MSFT": NEW, "AAPL": NEW, "TSCO.LON": NEW})

    assert take_over(Partition(4, 4), {WHOLE: whole}).instruments == {"IBM": NEW, "MSFT": NEW}
    assert take_over(Partition(1, 4), {WHOLE: whole}).instruments == {"AAPL": NEW}
    assert take_over(Partition(3, 4), {WHOLE: whole}).instruments == {}


def test_the_whole_takes_all_from_the_partitions_and_nothing_from_its_own_old_ledger() -> None:
    known = {
        Partition(2, 2): Ledger(DAY, instruments={"IBM": NEW}),
        Partition(1, 2): Ledger(DAY, instruments={"AAPL": NEW}),
        # What was taken out of the list meanwhile has no newer entry, and MSFT's would be a wrong one.
        WHOLE: Ledger(DAY, instruments={"IBM": OLD, "MSFT": OLD, "AAPL": OLD}),
    }

    assert take_over(WHOLE, known).instruments == {"IBM": NEW, "AAPL": NEW}


def test_what_a_former_partition_never_ran_for_comes_from_the_division_before() -> None:
    known = {
        Partition(4, 4): Ledger(DAY, instruments={"IBM": NEW, "MSFT": NEW}),
        # 2 of 4 has no ledger: it had no run.
        WHOLE: Ledger(DAY, instruments={"IBM": OLD, "MSFT": OLD, "TSCO.LON": OLD}),
    }

    assert take_over(Partition(2, 2), known).instruments == {"IBM": NEW, "MSFT": NEW, "TSCO.LON": OLD}


def test_the_whole_takes_an_instrument_from_each_of_eight() -> None:
    names = ["KO", "META", "GE", "MSFT", "AAPL", "XOM", "PEP", "IBM"]
    eight = {
        Partition(number, 8): Ledger(DAY, instruments={name: NEW}) for number, name in enumerate(names, 1)
    }

    assert take_over(WHOLE, eight).instruments == dict.fromkeys(names, NEW)


def test_an_unfinished_month_goes_with_its_instrument_and_a_finished_one_stays_finished() -> None:
    begun, older = utc("12:00"), utc("11:00")
    known = {
        Partition(8, 8): Ledger(DAY, history={"IBM|1min|2026-10": begun}),
        WHOLE: Ledger(
            DAY, history={"IBM|1min|2026-10": older, "IBM|1min|2026-09": older, "MSFT|1min|2026-10": older}
        ),
    }

    assert take_over(Partition(4, 4), known).history == {
        "IBM|1min|2026-10": begun,
        "MSFT|1min|2026-10": older,
    }


def test_what_was_spent_is_neither_doubled_nor_forgotten() -> None:
    four = {Partition(number, 4): Ledger(DAY, spent=number) for number in (1, 2, 3, 4)}
    assert take_over(WHOLE, four).spent == 10
    assert [
        take_over(half, {each: four[each] for each in four if each.meets(half)}).spent
        for half in (Partition(1, 2), Partition(2, 2))
    ] == [4, 6]

    # Of eight, the third and the seventh are the halves of the third of four.
    eighths = {Partition(3, 8): Ledger(DAY, spent=2), Partition(7, 8): Ledger(DAY, spent=3)}
    assert take_over(Partition(3, 4), eighths).spent == 5

    whole = {WHOLE: Ledger(DAY, spent=7)}
    assert sum(take_over(Partition(number, 4), whole).spent for number in (1, 2, 3, 4)) == 7


def test_what_was_spent_on_another_day_does_not_count() -> None:
    known = {Partition(1, 2): Ledger(DAY, spent=5), Partition(2, 2): Ledger(date(2026, 11, 19), spent=9)}

    taken = take_over(WHOLE, known)

    assert (taken.day, taken.spent) == (DAY, 5)


def test_a_stop_and_a_silence_of_the_provider_hold_for_each_that_begins() -> None:
    whole = Ledger(DAY, stopped_until=utc("23:00"), unanswered=4, unanswered_at=utc("15:00"))
    for number in (1, 2):
        taken = take_over(Partition(number, 2), {WHOLE: whole})
        assert (taken.stopped_until, taken.unanswered, taken.unanswered_at) == (
            utc("23:00"),
            4,
            utc("15:00"),
        )


def test_where_nothing_was_asked_there_is_nothing_to_take() -> None:
    assert take_over(Partition(1, 2), {}) == Ledger()
