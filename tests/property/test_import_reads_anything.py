"""Whatever stands in a file, an import accounts for each row, and takes none that the transform refuses."""

import tempfile
from datetime import UTC, datetime
from pathlib import Path

from hypothesis import event, example, given
from hypothesis import strategies as st

from stockstream.fields import lookback_lengths
from stockstream.instruments import parse_instrument
from stockstream.records import decode_record
from stockstream.windows import Windows
from stockstream_operate.history.bars import Choices, History, make_records, read_history
from stockstream_operate.history.tables import HistoryError, Table, read_table

AS_OF = datetime(2026, 11, 25, 12, tzinfo=UTC)
FIRST, LAST = datetime(2026, 11, 1), datetime(2026, 11, 2)  # noqa: DTZ001 (a file's have no zone)
STRANGE = ["0001-01-01", "9999-12-31 23:59", "9999-12-31T23:59-12:00", "1763650800", "9" * 13, "NaT"]
MINUTES = st.integers(0, 900).map(lambda minute: f"2026-11-20 {9 + minute // 60:02}:{minute % 60:02}")
TIMES = st.one_of(
    MINUTES,
    st.datetimes(FIRST, LAST).map(lambda moment: str(moment.replace(microsecond=0))),
    st.datetimes(timezones=st.timezones()).map(str),
    st.sampled_from(STRANGE),
    st.text(max_size=12),
)
NUMBERS = st.one_of(
    st.floats(1, 2).map(str),
    st.sampled_from(["1", "1.5", "nan", "", "null", "-1", "1e400", "1,5", "9" * 400]),
    st.text(max_size=5),
)
TICKERS = st.sampled_from(["IBM", "fx:EUR/USD", "BTC-USD", "A B", ""])
# Open, high, low and close as a bar can have them.
RIGHT = (
    st.lists(st.floats(1, 2), min_size=4, max_size=4)
    .map(sorted)
    .map(lambda prices: (str(prices[1]), str(prices[3]), str(prices[0]), str(prices[2])))
)
PRICES = st.one_of(RIGHT, st.tuples(*[NUMBERS] * 4))
VOLUMES = st.one_of(st.sampled_from(["", "10", "2.5"]), NUMBERS)
GOOD_ROW = st.tuples(st.just("IBM"), MINUTES, RIGHT, st.sampled_from(["", "10", "2.5"]))
ANY_ROW = st.tuples(TICKERS, TIMES, PRICES, VOLUMES)
ROWS = st.lists(st.one_of(GOOD_ROW, ANY_ROW).map(lambda row: (*row[:2], *row[2], row[3])), max_size=12)
CHOICES = st.builds(
    Choices,
    instrument=st.none(),
    interval=st.sampled_from(["1min", "1min", "60min", None]),
    stamped_at_end=st.booleans(),
)


def judge(table: Table, choices: Choices) -> None:
    try:
        history: History = read_history([table], AS_OF, choices)
    except HistoryError:
        return
    event("bars" if history.bars else "no bars")
    assert sum(map(len, history.bars.values())) + len(history.refused) + history.repeated == len(table.rows)
    for bars in history.bars.values():
        times = [bar.open_time for bar in bars]
        assert times == sorted(set(times))
        for bar, record in zip(bars, make_records(bars, Windows()), strict=True):
            assert decode_record(record, lookback_lengths(Windows()))["id"] == bar.id


@given(ROWS, CHOICES)
@example([("IBM", "0001-01-01T00:00Z", *["1"] * 5)], Choices(interval="60min", stamped_at_end=True))
@example([("IBM", "9999-12-31T23:59Z", *["1"] * 5)], Choices(interval="60min"))
def test_each_row_is_a_bar_or_refused_or_said_before(rows: list[tuple[str, ...]], choices: Choices) -> None:
    text = "symbol\ttime\topen\thigh\tlow\tclose\tvolume\n" + "\n".join(
        "\t".join(cell.replace('"', "'") for cell in row) for row in rows
    )
    read_text(text, choices)


@given(st.text(), st.sampled_from([Choices(), Choices(parse_instrument("IBM"), "1min")]))
@example("0,1,1,1,1,1", Choices())
@example("20261120 10:00,1,1,1,1,1\n", Choices(parse_instrument("IBM"), "1min"))
@example("Price,Close\nTicker,IBM", Choices())
@example("\0", Choices())
def test_any_text_ends_in_bars_or_in_a_sentence(text: str, choices: Choices) -> None:
    read_text(text, choices)


def read_text(text: str, choices: Choices) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "20261120_trade.csv"
        path.write_text(text, encoding="utf-8", newline="", errors="replace")
        try:
            table = read_table(path)
        except HistoryError:
            return
        judge(table, choices)
