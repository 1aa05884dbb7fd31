"""What is said of a split, and how it is kept."""

from datetime import date

import pytest

from stockstream.instruments import parse_instrument
from stockstream.splits import (
    Split,
    SplitError,
    effective,
    first_moment,
    parse_split,
    read_splits,
    split_attribute,
)

AT = "2026-11-30T05:00:00Z"


@pytest.mark.parametrize(
    ("ratio", "split"),
    [
        ("10:1", Split(AT, 10, 1)),
        ("3:2", Split(AT, 3, 2)),
        ("1:8", Split(AT, 1, 8)),
        ("none", Split(AT, 1, 1)),
    ],
)
def test_reads_new_shares_for_old_ones(ratio: str, split: Split) -> None:
    assert parse_split(AT, ratio) == split


@pytest.mark.parametrize(
    "ratio", ["", "10", "10:", "0:1", "1:0", "-2:1", "1.5:1", "10:1 ", "100000:1", "\u0661:\u0662"]
)
def test_refuses_what_is_no_ratio(ratio: str) -> None:
    with pytest.raises(SplitError, match="is no split: write 10:1"):
        parse_split(AT, ratio)


@pytest.mark.parametrize(
    ("name", "moment"),
    [
        ("IBM", "2026-11-30T05:00:00Z"),  # winter time in New York
        ("TSCO.LON", "2026-11-30T00:00:00Z"),
        ("RELIANCE.BSE", "2026-11-29T18:30:00Z"),
        ("crypto:BTC/USD", "2026-11-30T00:00:00Z"),
    ],
)
def test_a_day_begins_where_the_instrument_is_traded(name: str, moment: str) -> None:
    assert first_moment(parse_instrument(name), date(2026, 11, 30)) == moment


def test_reads_the_splits_of_each_instrument_in_their_order() -> None:
    item = {
        "key": {"S": "splits"},
        split_attribute("IBM", AT): {"S": "10:1"},
        split_attribute("IBM", "2026-01-02T05:00:00Z"): {"S": "1:1"},
        split_attribute("MSFT", AT): {"S": "1:8"},
    }

    assert read_splits(item) == {
        "IBM": (Split("2026-01-02T05:00:00Z", 1, 1), Split(AT, 10, 1)),
        "MSFT": (Split(AT, 1, 8),),
    }
    assert read_splits(None) == {}


def test_a_refused_one_changes_no_shares() -> None:
    assert effective([Split(AT, 1, 1), Split(AT, 1, 8)]) == (Split(AT, 1, 8),)


@pytest.mark.parametrize("attribute", [{"IBM|yesterday": {"S": "2:1"}}, {f"IBM|{AT}": {"N": "2"}}])
def test_says_which_attribute_is_no_split(attribute: dict[str, dict[str, str]]) -> None:
    with pytest.raises(SplitError, match=r"the item splits of the InstrumentTable holds 'IBM\|"):
        read_splits({"key": {"S": "splits"}, **attribute})
