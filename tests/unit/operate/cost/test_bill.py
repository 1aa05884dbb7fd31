"""The bill: prices of AWS's pages times what is counted."""

from dataclasses import replace

import pytest

from stockstream_operate.cost.bill import monthly_bill, savings, total
from stockstream_operate.cost.figures import PRODUCER_SECONDS
from stockstream_operate.cost.workload import Workload

ALPACA = Workload(1000, provider="alpaca", requests_per_day=None)


def line(work: Workload, beginning: str) -> float:
    (found,) = [each.dollars for each in monthly_bill(work) if each.what.startswith(beginning)]
    return found


def test_a_shard_is_its_hours_and_a_put_unit_a_bar() -> None:
    assert line(ALPACA, "Kinesis") == pytest.approx(730 * 0.015 + 8.19 * 0.014)


def test_firehose_takes_five_kilobytes_a_bar() -> None:
    assert line(ALPACA, "Firehose: 5") == pytest.approx(8_190_000 * 5 * 1024 / 1024**3 * 0.029)


def test_each_bar_is_a_read_of_a_head_and_little_more_than_a_write() -> None:
    # The ledger of a thousand is 9,200 bytes: nine units for each of two writes in 8,190 runs, 3 for a read.
    ledger = 8_190 * 2 * 9 * 0.625 + 43_800 * 3 * 0.125
    assert line(ALPACA, "DynamoDB") == pytest.approx((8_190_000 * (1.15 * 0.625 + 0.125) + ledger) / 1e6)


def test_each_partition_is_started_each_minute_and_reads_and_writes_its_ledger(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(PRODUCER_SECONDS, "alpaca", 0.0066)
    four = replace(ALPACA, partitions=4, memory=1024)
    more = line(four, "Lambda") - line(replace(four, partitions=1), "Lambda")

    # Three times as many calls more, and idle runs of 0.2 s; those that ask divide the work, and take 3 s at
    # least, where one alone takes 3.3 s to wait for its answers and 6.6 s of 1024/1769 of a processor.
    asking = 4 * max(3.0, 0.3 + 6.6 / 4 * 1769 / 1024) - (0.3 + 6.6 * 1769 / 1024)
    seconds = 3 * (43_800 - 8_190) * 0.2 + 8_190 * asking
    assert more == pytest.approx(3 * 43_800 * 0.2e-6 + seconds * 0.0000133334)
    # A quarter of the ledger is 2,450 bytes: three units for each of two writes, one for a read.
    ledger = 4 * (8_190 * 2 * 3 * 0.625 + 43_800 * 0.125)
    assert line(four, "DynamoDB") == pytest.approx((8_190_000 * (1.15 * 0.625 + 0.125) + ledger) / 1e6)


def test_parquet_and_search_have_lines_of_their_own() -> None:
    work = Workload(parquet=True, search=True)

    assert line(work, "OpenSearch") == pytest.approx(730 * 0.036 + 10 * 0.122)
    assert line(work, "Firehose: conversion") == pytest.approx(8190 * 5 * 1024 / 1024**3 * 0.018)


def test_a_night_of_compaction_is_two_queries_a_day_each_file_read_thrice_and_some_steps() -> None:
    bill = monthly_bill(Workload(requests_per_day=None, compaction=True))
    (found,) = [each for each in bill if each.what.startswith("Compaction")]

    # 21 days of 390 files; 30.4 nights that look at 7 days, and what a day of one list takes besides.
    steps = (365 / 12 * 44 + 21 * 9) * 0.025e-3
    assert found.dollars == pytest.approx(42 * 0.00005 + 8190 * 3 * 0.4e-6 + steps)
    assert found.free == pytest.approx(steps)


def test_of_many_bars_a_night_of_compaction_reads_more_than_athenas_least() -> None:
    few, many = replace(ALPACA, compaction=True), replace(ALPACA, instruments=10_000, compaction=True)

    # 73.71 million bars more, at 200 bytes each, read thrice and as Parquet.
    more = 73_710_000 * 200 * (3 + 1 / 3) / 1e12 * 5
    assert line(many, "Compaction") - line(few, "Compaction") == pytest.approx(more)


def test_a_saving_is_the_difference_of_two_bills_and_the_greatest_comes_first() -> None:
    work = Workload(1000, provider="alpaca", requests_per_day=None, search=True, shards=3)

    found = savings(work)

    assert found == sorted(found, key=lambda each: -each.dollars)
    by_name = {each.what: each.dollars for each in found}
    assert by_name["the fewest StreamShards that suffice"] == pytest.approx(2 * 730 * 0.015)
    assert by_name["SearchEnabled=false"] == pytest.approx(730 * 0.036 + 10 * 0.122 + 6 * 0.10)


def test_where_nothing_can_be_saved_nothing_is_proposed() -> None:
    assert [each.what for each in savings(Workload())] == []


def test_the_free_tier_takes_off_no_more_than_there_is() -> None:
    for work in (Workload(), ALPACA, Workload(100_000, provider="alpaca", requests_per_day=None)):
        bill = monthly_bill(work)
        assert all(0 <= each.free <= each.dollars for each in bill)
        assert total(bill).dollars == pytest.approx(sum(each.dollars for each in bill))
