"""The shares of a list: of names alone, disjoint, complete, and about as long as each other."""

from itertools import combinations

import pytest
from examples import examples
from hypothesis import given, settings
from hypothesis import strategies as st

from stockstream.partitions import PARTITIONS, WHOLE, Partition, every_partition, number_of

NAMES = st.from_regex(r"[A-Z][A-Z0-9.]{0,6}|(fx|crypto):[A-Z]{3,5}/[A-Z]{3,5}", fullmatch=True)


def test_there_are_these_partitions() -> None:
    assert [(each.number, each.of) for each in every_partition()] == [
        (1, 1),
        *((1, 2), (2, 2)),
        *((1, 4), (2, 4), (3, 4), (4, 4)),
        *((1, 8), (2, 8), (3, 8), (4, 8), (5, 8), (6, 8), (7, 8), (8, 8)),
    ]


@settings(max_examples=examples(200))
@given(name=NAMES, of=st.sampled_from(PARTITIONS))
def test_an_instrument_is_in_one_partition_of_each_division(name: str, of: int) -> None:
    holders = [number for number in range(1, of + 1) if Partition(number, of).holds(name)]

    assert holders == [number_of(name, of)]


@settings(max_examples=examples(200))
@given(name=NAMES)
def test_the_partitions_that_hold_a_name_all_meet_and_each_is_within_the_one_before(name: str) -> None:
    holders = [each for each in every_partition() if each.holds(name)]

    assert [each.of for each in holders] == list(PARTITIONS)
    assert all(one.meets(other) for one, other in combinations(holders, 2))


def test_what_meets_has_a_name_in_common_and_what_does_not_has_none() -> None:
    # Enough names that each partition of the finest division has some.
    names = [f"A{number}" for number in range(200)]
    for one, other in combinations(every_partition(), 2):
        common = [name for name in names if one.holds(name) and other.holds(name)]
        assert one.meets(other) is bool(common), (one, other)


def test_a_name_stays_where_it_is_for_ever() -> None:
    # What `printf %s IBM | gzip -c | tail -c8 | od -An -tu4 -N4` says. Another would move entries of ledgers.
    sums = {"IBM": 1_244_168_183, "MSFT": 3_974_476_411, "crypto:BTC/USD": 4_257_350_475}
    for name, checksum in sums.items():
        assert [number_of(name, of) for of in PARTITIONS] == [checksum % of + 1 for of in PARTITIONS]
        assert WHOLE.holds(name)


@pytest.mark.parametrize("of", PARTITIONS)
def test_ten_thousand_tickers_are_divided_evenly(of: int) -> None:
    # Three letters each, as the 17,576 that there can be begin.
    letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
    names = [a + b + c for a in letters for b in letters for c in letters][:10_000]
    sizes = [sum(Partition(number, of).holds(name) for name in names) for number in range(1, of + 1)]

    assert sum(sizes) == 10_000
    assert max(sizes) - min(sizes) < 10_000 / of * 0.05


@pytest.mark.parametrize(
    ("requests", "of", "shares"),
    [(200, 4, [50, 50, 50, 50]), (10, 4, [3, 3, 2, 2]), (9, 8, [2, 1, 1, 1, 1, 1, 1, 1]), (60, 1, [60])],
)
def test_a_plans_minute_is_shared_out_whole(requests: int, of: int, shares: list[int]) -> None:
    assert [Partition(number, of).share_of(requests) for number in range(1, of + 1)] == shares
