"""The panels: their queries on osmem-server, filled with what the transform made, and their drawings."""

import itertools
import math
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pandas as pd
import pytest
import talib
from drawn_panel import DrawnPanel
from drawn_text import find_texts
from opensearchpy import OpenSearch

from stockstream.bars import Bar
from stockstream_dashboards.invented_documents import make_documents
from stockstream_dashboards.osmem import run_osmem
from stockstream_dashboards.over_time import OVER_TIME, charted
from stockstream_dashboards.panels import PanelRequest, draw_svg, fill_query, with_answer
from stockstream_dashboards.saved_objects import DASHBOARDS, list_panels, read_dashboard, read_panel
from stockstream_operate.search.client import find_server
from stockstream_operate.search.fill import Filler
from stockstream_operate.search.index import Wanted
from stockstream_operate.search.install import Installer

# Dashboards 2.19.0 to 2.19.4 have Vega-Lite 5.6, whose nearest here is 5.8; 2.19.5 has 6.4.
VERSIONS = ("5.8", "6.4")
PANELS = [name for name in list_panels() if "$schema" in read_panel(name)]
OPEN = datetime(2026, 11, 20, 14, 30, tzinfo=UTC)
# Minutes after the open. In minute 7 nobody traded, and the bar was left out.
MINUTES = [minute for minute in range(70) if minute != 7]
# A sawtooth: every fourth close falls. No return is a whole number of 0.00001: floats put these anywhere.
CLOSES = [100 + 0.4993 * minute - (3 if minute % 4 == 3 else 0) for minute in MINUTES]
DAY = PanelRequest(OPEN - timedelta(hours=1), OPEN + timedelta(hours=2))
EURUSD = PanelRequest(DAY.since, DAY.until, [{"match_phrase": {"instrument": "fx:EUR/USD"}}])
LATER = PanelRequest(DAY.since + timedelta(days=30), DAY.until + timedelta(days=30))

type Ask = Callable[[str, PanelRequest], dict[str, Any]]


def bar(instrument: str, minute: int, opened: float, close: float, volume: float | None) -> Bar:
    at = OPEN + timedelta(minutes=minute)
    return Bar(
        instrument=instrument,
        asset_class="fx" if ":" in instrument else "equity",
        interval="1min",
        open_time=f"{at:%Y-%m-%dT%H:%M:%SZ}",
        open=opened,
        high=max(opened, close) + 0.07 * (minute % 3),
        low=min(opened, close) - 0.05 * (minute % 4),
        close=close,
        volume=volume,
        source="replay",
        as_of=f"{at + timedelta(minutes=1):%Y-%m-%dT%H:%M:%S}.000Z",
    )


OPENS = [100.0, *(close + 0.11 for close in CLOSES[:-1])]
SHARE = [
    bar("IBM", minute, opened, close, 10.0 + minute)
    for minute, opened, close in zip(MINUTES, OPENS, CLOSES, strict=True)
]
PAIR = [bar("fx:EUR/USD", minute, 1.25, 1.2, None) for minute in range(20)]
REFUSED = [
    ("schema is not enriched.v1", 1),
    ("open_time is not YYYY-MM-DDTHH:MM:SSZ: 2026-11-20", 2),
    ("open_time is not YYYY-MM-DDTHH:MM:SSZ: tomorrow", 3),
    ("id has more than 128 characters", 60 * 24 * 40),  # forty days later
]


@pytest.fixture(scope="module")
def ask() -> Iterator[Ask]:
    with run_osmem() as endpoint:
        server = find_server(endpoint)
        list(Installer(server, Wanted()).install())
        filler = Filler(server)
        filler.fill(make_documents(SHARE, delay=timedelta(seconds=2)))
        filler.fill(make_documents(PAIR, delay=timedelta(seconds=30)))
        assert filler.report.indexed == len(SHARE) + len(PAIR)
        with server.connect() as client:
            for reason, minute in REFUSED:
                at = OPEN + timedelta(minutes=minute)
                refused = {"rejected_because": reason, "rejected_at": f"{at:%Y-%m-%dT%H:%M:%S.123456Z}"}
                client.index(index="rejected", body={**refused, "close": "what it was"})
            client.indices.refresh(index="_all")

            yield lambda name, request: search(client, name, request)


def search(client: OpenSearch, name: str, request: PanelRequest) -> dict[str, Any]:
    index, body = fill_query(read_panel(name), request)
    answer: dict[str, Any] = client.search(index=index, body=body, params={"ignore_unavailable": "true"})
    return answer


def draw(name: str, answer: dict[str, Any], version: str = VERSIONS[-1]) -> DrawnPanel:
    return DrawnPanel(draw_svg(with_answer(read_panel(name), answer, 900, 360), version))


def the_instrument(answer: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    (instrument,) = answer["aggregations"]["instrument"]["buckets"]
    (bars,) = instrument["bars"]["buckets"]
    return instrument["key"], bars


def last_of_each(answer: dict[str, Any]) -> list[dict[str, Any]]:
    _, bars = the_instrument(answer)
    return [hit["_source"] for each in bars["times"]["buckets"] for hit in each["last"]["hits"]["hits"]]


def approx(values: Sequence[float] | pd.Series) -> Any:
    """Missing numbers are None in documents, and NaN in pandas."""
    return [None if pd.isna(each) else pytest.approx(each, rel=1e-11) for each in values]


def test_the_price_is_that_of_every_bar_with_the_averages_and_bands_that_pandas_has(ask: Ask) -> None:
    answer = ask("market-price", DAY)

    closes = pd.Series(CLOSES)
    mean, deviation = closes.rolling(20).mean(), closes.rolling(20).std(ddof=0)
    bars = last_of_each(answer)
    assert the_instrument(answer)[0] == "IBM"
    assert [each["open_time"] for each in bars] == [each.open_time for each in SHARE]
    assert [each["close"] for each in bars] == CLOSES
    assert [each["sma_20"] for each in bars] == approx(mean)
    assert [each["sma_50"] for each in bars] == approx(closes.rolling(50).mean())
    assert [each["bollinger_upper_20"] for each in bars] == approx(mean + 2 * deviation)
    assert [each["bollinger_lower_20"] for each in bars] == approx(mean - 2 * deviation)


@pytest.mark.parametrize("version", VERSIONS)
def test_the_price_has_a_candle_for_every_bar_and_no_line_while_an_average_warms_up(
    ask: Ask, version: str
) -> None:
    drawn = draw("market-price", ask("market-price", DAY), version)

    assert len(drawn.marks("bodies")) == len(drawn.marks("wicks")) == 69
    assert Counter(mark["what"] for mark in drawn.marks("points")) == {"SMA 20": 50, "SMA 50": 20}
    # A line goes from point to point: SMA 20 begins with the 20th of 69 bars, SMA 50 with the 50th.
    assert [path.count("L") for path in drawn.paths("lines")] == [49, 19]
    (band,) = drawn.paths("bands")
    assert band.count("L") == 2 * 50 - 1
    assert "NaN" not in drawn.svg
    assert drawn.texts("shown") == ["IBM, 1min bars, one of 2: choose at the right"]


def pandas_candles(width: str) -> pd.DataFrame:
    """What pandas makes of the same bars: a row for each step that has some."""
    frame = pd.DataFrame(
        {
            "open": [each.open for each in SHARE],
            "high": [each.high for each in SHARE],
            "low": [each.low for each in SHARE],
            "close": [each.close for each in SHARE],
        },
        index=pd.DatetimeIndex([each.open_time for each in SHARE]),
    )
    steps = frame.resample(width)
    candles = steps.agg({"open": "first", "high": "max", "low": "min", "close": "last"})
    candles["bars"] = steps["open"].count()
    return candles[candles["bars"] > 0]


# Over how many hours in steps of how much: the 120th part, as Dashboards rounds it.
STEPS = {2: "1min", 9: "5min", 30: "10min", 60: "30min", 24 * 5: "1h", 24 * 30: "3h", 24 * 365: "24h"}


@pytest.mark.sampled(5)
@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize(("hours", "width"), STEPS.items())
def test_a_candle_goes_from_the_first_open_to_the_last_close_of_its_step_and_has_its_ends(
    ask: Ask, hours: int, width: str, version: str
) -> None:
    drawn = draw(
        "market-price",
        ask("market-price", PanelRequest(DAY.until - timedelta(hours=hours), DAY.until)),
        version,
    )

    expected = pandas_candles(width)
    for layer in ("wicks", "bodies"):
        candles = drawn.marks(layer)
        assert [candle["bars"] for candle in candles] == [str(count) for count in expected["bars"]]
        for price in ("open", "high", "low", "close"):
            assert [float(candle[price]) for candle in candles] == pytest.approx(
                list(expected[price]), abs=1e-6
            )


def test_a_candle_of_a_step_stands_in_its_step_and_fills_most_of_it(ask: Ask) -> None:
    drawn = draw("market-price", ask("market-price", PanelRequest(DAY.until - timedelta(hours=9), DAY.until)))

    # 14:30 to 15:40 in steps of 5 minutes: 14 of them side by side.
    bodies, wicks = drawn.boxes("bodies"), drawn.boxes("wicks")
    step = (bodies[-1].left - bodies[0].left) / 13
    assert drawn.texts("width") == ["candles of 5 min"]
    assert [body.left for body in bodies] == pytest.approx(
        [bodies[0].left + step * n for n in range(14)], abs=0.5
    )
    assert all(0.6 * step < body.right - body.left < 0.8 * step for body in bodies)
    assert [wick.left for wick in wicks] == pytest.approx([(body.left + body.right) / 2 for body in bodies])


@pytest.mark.parametrize("version", VERSIONS)
def test_a_wick_goes_from_low_to_high_and_a_body_from_open_to_close_on_one_scale(
    ask: Ask, version: str
) -> None:
    drawn = draw("market-price", ask("market-price", DAY), version)

    frame = pandas_candles("1min")
    wicks, bodies = drawn.boxes("wicks"), drawn.boxes("bodies")
    # Pixels go down where prices go up. Two wicks' ends tell the scale; all else must lie on it.
    top, bottom = int(np.argmax(frame["high"])), int(np.argmin(frame["low"]))
    prices = (frame["high"].iloc[top], frame["low"].iloc[bottom])
    slope, shift = np.polyfit(prices, (wicks[top].top, wicks[bottom].bottom), 1)
    for boxes, upper, lower in (
        (wicks, frame["high"], frame["low"]),
        (bodies, frame[["open", "close"]].max(axis=1), frame[["open", "close"]].min(axis=1)),
    ):
        assert [box.top for box in boxes] == pytest.approx(list(slope * upper + shift), abs=0.01)
        assert [box.bottom for box in boxes] == pytest.approx(list(slope * lower + shift), abs=0.01)


@pytest.mark.parametrize("version", VERSIONS)
def test_a_candle_that_fell_has_another_colour_than_one_that_rose_or_stayed(ask: Ask, version: str) -> None:
    answer = ask("market-price", DAY)
    first = the_instrument(answer)[1]["times"]["buckets"][0]
    first["last"]["hits"]["hits"][0]["_source"]["close"] = 100.0  # as it opened

    drawn = draw("market-price", answer, version)
    fell = [later < earlier for earlier, later in zip(OPENS, CLOSES, strict=True)]
    assert {colors for colors, falls in zip(drawn.colors("bodies"), fell, strict=True) if falls} == {
        ("#D55E00", "#D55E00")
    }
    assert {colors for colors, falls in zip(drawn.colors("bodies"), fell, strict=True) if not falls} == {
        ("#009E73", "#009E73")
    }
    assert drawn.colors("wicks") == [("", stroke) for _, stroke in drawn.colors("bodies")]
    # A candle without a body is a line all the same.
    assert drawn.boxes("bodies")[0].top == drawn.boxes("bodies")[0].bottom


def test_the_only_candle_of_a_time_range_is_drawn_a_minute_wide(ask: Ask) -> None:
    drawn = draw("market-price", ask("market-price", PanelRequest(OPEN, OPEN + timedelta(seconds=30))))

    assert len(drawn.marks("bodies")) == 1
    assert drawn.texts("width") == ["candles of 1 min"]
    assert "NaN" not in drawn.svg


def test_averages_that_a_stack_does_not_have_are_lines_that_are_not_there(ask: Ask) -> None:
    answer = ask("market-price", DAY)
    for each in last_of_each(answer):
        del each["sma_20"], each["sma_50"]

    drawn = draw("market-price", answer)
    assert drawn.paths("lines") == []
    assert len(drawn.marks("bodies")) == 69
    assert "SMA" not in drawn.svg
    assert "NaN" not in drawn.svg


def test_a_price_axis_does_not_begin_at_zero(ask: Ask) -> None:
    drawn = draw("market-price", ask("market-price", DAY))

    # Minute 3: 100 + 0.4993 * 3 - 3, and 0.05 * 3 below it.
    assert min(float(mark["low"]) for mark in drawn.marks("wicks")) == pytest.approx(98.3479)
    assert ">0<" not in drawn.svg


@pytest.mark.parametrize("name", [*OVER_TIME, "market-volume", "market-returns"])
def test_a_panel_shows_the_instrument_that_was_chosen_and_names_it(ask: Ask, name: str) -> None:
    answer = ask(name, EURUSD)

    assert the_instrument(answer)[0] == "fx:EUR/USD"
    (shown,) = draw(name, answer).texts("shown")
    assert shown.startswith("fx:EUR/USD")
    assert "one of" not in shown


def test_over_a_long_time_a_point_is_the_last_bar_of_its_hour(ask: Ask) -> None:
    month = PanelRequest(OPEN - timedelta(days=25), OPEN + timedelta(days=5))

    bars = last_of_each(ask("market-price", month))

    assert [each["open_time"] for each in bars] == ["2026-11-20T14:59:00Z", "2026-11-20T15:39:00Z"]
    assert [each["close"] for each in bars] == [100 + 0.4993 * 29, 100 + 0.4993 * 69]


def test_volume_is_the_sum_of_its_step_and_a_minute_without_trades_has_no_bar(ask: Ask) -> None:
    answer = ask("market-volume", DAY)
    _, bars = the_instrument(answer)

    drawn = draw("market-volume", answer).marks("bars")
    assert bars["times"]["interval"] == "1m"
    assert [mark["volume"] for mark in drawn] == [str(10 + minute) for minute in MINUTES]


def test_a_market_that_reports_no_volume_has_none_and_not_zero(ask: Ask) -> None:
    drawn = draw("market-volume", ask("market-volume", EURUSD))

    assert drawn.marks("bars") == []
    assert drawn.texts("shown") == ["fx:EUR/USD: this market reports no volume"]


def percent(text: str) -> float:
    return float(text.rstrip("%").replace("\N{MINUS SIGN}", "-"))


def wilder(closes: Sequence[float]) -> list[float | None]:
    changes = [later - earlier for earlier, later in itertools.pairwise(closes)]
    up = sum(max(each, 0) for each in changes[:14]) / 14
    down = sum(max(-each, 0) for each in changes[:14]) / 14
    found: list[float | None] = [None] * 14
    for place in range(14, len(closes)):
        if place > 14:
            up = (13 * up + max(changes[place - 1], 0)) / 14
            down = (13 * down + max(-changes[place - 1], 0)) / 14
        found.append(100 - 100 / (1 + up / down))
    return found


@pytest.mark.parametrize("version", VERSIONS)
def test_rsi_is_wilders_between_rules_at_30_and_70(ask: Ask, version: str) -> None:
    answer = ask("market-rsi", DAY)

    drawn = draw("market-rsi", answer, version)
    assert [each["rsi_14"] for each in last_of_each(answer)] == approx(
        [float("nan") if each is None else each for each in wilder(CLOSES)]
    )
    assert len(drawn.marks("points")) == 69 - 14
    assert [next(iter(mark.values())) for mark in drawn.marks("limits")] == ["30", "70"]


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("name", OVER_TIME)
def test_a_panel_over_time_draws_each_number_that_the_documents_have(
    ask: Ask, name: str, version: str
) -> None:
    drawn = draw(name, ask(name, DAY), version)
    documents = list(make_documents(SHARE))

    def numbers(mark: str) -> dict[str, int]:
        return {
            chart.label: sum(document[field] is not None for document in documents)
            for field, chart in charted(name, mark).items()
        }

    lines, bars, candles = numbers("line"), numbers("bar"), numbers("candle")
    assert sum(lines.values()) > 0
    assert Counter(mark["what"] for mark in drawn.marks("points")) == lines
    assert [len(drawn.marks("bars"))] == (list(bars.values()) or [0])
    assert {label: sum(label in mark for mark in drawn.marks("bodies")) for label in candles} == candles


@pytest.mark.parametrize("version", VERSIONS)
def test_macd_is_talibs_with_its_histogram_around_a_rule_at_zero(ask: Ask, version: str) -> None:
    answer = ask("market-macd", DAY)

    drawn = draw("market-macd", answer, version)
    line, signal, histogram = talib.MACD(np.array(CLOSES), 12, 26, 9)
    bars = last_of_each(answer)
    # TA-Lib begins its fast average with the slow one; 69 bars later a hundredth of the difference is left.
    for field, expected in {"macd_12_26_9": line, "macd_signal_12_26_9": signal}.items():
        assert bars[-1][field] == pytest.approx(expected[-1], rel=0.01)
    assert bars[-1]["macd_histogram_12_26_9"] == pytest.approx(histogram[-1], abs=0.01)
    assert float(drawn.marks("bars")[-1]["histogram"].replace("\N{MINUS SIGN}", "-")) == pytest.approx(
        bars[-1]["macd_histogram_12_26_9"], abs=1e-4
    )
    assert [next(iter(mark.values())) for mark in drawn.marks("limits")] == ["0"]


def test_returns_are_counted_in_hundredths_of_a_basis_point_and_drawn_in_wider_steps(ask: Ask) -> None:
    answer = ask("market-returns", DAY)

    returns = pd.Series(CLOSES).pct_change().dropna()
    _, bars = the_instrument(answer)
    counted = {round(each["key"] * 1e5): each["doc_count"] for each in bars["returns"]["buckets"]}
    assert counted == Counter(math.floor(each / 1e-5) for each in returns)
    wide = Counter(math.floor(each / 0.002) for each in returns)
    assert {mark["from"]: int(mark["bars"]) for mark in draw("market-returns", answer).marks("bars")} == {
        f"{step * 0.2:.2g}%".replace("-", "\N{MINUS SIGN}"): count for step, count in wide.items()
    }


def test_a_bad_print_is_counted_at_the_end_and_does_not_squeeze_all_others(ask: Ask) -> None:
    answer = ask("market-returns", DAY)
    _, bars = the_instrument(answer)
    bars["returns"]["buckets"].append({"key": 0.5, "doc_count": 2})

    drawn = draw("market-returns", answer).marks("bars")
    # The greatest return is 3.6 %, so that the ends are at about 7.1 %, in a step of its own.
    (end,) = [mark for mark in drawn if mark["bars"] == "2" and percent(mark["from"]) > 4]
    assert percent(end["to"]) == 7.5


def test_a_price_that_does_not_move_has_returns_of_zero(ask: Ask) -> None:
    (mark,) = draw("market-returns", ask("market-returns", EURUSD)).marks("bars")

    # 20 bars of 1.2 are 19 returns.
    assert (mark["from"], mark["to"], mark["bars"]) == ("0%", "0.001%", "19")


def test_movers_are_all_instruments_by_last_close_against_first_open_whatever_is_chosen(ask: Ask) -> None:
    drawn = draw("market-movers", ask("market-movers", EURUSD))

    # IBM: 134.4517 / 100 - 1; EUR/USD: 1.2 / 1.25 - 1.
    rows = zip(drawn.texts("instruments"), drawn.texts("prices"), drawn.texts("changes"), strict=True)
    assert sorted(rows) == [("IBM", "134.452", "+34.45%"), ("fx:EUR/USD", "1.2", "\N{MINUS SIGN}4.00%")]
    ranks = {mark["instrument.key"]: mark["row"] for mark in drawn.marks("instruments")}
    assert ranks == {"IBM": "1", "fx:EUR/USD": "2"}


def test_documents_are_counted_by_the_minute_of_their_arrival(ask: Ask) -> None:
    answer = ask("pipeline-documents", DAY)

    # IBM has 69 bars and EUR/USD 20, which arrive in the same minutes; IBM's of minute 7 is missing.
    drawn = draw("pipeline-documents", answer).marks("bars")
    assert answer["aggregations"]["times"]["interval"] == "1m"
    assert Counter(mark["a minute"] for mark in drawn) == {"2": 19, "1": 51}


@pytest.mark.parametrize("name", ["pipeline-documents", "pipeline-lag"])
def test_an_axis_of_arrivals_reaches_over_the_whole_time_range(ask: Ask, name: str) -> None:
    # Nothing arrived in the first of these hours, nor in the last.
    drawn = draw(name, ask(name, PanelRequest(OPEN - timedelta(hours=1), OPEN + timedelta(hours=3))))

    left, right = drawn.positions("asked")
    arrivals = drawn.positions("layer_0_layer_1") if name == "pipeline-lag" else drawn.positions("bars")
    width = right - left
    assert left == 0
    assert width > 700
    # 14:31 and 15:40 of 13:30 to 17:30.
    assert min(arrivals) == pytest.approx(width * 61 / 240, abs=width / 100)
    assert max(arrivals) == pytest.approx(width * 130 / 240, abs=width / 30)


def test_documents_over_a_long_time_are_still_told_a_minute(ask: Ask) -> None:
    answer = ask("pipeline-documents", DAY)
    # As a server would put it for a longer time: ten minutes in one step.
    step = {"key": round(OPEN.timestamp() * 1000), "doc_count": 25}
    answer["aggregations"]["times"] = {"interval": "10m", "buckets": [step]}

    (mark,) = draw("pipeline-documents", answer).marks("bars")
    assert (mark["documents"], mark["a minute"]) == ("25", "2.5")


def test_lag_is_the_time_from_a_bars_end_to_its_arrival_half_of_them_and_95_of_100(ask: Ask) -> None:
    minute = PanelRequest(OPEN + timedelta(minutes=1), OPEN + timedelta(minutes=61))
    answer = ask("pipeline-lag", minute)

    # Two bars a minute, 2 and 30 s late: half within 2 + 0.5 * 28, 95 of 100 within 2 + 0.95 * 28.
    # EUR/USD's of minute 7 is alone, and so are IBM's from minute 20 to 59.
    drawn = draw("pipeline-lag", answer).marks("layer_0_layer_1")
    found = Counter((mark["line"], mark["seconds"]) for mark in drawn)
    assert found == {
        ("half of them within", "16.0"): 19, ("95 of 100 within", "28.6"): 19,
        ("half of them within", "30.0"): 1, ("95 of 100 within", "30.0"): 1,
        ("half of them within", "2.0"): 40, ("95 of 100 within", "2.0"): 40,
    }  # fmt: skip


def test_lags_of_one_step_are_taken_together(ask: Ask) -> None:
    # In steps of 5 minutes, the first holds 4 bars of each instrument, from 14:31 to 14:34.
    answer = ask("pipeline-lag", PanelRequest(OPEN - timedelta(hours=3), OPEN + timedelta(hours=3)))

    drawn = draw("pipeline-lag", answer).marks("layer_0_layer_1")
    lags = pd.Series([2.0] * 4 + [30.0] * 4)
    first = {mark["line"]: float(mark["seconds"]) for mark in reversed(drawn)}
    assert len(answer["aggregations"]["times"]["buckets"]) == 15
    assert first["half of them within"] == pytest.approx(lags.quantile(0.5), abs=0.05)
    assert first["95 of 100 within"] == pytest.approx(lags.quantile(0.95), abs=0.05)


def test_instruments_stand_there_with_how_long_they_have_been_silent(ask: Ask) -> None:
    # IBM's last bar is of minute 69 and arrived at 15:40:02; EUR/USD's is of minute 19, at 14:50:30.
    answer = ask("pipeline-instruments", PanelRequest(DAY.since, OPEN + timedelta(minutes=71)))

    drawn = draw("pipeline-instruments", answer)
    rows = zip(drawn.texts("instruments"), drawn.texts("documents"), drawn.texts("ages"), strict=True)
    assert sorted(rows) == [("IBM", "69", "58 s"), ("fx:EUR/USD", "20", "50 min")]
    opened = {
        each["key"]: each["opened"]["value_as_string"]
        for each in answer["aggregations"]["instruments"]["buckets"]
    }
    assert opened == {"IBM": "2026-11-20T15:39:00Z", "fx:EUR/USD": "2026-11-20T14:49:00Z"}
    ranks = {mark["instrument.key"]: mark["row"] for mark in drawn.marks("instruments")}
    assert ranks == {"fx:EUR/USD": "1", "IBM": "2"}


def test_an_instrument_that_fell_silent_before_the_time_range_is_still_named_for_a_week(ask: Ask) -> None:
    def names(days: int) -> list[str]:
        later = PanelRequest(DAY.until + timedelta(days=days), DAY.until + timedelta(days=days, hours=1))
        return [
            each["key"]
            for each in ask("pipeline-instruments", later)["aggregations"]["instruments"]["buckets"]
        ]

    assert sorted(names(6)) == ["IBM", "fx:EUR/USD"]
    assert names(8) == []


def test_refused_documents_are_counted_by_reason_without_what_differs(ask: Ask) -> None:
    drawn = draw("pipeline-refused", ask("pipeline-refused", DAY))

    assert sorted(drawn.texts("reasons")) == [
        "1  schema is not enriched.v1",
        "2  open_time is not YYYY-MM-DDTHH:MM:SSZ",
    ]


@pytest.mark.sampled(12)
@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("days", [1, 30])
@pytest.mark.parametrize("name", PANELS)
def test_the_labels_of_a_panel_are_large_enough_and_do_not_overlap_in_a_narrow_window(
    ask: Ask, name: str, days: int, version: str
) -> None:
    answer = ask(name, PanelRequest(DAY.until - timedelta(days=days), DAY.until))
    texts = find_texts(draw_svg(with_answer(read_panel(name), answer, *narrow_size(name)), version))

    assert texts
    assert min(text.size for text in texts) >= 12
    overlaps = [
        (one.words, other.words) for one, other in itertools.combinations(texts, 2) if one.overlaps(other)
    ]
    assert overlaps == []


def narrow_size(name: str) -> tuple[int, int]:
    """The inside of a panel where its dashboard is 830 pixels wide: 48 columns of 17, rows of 28."""
    (place,) = (
        place
        for dashboard in DASHBOARDS
        for place in read_dashboard(dashboard)["panels"]
        if place["panel"] == name
    )
    return 17 * place["w"] - 24, 28 * place["h"] - 44


EMPTY_TEXTS = {
    "market-price": "No bars in this time range: choose a longer one.",
    "market-volume": "No bars in this time range.",
    "market-rsi": "No bars in this time range.",
    "market-macd": "No bars in this time range.",
    "market-atr": "No bars in this time range.",
    "market-returns": "No bars in this time range.",
    "market-movers": "No bars in this time range.",
    "pipeline-documents": "Nothing arrived in this time range.",
    "pipeline-lag": "Nothing arrived in this time range.",
    "pipeline-instruments": "No instrument reported in this time range, or in the week before it.",
    "pipeline-refused": "Nothing was refused in this time range.",
}


@pytest.mark.sampled(8)
@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("name", PANELS)
def test_a_panel_without_documents_says_so(ask: Ask, name: str, version: str) -> None:
    late = PanelRequest(LATER.since - timedelta(days=1), LATER.until - timedelta(days=1))

    assert draw(name, ask(name, late), version).texts("empty") == [EMPTY_TEXTS[name]]


@pytest.mark.sampled(8)
@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("name", PANELS)
def test_a_panel_before_the_first_index_says_the_same(name: str, version: str) -> None:
    # OpenSearch leaves the aggregations out of its answer where no index was searched.
    nothing = {"hits": {"total": {"value": 0, "relation": "eq"}, "hits": []}}

    assert draw(name, nothing, version).texts("empty") == [EMPTY_TEXTS[name]]


@pytest.mark.sampled(8)
@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("name", PANELS)
def test_a_panel_with_documents_does_not_say_that_it_has_none(ask: Ask, name: str, version: str) -> None:
    drawn = draw(name, ask(name, DAY), version)

    assert drawn.texts("empty") == []
    assert "NaN" not in drawn.svg
