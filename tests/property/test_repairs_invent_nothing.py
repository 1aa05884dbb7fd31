"""Whatever a record holds: a repair never changes a number that it names, nor when the bar was known."""

import json
from typing import Any

from hypothesis import event, given
from hypothesis import strategies as st
from stream_record import RECORD

from stockstream.windows import Windows
from stockstream_operate.redrive.repairs import repair

NUMBERS = ("open", "high", "low", "close", "volume")
MISSING = object()

NO_NUMBER: st.SearchStrategy[Any] = st.sampled_from(
    [MISSING, None, True, "", "0101", "1e2", "+101", "101.", " 101", "NaN", "\uff11\uff10\uff11", -1, [101.0]]
)


def number(least: int, most: int) -> st.SearchStrategy[Any]:
    """A number, as such or as a text, or something that is none."""
    prices = st.decimals(least, most, places=4)
    return prices.map(float) | prices.map(str) | st.integers(least, most) | NO_NUMBER


TIME = st.sampled_from(
    ["2026-11-20T20:59:00Z", "2026-11-20T20:59:00.000Z", "2026-11-20T15:59:00-05:00", "", MISSING]
)
CLOSES = st.lists(st.sampled_from([101.5, 102.5, 0]), max_size=3).map(lambda few: [100.0] * 198 + few)
BARS = st.integers(0, 21).map(lambda count: [100.0 + bar for bar in range(count)])
LOOKBACK = st.builds(lambda closes, bars: {"close": closes, "typical": bars, "volume": bars}, CLOSES, BARS)
# Of each field what can be right for the bar, and what cannot.
VALUES: dict[str, st.SearchStrategy[Any]] = {
    "open": number(100, 103),
    "high": number(103, 105),
    "low": number(99, 100),
    "close": number(100, 103),
    "volume": number(0, 9),
    "as_of": TIME,
    "open_time": TIME,
    **dict.fromkeys(("id", "asset_class", "schema", "interval"), st.sampled_from([MISSING, None, "", "fx"])),
    "lookback": LOOKBACK | st.sampled_from([MISSING, None, "", {"close": []}]),
    "more": st.none(),
}
CHANGES = st.lists(
    st.sampled_from(sorted(VALUES)).flatmap(lambda name: st.tuples(st.just(name), VALUES[name])), max_size=3
).map(dict)


@given(CHANGES)
def test_what_is_repaired_says_what_the_record_said(changes: dict[str, Any]) -> None:
    record = {name: value for name, value in (RECORD | changes).items() if value is not MISSING}
    result = repair(json.dumps(record).encode(), Windows())

    if result.record is None:
        assert result.data == json.dumps(record).encode()
        return
    event(f"repairs: {len(result.repairs)}")
    repaired = json.loads(result.data)
    for name in NUMBERS:
        assert repaired[name] == record[name]
    for name in ("schema", "as_of", "instrument", "interval", "open_time", "source"):
        assert repaired[name] == record[name]
    for name in repaired.get("lookback") or ():
        kept = repaired["lookback"][name]
        assert kept == record["lookback"][name][len(record["lookback"][name]) - len(kept) :]
