"""Whatever a record holds: a mend never changes a number that it names, nor when the bar was known."""

import json
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from hypothesis import event, given
from hypothesis import strategies as st
from stream_record import RECORD

from stockstream.windows import Windows
from stockstream_operate.redrive.mends import mend

NUMBERS = ("open", "high", "low", "close", "volume")
MISSING = object()

NO_NUMBER: st.SearchStrategy[Any] = st.sampled_from(
    [MISSING, None, True, "", "0101", "1e2", "+101", "101.", " 101", "NaN", "\uff11\uff10\uff11", -1, [101.0]]
)


def number(least: int, most: int) -> st.SearchStrategy[Any]:
    """A number, as such or as a text, or something that is none."""
    prices = st.decimals(least, most, places=4)
    return prices.map(float) | prices.map(str) | st.integers(least, most) | NO_NUMBER


SECONDS = st.datetimes(datetime(2026, 11, 20), datetime(2026, 11, 21))  # noqa: DTZ001 (its zone comes after it)
ZONE = st.sampled_from(["Z", "+00:00", "-05:00", "+1400", "", " EST"])
TIME = st.builds(lambda moment, zone: moment.isoformat() + zone, SECONDS, ZONE) | st.just(MISSING)
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
    "open_time": st.just("2026-11-20T15:59:00-05:00") | TIME,
    **dict.fromkeys(("id", "asset_class", "schema", "interval"), st.sampled_from([MISSING, None, "", "fx"])),
    "lookback": LOOKBACK | st.sampled_from([MISSING, None, "", {"close": []}]),
    "more": st.none(),
}
CHANGES = st.lists(
    st.sampled_from(sorted(VALUES)).flatmap(lambda name: st.tuples(st.just(name), VALUES[name])), max_size=3
).map(dict)


def moment(text: str) -> datetime:
    read = datetime.fromisoformat(text)
    assert read.tzinfo
    return read.astimezone(UTC)


@given(CHANGES)
def test_what_is_mended_says_what_the_record_said(changes: dict[str, Any]) -> None:
    record = {name: value for name, value in (RECORD | changes).items() if value is not MISSING}
    verdict = mend(json.dumps(record).encode(), Windows())

    if verdict.record is None:
        assert verdict.data == json.dumps(record).encode()
        return
    event(f"mends: {len(verdict.mends)}")
    mended = json.loads(verdict.data)
    for name in NUMBERS:
        told, said = mended[name], record[name]
        assert told == said or Decimal(str(told)) == Decimal(said)
    for name in ("as_of", "open_time"):
        known = moment(record[name])
        assert moment(mended[name]) == known.replace(microsecond=known.microsecond // 1000 * 1000)
    for name in ("schema", "instrument", "interval", "source"):
        assert mended[name] == record[name]
    for name in mended.get("lookback") or ():
        kept = mended["lookback"][name]
        assert kept == record["lookback"][name][len(record["lookback"][name]) - len(kept) :]
