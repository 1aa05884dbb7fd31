"""What a stack does in a month, worked by hand."""

import pytest

from stockstream_operate.cost.figures import PRODUCER_SECONDS
from stockstream_operate.cost.workload import Workload


def test_the_default_stack_asks_25_times_in_each_of_21_sessions() -> None:
    work = Workload()

    assert (work.bars, work.requests, work.asking_runs, work.heads) == (8190, 525, 525, 525)
    assert (work.memory_used, work.shards_used) == (256, 1)


def test_a_thousand_of_alpacas_are_ten_requests_a_minute_and_a_head_a_bar() -> None:
    work = Workload(1000, provider="alpaca", requests_per_day=None)

    # 21 sessions of 390 minutes.
    assert (work.bars, work.requests, work.asking_runs) == (8_190_000, 81_900, 8_190)
    assert work.heads == 8_190_000


def test_alpha_vantage_has_one_instrument_a_request_and_no_more_than_a_run_has_time_for() -> None:
    work = Workload(1000, requests_per_day=None)

    # Ten at once, each of 0.3 s, in 20 s: 667; what is asked every other minute brings two bars.
    assert work.requests_of_a_run == 667
    assert work.heads == 667 * 8_190 < work.bars


def test_longer_bars_are_fewer() -> None:
    assert Workload(10, minutes=5, requests_per_day=None).bars == 10 * 21 * 78


def test_a_coin_trades_all_day() -> None:
    work = Workload(market="always", requests_per_day=None)

    assert (work.bars, work.open_hours) == (43_800, 730)


def test_what_was_asked_for_is_not_replaced_by_what_suffices() -> None:
    work = Workload(5000, provider="alpaca", requests_per_day=None, memory=256, shards=4)

    assert (work.memory_used, work.shards_used) == (256, 4)


def test_a_list_is_divided_where_a_whole_processor_has_no_time_for_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(PRODUCER_SECONDS, "alpaca", 0.0066)
    # 6.6 ms of a processor for each, and 20 s of a run: 3,030 instruments.
    sizes = {3_000: 1, 3_100: 2, 6_000: 2, 6_100: 4, 10_000: 4, 12_200: 8, 100_000: 8}
    for size, partitions in sizes.items():
        work = Workload(size, provider="alpaca", requests_per_day=None)
        assert (work.partitions_used, work.memory_used >= 1024) == (partitions, True), size
    # A quarter of 66 s, of 20, of a whole processor.
    assert Workload(10_000, provider="alpaca", requests_per_day=None).memory_needed == 1769 * 16.5 / 20


def test_less_memory_has_less_of_a_processor_and_wants_more_partitions(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(PRODUCER_SECONDS, "alpaca", 0.0066)
    # 66 s; of 20 s, 1,024 MB have 11.6 s of a processor, and 1,769 MB all.
    for memory, partitions in {1024: 8, 1769: 4}.items():
        work = Workload(10_000, provider="alpaca", requests_per_day=None, memory=memory)
        assert work.partitions_used == partitions


def test_a_plan_that_counts_days_is_not_divided() -> None:
    assert Workload(10_000, provider="alpaca", requests_per_day=100_000).partitions_used == 1


def test_shards_follow_the_bytes_of_a_run() -> None:
    # 20,000 records of 3,200 bytes in 10 s are 6.1 MB a second.
    assert Workload(20_000, provider="alpaca", requests_per_day=None).shards_used == 7
