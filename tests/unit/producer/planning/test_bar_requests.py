"""Which instruments share a request, and since when; worked by hand."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from producer.planning.bar_requests import BarRequest, group_requests
from producer.planning.ledger import Ledger, RequestState
from producer.planning.planner import Plan
from stockstream.instruments import Instrument, parse_instrument

NOW = datetime(2026, 11, 20, 15, 0, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
PLAN = Plan(None, 1, 100)
A, B, C, D = (parse_instrument(name) for name in ("A", "B", "C", "D"))


def ledger(**lags: tuple[int | None, int | None]) -> Ledger:
    """By instrument: how many minutes ago its cursor is, and its newest answer was."""
    return Ledger(
        instruments={
            name: RequestState(
                None if asked is None else NOW - asked * MINUTE,
                sent_until=None if lag is None else NOW - lag * MINUTE,
            )
            for name, (lag, asked) in lags.items()
        }
    )


def test_those_that_are_less_than_a_hundred_bars_apart_share_a_request_since_the_oldest() -> None:
    found = group_requests([[A, B], [C]], ledger(A=(2, 1), B=(90, 1), C=(30, 1)), NOW, PLAN, MINUTE)

    assert found == [BarRequest((B, C, A), NOW - 90 * MINUTE)]
    assert not found[0].rereads


def test_a_request_brings_of_none_more_than_twice_what_it_needs() -> None:
    # Since 300 minutes ago: of B that is just twice its 150, of C it would be more than twice 149.
    found = group_requests([[A, B, C]], ledger(A=(300, 1), B=(150, 1), C=(149, 1)), NOW, PLAN, MINUTE)

    assert found == [BarRequest((A, B), NOW - 300 * MINUTE), BarRequest((C,), NOW - 149 * MINUTE)]


def test_what_went_without_an_answer_does_not_share_a_request_with_what_had_one() -> None:
    known = ledger(A=(21, 1), B=(25, 4), C=(30, 4))

    found = group_requests([[A, B, C]], known, NOW, PLAN, MINUTE)
    near = group_requests([[A, B, C]], ledger(A=(1, 1), B=(20, 4), C=(20, 4)), NOW, PLAN, MINUTE)
    far = group_requests([[A, B]], ledger(A=(1, 1), B=(21, 4)), NOW, PLAN, MINUTE)
    scarce = group_requests([[A, B, C]], known, NOW, PLAN._replace(requests_per_day=25), MINUTE)

    assert [each.instruments for each in found] == [(C, B), (A,)]
    assert [set(each.instruments) for each in near] == [{A, B, C}]
    assert [each.instruments for each in far] == [(B,), (A,)]
    assert [set(each.instruments) for each in scarce] == [{A, B, C}]


def test_one_that_lags_by_days_holds_back_none_of_the_others() -> None:
    found = group_requests([[A, B]], ledger(A=(2, 1), B=(11 * 1440, 1)), NOW, PLAN, MINUTE)

    assert found == [BarRequest((B,), NOW - 11 * 1440 * MINUTE), BarRequest((A,), NOW - 2 * MINUTE)]


def test_one_of_which_nothing_was_sent_is_asked_for_apart() -> None:
    found = group_requests([[A, B]], ledger(A=(2, 1), B=(None, None)), NOW, PLAN, MINUTE)

    assert found == [BarRequest((B,), None), BarRequest((A,), NOW - 2 * MINUTE)]


def test_those_that_have_waited_longest_for_an_answer_come_first() -> None:
    lags = ledger(A=(2, 3), B=(11 * 1440, 1), C=(None, 2))

    assert [each.instruments for each in group_requests([[A, B, C]], lags, NOW, PLAN, MINUTE)] == [
        (A,),
        (C,),
        (B,),
    ]


def test_a_request_takes_no_more_than_the_provider_does() -> None:
    found = group_requests([[A, B, C, D]], ledger(), NOW, Plan(None, 1, 3), MINUTE)

    assert found == [BarRequest((A, B, C), None), BarRequest((D,), None)]


def test_where_a_request_takes_one_the_planners_order_stands() -> None:
    found = group_requests([[B], [A]], ledger(A=(2, 9), B=(5, 1)), NOW, Plan(None, 1, 1), MINUTE)

    assert found == [BarRequest((B,), NOW - 5 * MINUTE), BarRequest((A,), NOW - 2 * MINUTE)]


NAMES = [parse_instrument(f"{first}{second}") for first in "ABCDE" for second in "ABCDE"]
LAGS = st.one_of(st.none(), st.integers(0, 20 * 1440))
ASKED = st.one_of(st.none(), st.integers(0, 3))


@given(st.lists(st.tuples(LAGS, ASKED), max_size=25), st.integers(2, 30), st.sampled_from([None, 25]))
def test_each_is_asked_for_once_and_no_request_brings_much_more_than_it_needs(
    lags: list[tuple[int | None, int | None]], together: int, a_day: int | None
) -> None:
    chosen, plan = NAMES[: len(lags)], Plan(a_day, 1, together)
    known = ledger(**{each.name: lag for each, lag in zip(chosen, lags, strict=True)})
    cursors: dict[Instrument, datetime | None] = {
        each: known.of_instrument(each.name).sent_until for each in chosen
    }

    found = group_requests([chosen] if chosen else [], known, NOW, plan, MINUTE)

    asked = [each for request in found for each in request.instruments]
    assert sorted(each.name for each in asked) == sorted(each.name for each in chosen)
    for request in found:
        assert len(request.instruments) <= together
        for each in request.instruments:
            cursor = cursors[each]
            if request.since is None or cursor is None:
                assert request.since is cursor is None
            else:
                # Twice as much as an instrument needs, or a hundred bars more.
                assert timedelta() <= cursor - request.since
                assert cursor - request.since <= max(100 * MINUTE, NOW - cursor)
    # Twenty days are 28,800 minutes, and these are 100 doubled eight times and a bit.
    turns = 1 if a_day else len({asked for lag, asked in lags if lag is not None})
    assert len(found) <= -(-len(chosen) // together) + 11 * max(1, turns) + turns
