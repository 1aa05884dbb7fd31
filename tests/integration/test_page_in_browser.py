"""The page in a real browser: what a person sees and does, and that nothing leaves this machine."""

import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path
from threading import Event, Timer
from typing import Any, NamedTuple

import pytest
from browser import BROWSER, Browser, Page
from page_lake import deliver, make_documents, revise
from served_page import address, serve_lake

from stockstream.splits import Split
from stockstream_operate.lake.splits import keep_splits
from stockstream_operate.page.candles import Json
from stockstream_operate.page.page_server import PageServer
from stockstream_operate.page.view_request import ViewRequest
from stockstream_operate.stack_alarms import AlarmChange, StackAlarm
from stockstream_operate.stack_report import StackReport

pytestmark = pytest.mark.skipif(BROWSER is None, reason="there is no Chromium on this machine")

INSTRUMENTS = ("IBM", "fx:EUR/USD", "crypto:BTC/USD")
BARS = 90
REVISED = 40
LATER = timedelta(minutes=5)
FACTOR = 1.001
# How soon an update has to be on the screen: 2 s, and time for a machine that does something else as well
# (`make bench-page` measures it).
UPDATE_SECONDS = 10
PRICE = "document.querySelector('#price strong').textContent"
READOUT = "document.querySelector('#readout').innerText"
DRAWN = f"{PRICE} !== ''"


class Seen(NamedTuple):
    """A page over a lake."""

    page: Page
    server: PageServer
    lake: Path
    documents: dict[str, list[dict[str, Any]]]
    stopped: Event
    reports: list[StackReport]

    def wait_for_text(self, selector: str, text: str) -> None:
        found = f"document.querySelector({json.dumps(selector)}).innerText.includes({json.dumps(text)})"
        self.page.wait(found)

    def arrive(self, name: str, documents: list[dict[str, Any]]) -> None:
        deliver(self.lake, name, documents)


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    with Browser.run(tmp_path_factory.mktemp("browser")) as browser:
        yield browser


@pytest.fixture(scope="module")
def page(browser: Browser) -> Page:
    return browser.page()


@pytest.fixture(scope="module")
def documents() -> dict[str, list[dict[str, Any]]]:
    """Bars up to now; the last of each is not delivered yet."""
    now = datetime.now(UTC).replace(second=0, microsecond=0)
    return {name: make_documents(name, now, BARS) for name in INSTRUMENTS}


@contextmanager
def serve(page: Page, lake: Path, documents: dict[str, list[dict[str, Any]]]) -> Iterator[Seen]:
    """A page over a lake that nothing has come to."""
    stopped, reports = Event(), [StackReport()]
    with serve_lake(lake, lambda: not stopped.is_set(), report=lambda: reports[-1]) as server:
        page.forget()
        page.look(1280, 900)
        yield Seen(page, server, lake, documents, stopped, reports)
    page.open("about:blank")


def fill_and_open(empty: Seen) -> Seen:
    """A page of bars, one of which was revised."""
    for name, documents in empty.documents.items():
        empty.arrive(name.replace("/", "-"), documents[:-1])
    empty.arrive("revised", [revise(empty.documents["IBM"][REVISED], LATER, FACTOR)])
    # All of it, since the session of an instrument may just have begun.
    empty.page.open(f"{address(empty.server)}#instrument=IBM&interval=1min&span=all")
    empty.page.wait(f"{DRAWN} && document.querySelector('#length').textContent.startsWith('{BARS - 1} bars')")
    # The lake may have been seen before all of it was read.
    empty.wait_for_text("#health", f"Bars delivered\n{len(INSTRUMENTS) * (BARS - 1) + 1}")
    return empty


@pytest.fixture
def empty(page: Page, tmp_path: Path, documents: dict[str, list[dict[str, Any]]]) -> Iterator[Seen]:
    with serve(page, tmp_path / "lake", documents) as empty:
        yield empty


@pytest.fixture
def seen(empty: Seen) -> Seen:
    """A page that is the test's own."""
    return fill_and_open(empty)


@pytest.fixture(scope="module")
def shared(
    browser: Browser, tmp_path_factory: pytest.TempPathFactory, documents: dict[str, list[dict[str, Any]]]
) -> Iterator[Seen]:
    with serve(browser.page(), tmp_path_factory.mktemp("shared") / "lake", documents) as empty:
        yield fill_and_open(empty)


@pytest.fixture
def unchanged(shared: Seen) -> Iterator[Seen]:
    """The same page for all who do no more than look, point and move a cursor: a page costs a second."""
    yield shared
    shared.page.look(1280, 900)
    shared.page.mouse("mouseMoved", 0, 0)
    shared.page.value("document.querySelector('#chart').focus()")
    shared.page.press("Escape")
    shared.page.value("document.querySelector('#chart').blur()")
    shared.page.wait("document.querySelector('#tip').hidden")


def charted(page: Page) -> Any:
    """What the chart library has of the candles and the zoom."""
    return page.value(
        """(async () => {
          const { echarts } = await import('/charts/index.js');
          const option = echarts.getInstanceByDom(document.querySelector('#chart')).getOption();
          const [zoom] = option.dataZoom;
          return {
            candles: option.series[0].data.length,
            times: option.xAxis[0].data,
            zoom: [zoom.startValue, zoom.endValue],
            drawn: option.series.map((series) => series.name),
            revised: option.series.find((series) => series.name === 'revised').data.length,
          };
        })()"""
    )


def load_again(page: Page) -> None:
    """Returns when the page before is gone, which goes on for a moment."""
    page.value("window.isBefore = true")
    page.tell("Page.reload")
    page.wait("!window.isBefore")


def shown(number: float) -> str:
    """A price of the page: IBM's has two digits. Of 292.205, a browser rounds the decimals that it reads."""
    return f"{Decimal(repr(number)).quantize(Decimal('0.01'), ROUND_HALF_UP):,}"


def test_bars_appear_with_their_numbers_and_in_what_kind_of_prices(unchanged: Seen) -> None:
    last = unchanged.documents["IBM"][-2]
    chart = charted(unchanged.page)

    assert chart["candles"] == BARS - 1
    assert {"sma_20", "sma_50", "bollinger_upper_20", "volume", "rsi_14", "return_1"} <= set(chart["drawn"])
    assert unchanged.page.value(PRICE) == shown(last["close"])
    readout = unchanged.page.value(READOUT)
    for name in ("open", "high", "low", "close"):
        assert shown(last[name]) in readout
    assert unchanged.page.value("document.querySelector('#kind strong').innerText") == "INVENTED"
    assert unchanged.page.value("document.querySelector('#condition').hidden")
    health = unchanged.page.value("document.querySelector('#health').innerText")
    assert f"{3 * (BARS - 1) + 1}\n" in health
    assert unchanged.page.complaints == []


def test_what_comes_while_the_first_answer_is_on_its_way_is_shown_at_once(
    empty: Seen, monkeypatch: pytest.MonkeyPatch
) -> None:
    watch, look, listen = empty.server.watch, empty.server.view, empty.server.watch.listen
    has_come, is_heard = Event(), Event()

    def look_before_they_come(request: ViewRequest | None, known: int | None) -> Json:
        answer = look(request, known)
        if not has_come.is_set():
            empty.arrive("IBM", empty.documents["IBM"][:-1])
            while not watch.version:
                time.sleep(0.01)
            has_come.set()
            is_heard.wait(UPDATE_SECONDS)
        return answer

    @contextmanager
    def listen_when_they_have_come() -> Iterator[Callable[[float], int]]:
        has_come.wait(UPDATE_SECONDS)
        with listen() as wait:

            def hear(seconds: float) -> int:
                news = wait(seconds)
                Timer(0.5, is_heard.set).start()
                return news

            yield hear

    monkeypatch.setattr(empty.server, "view", look_before_they_come)
    monkeypatch.setattr(watch, "listen", listen_when_they_have_come)
    empty.page.open(address(empty.server))

    empty.page.wait(DRAWN, UPDATE_SECONDS)


def test_the_key_leaves_the_address_and_loading_again_works_without_it(seen: Seen) -> None:
    assert "key" not in seen.page.value("location.href")

    load_again(seen.page)
    seen.page.wait(f"{DRAWN} && document.querySelector('[value=all]').checked")
    assert seen.page.complaints == []


def test_hovering_shows_the_numbers_of_that_bar(unchanged: Seen) -> None:
    first = unchanged.documents["IBM"][0]
    box = unchanged.page.value(
        "(({x, y}) => [x, y])(document.querySelector('#chart').getBoundingClientRect())"
    )

    unchanged.page.mouse("mouseMoved", box[0] + 200, box[1] + 100)
    unchanged.page.mouse("mouseMoved", box[0] + 9, box[1] + 100)
    opened = first["open_time"].replace("T", " ")[:16]
    unchanged.wait_for_text("#readout", opened)
    assert shown(first["close"]) in unchanged.page.value(READOUT)


@pytest.mark.parametrize("by", ["mouse", "keyboard"])
def test_a_box_beside_the_bar_shows_all_that_is_drawn_of_it(unchanged: Seen, by: str) -> None:
    first = unchanged.documents["IBM"][0]
    assert unchanged.page.value("document.querySelector('#tip').hidden")
    if by == "mouse":
        box = unchanged.page.value(
            "(({x, y}) => [x, y])(document.querySelector('#chart').getBoundingClientRect())"
        )
        unchanged.page.mouse("mouseMoved", box[0] + 200, box[1] + 100)
        unchanged.page.mouse("mouseMoved", box[0] + 9, box[1] + 100)
    else:
        unchanged.page.value("document.querySelector('#chart').focus()")
        unchanged.page.press("Home")

    unchanged.wait_for_text("#tip", first["open_time"].replace("T", " ")[:16])
    rows = unchanged.page.value(
        "[...document.querySelectorAll('#tip dl div')]"
        ".map((row) => [...row.children].map((each) => each.textContent))"
    )
    told = dict(rows)
    for name in ("open", "high", "low", "close"):
        assert told[name.capitalize()] == shown(first[name])
    assert told["Volume"] == f"{first['volume']:,.0f}"
    assert told["SMA 20"] == shown(first["sma_20"])
    assert told["Bollinger 20 upper"] == shown(first["bollinger_upper_20"])
    assert told["RSI 14"] == f"{first['rsi_14']:.1f}"
    assert f"{abs(first['return_1'] * 100):.2f} %" in told["Return"]
    assert "EMA 12" not in told
    # It hides no part of its own bar, and does not leave the chart.
    assert unchanged.page.value(
        """(() => {
          const box = (each) => document.querySelector(each).getBoundingClientRect();
          const [tip, chart] = [box('#tip'), box('#chart')];
          return tip.left > chart.left + 9 && tip.right <= chart.right && tip.bottom <= chart.bottom;
        })()"""
    )

    unchanged.page.value("document.querySelector('#chart').focus()")
    unchanged.page.press("Escape")
    unchanged.page.wait("document.querySelector('#tip').hidden")
    assert unchanged.page.complaints == []


def test_a_screen_reader_hears_each_number_that_is_drawn(unchanged: Seen) -> None:
    first = unchanged.documents["IBM"][0]
    unchanged.page.value("document.querySelector('#chart').focus()")
    unchanged.page.press("Home")

    unchanged.wait_for_text("#told", f"Open {shown(first['open'])}")
    told = unchanged.page.value("document.querySelector('#told').textContent")
    for number in (f"SMA 50 {shown(first['sma_50'])}", f"RSI 14 {first['rsi_14']:.1f}", "Volume "):
        assert number in told


def test_lengths_of_bars_are_offered_where_there_are_several(seen: Seen) -> None:
    assert seen.page.value("document.querySelector('#intervals').hidden")
    ended = datetime.now(UTC).replace(minute=0, second=0, microsecond=0)
    longer = make_documents("IBM", ended, 12, "5min")
    seen.arrive("longer", longer)
    seen.page.wait("!document.querySelector('#intervals').hidden")

    seen.page.value("document.querySelector('#intervals [value=\"5min\"]').click()")
    seen.page.wait("document.querySelector('#length').textContent.startsWith('12 bars of 5 minutes')")
    assert seen.page.value(PRICE) == shown(longer[-1]["close"])
    assert "interval=5min" in seen.page.value("location.hash")
    # Another instrument has none of that length.
    seen.page.value("document.querySelector('#instrument').focus()")
    seen.page.type("btc")
    seen.page.press("Enter", 13, "\r")
    seen.page.wait("document.querySelector('#chart').ariaLabel.includes('crypto:BTC/USD')")
    assert seen.page.value("document.querySelector('#intervals').hidden")
    assert seen.page.complaints == []


def test_the_pipeline_is_shown_with_its_alarms_and_its_quota(seen: Seen) -> None:
    assert seen.page.value("document.querySelector('#stages').children.length") == 4
    seen.wait_for_text("#alarms", "Not known yet")

    began = datetime(2026, 11, 27, 16, 30, tzinfo=UTC)
    words = "The provider does not answer."
    alarm = StackAlarm("ProviderFailuresAlarm", is_alarming=True, since=began, words=words)
    change = AlarmChange("PipelineDownAlarm", began, is_alarming=True, words="Bars do not come through.")
    seen.reports.append(
        StackReport(
            (alarm,),
            (change,),
            {"requests": 61.0, "published": 183.0, "enriched": 183.0, "quota": 12.0},
            parameters={"RequestsPerDay": "25", "Provider": "alphavantage", "MarketHours": "always"},
        )
    )
    seen.server.watch.notify()
    seen.wait_for_text("#stages", "61 requests")
    stages = seen.page.value("document.querySelector('#stages').innerText")
    assert "in alarm" in stages
    assert "183 bars sent" in stages
    seen.wait_for_text("#alarms", "ProviderFailuresAlarm, since 2026-11-27 16:30 UTC")
    seen.wait_for_text("#alarms", words)
    seen.wait_for_text("#notices", "PipelineDownAlarm")
    seen.wait_for_text("#health", "12 of 25")
    seen.wait_for_text("#health", "Always open")
    # Bars that have not changed are not sent again, and stay where they are.
    assert charted(seen.page)["candles"] == BARS - 1

    seen.reports.append(StackReport(troubles=("You may not read the alarms.",)))
    seen.server.watch.notify()
    seen.wait_for_text("#troubles", "You may not read the alarms.")
    seen.wait_for_text("#alarms", "Not known yet")
    assert seen.page.complaints == []


def test_an_update_without_a_bar_brings_no_bars(seen: Seen) -> None:
    seen.page.value(
        """(() => {
          const fetched = window.fetch;
          window.lengths = [];
          window.fetch = async (...asked) => {
            const answer = await fetched(...asked);
            window.lengths.push((await answer.clone().text()).length);
            return answer;
          };
        })()"""
    )
    # The first answer may still bring what came while the page was being drawn.
    for count, report in enumerate((StackReport((), ()), StackReport((), (), {})), 1):
        seen.reports.append(report)
        seen.server.watch.notify()
        seen.page.wait(f"window.lengths.length >= {count}")
    seen.page.wait("window.lengths.at(-1) < 3000")
    seen.arrive("next", seen.documents["IBM"][-1:])
    seen.page.wait("window.lengths.at(-1) > 3000")


def test_the_picker_finds_an_instrument_by_a_part_of_its_name(seen: Seen) -> None:
    seen.page.value("document.querySelector('#instrument').focus()")
    seen.page.type("btcusd")
    seen.page.wait("document.querySelectorAll('#instruments [role=option]').length === 1")
    seen.page.press("Enter", 13, "\r")

    seen.page.wait("document.querySelector('#chart').ariaLabel.includes('crypto:BTC/USD')")
    close = seen.documents["crypto:BTC/USD"][-2]["close"]
    seen.page.wait(f"{PRICE}.startsWith('{int(close):,}')")
    assert "crypto%3ABTC%2FUSD" in seen.page.value("location.hash")


def test_an_instrument_that_comes_while_somebody_searches_is_found(seen: Seen) -> None:
    seen.page.value("document.querySelector('#instrument').focus()")
    seen.page.type("aapl")
    seen.wait_for_text("#instruments", "No such instrument")
    seen.arrive("later", make_documents("AAPL", datetime.now(UTC).replace(second=0, microsecond=0), 3))

    seen.page.wait("document.querySelectorAll('#instruments [role=option]').length === 1")
    seen.page.press("Enter", 13, "\r")
    seen.page.wait("document.querySelector('#chart').ariaLabel.includes('AAPL')")


def test_a_market_without_volumes_has_no_panel_for_them(seen: Seen) -> None:
    seen.page.value("document.querySelector('#instrument').focus()")
    seen.page.type("eur")
    seen.page.press("Enter", 13, "\r")
    seen.page.wait("document.querySelector('#chart').ariaLabel.includes('fx:EUR/USD')")

    assert "volume" not in charted(seen.page)["drawn"]
    assert seen.page.complaints == []


def test_an_update_comes_soon_and_what_is_zoomed_to_stays(seen: Seen) -> None:
    page = seen.page
    page.value("document.querySelector('#chart').focus()")
    page.press("+")
    page.press("+")
    page.press("Home")
    before = charted(page)
    first, last = before["zoom"]
    assert (first, last) != (0, BARS - 2)
    page.value("document.querySelector('#chart canvas').dataset.first = 'yes'")

    seen.arrive("next", seen.documents["IBM"][-1:])
    page.wait(f"document.querySelector('#length').textContent.startsWith('{BARS} bars')", UPDATE_SECONDS)
    assert page.value(PRICE) == shown(seen.documents["IBM"][-1]["close"])

    after = charted(page)
    assert after["candles"] == BARS
    first_after, last_after = after["zoom"]
    shown_before = (before["times"][first], before["times"][last])
    assert (after["times"][first_after], after["times"][last_after]) == shown_before
    # The same canvas, so that nothing flickers.
    assert page.value("document.querySelector('#chart canvas').dataset.first") == "yes"
    assert page.complaints == []


def test_who_looks_at_the_newest_bar_goes_on_seeing_the_newest(seen: Seen) -> None:
    page = seen.page
    page.value("document.querySelector('#chart').focus()")
    page.press("+")
    assert charted(page)["zoom"][1] == BARS - 2

    seen.arrive("next", seen.documents["IBM"][-1:])
    page.wait(f"document.querySelector('#length').textContent.startsWith('{BARS} bars')")
    first, last = charted(page)["zoom"]
    assert (first > 0, last) == (True, BARS - 1)


def test_a_revised_bar_is_marked_and_shown_as_it_was_before(seen: Seen) -> None:
    page, revised = seen.page, seen.documents["IBM"][REVISED]
    assert charted(page)["revised"] == 1

    page.value("document.querySelector('#chart').focus()")
    page.press("Home")
    for _ in range(REVISED):
        page.press("ArrowRight")
    seen.wait_for_text("#revision", "Revised")
    assert shown(revised["close"] * FACTOR) in page.value(READOUT)
    seen.wait_for_text("#told", "revised")

    page.value("document.querySelector('#before').click()")
    page.wait("document.querySelector('#known-at').value !== ''")
    page.wait(f"{READOUT}.includes('{shown(revised['close'])}')")
    assert charted(page)["revised"] == 0
    seen.wait_for_text("#length", "as they were known at")

    page.value("document.querySelector('#newest').click()")
    page.wait(f"document.querySelector('#length').textContent.startsWith('{BARS - 1} bars')")
    assert charted(page)["revised"] == 1


def test_before_the_first_bar_nothing_was_known(seen: Seen) -> None:
    seen.page.value(
        """(() => {
          const input = document.querySelector('#known-at');
          input.value = '2020-01-01T00:00';
          input.dispatchEvent(new Event('change'));
        })()"""
    )

    seen.wait_for_text("#price", "Nothing was known")
    assert charted(seen.page)["candles"] == 0
    assert seen.page.complaints == []


def test_ranges_are_chosen_and_longer_ones_end_at_the_newest_bar(seen: Seen) -> None:
    opened = [datetime.fromisoformat(each["open_time"]) for each in seen.documents["IBM"][:-1]]
    within_an_hour = sum(moment > opened[-1] - timedelta(hours=1) for moment in opened)
    assert within_an_hour < len(opened)
    for span, bars in {"hour": within_an_hour, "week": len(opened)}.items():
        seen.page.value(f"document.querySelector('[value={span}]').click()")
        seen.page.wait(f"document.querySelector('#length').textContent.startsWith('{bars} bars')")
    assert seen.page.value(PRICE) == shown(seen.documents["IBM"][-2]["close"])


def test_prices_in_todays_shares_are_offered_where_a_split_is_known(seen: Seen) -> None:
    page, close = seen.page, seen.documents["IBM"][-2]["close"]
    hidden = "document.querySelector('#prices').hidden"
    assert page.value(hidden)
    assert "traded" not in page.value("document.querySelector('#length').innerText")

    # After the last bar, so that each is one of old shares.
    keep_splits({"IBM": (Split("2099-01-02T05:00:00Z", 1, 2),)}, seen.lake)
    page.wait(f"!{hidden}")
    seen.wait_for_text("#length", "Prices are as they were traded (split 1:2 on 2099-01-02).")
    assert page.value(PRICE) == shown(close)

    page.value("document.querySelector('#prices [value=\"1\"]').click()")
    page.wait(f"{PRICE} === '{shown(close * 2)}'")
    seen.wait_for_text("#length", "in today's shares (split 1:2 on 2099-01-02)")
    assert "adjusted=1" in page.value("location.hash")
    load_again(page)
    page.wait(f"{PRICE} === '{shown(close * 2)}' && document.querySelector('#prices [value=\"1\"]').checked")

    # What was known at a moment knew of no later split.
    page.value(
        """(() => {
          const input = document.querySelector('#known-at');
          input.value = '2098-01-01T00:00';
          input.dispatchEvent(new Event('change'));
        })()"""
    )
    page.wait(f"{PRICE} === '{shown(close)}' && document.querySelector('#prices [value=\"\"]').checked")
    assert page.complaints == []


def test_averages_are_switched_by_the_keyboard(seen: Seen) -> None:
    assert "ema_12" not in charted(seen.page)["drawn"]

    seen.page.value("document.querySelector('#fields [value=ema_12]').focus()")
    seen.page.press(" ", 32, " ")
    assert "ema_12" in charted(seen.page)["drawn"]
    seen.wait_for_text("#readout", "EMA 12")


def test_an_empty_lake_waits_for_its_first_bars(empty: Seen) -> None:
    empty.page.open(address(empty.server))
    empty.wait_for_text("#condition", "Waiting for the first bars")

    empty.arrive("first", empty.documents["IBM"][:-1])
    empty.page.wait(DRAWN)
    empty.page.wait("document.querySelector('#condition').hidden")
    assert empty.page.complaints == []


def test_where_nothing_ran_yet_it_says_how_to_begin(empty: Seen) -> None:
    empty.stopped.set()
    empty.page.open(address(empty.server))

    empty.wait_for_text("#condition", "make run")
    assert empty.page.complaints == []


def test_a_pipeline_that_stops_is_said_to(seen: Seen) -> None:
    seen.stopped.set()

    seen.wait_for_text("#condition", "The pipeline is stopped")
    assert seen.page.value(PRICE) != ""


def test_a_lost_connection_is_said_and_the_bars_stay(seen: Seen) -> None:
    seen.server.watch.close()
    seen.server.shutdown()
    seen.server.end_connections()

    seen.wait_for_text("#lost", "stockstream page")
    assert seen.page.value(PRICE) != ""


def test_a_browser_without_the_key_sees_nothing(unchanged: Seen, browser: Browser) -> None:
    stranger = browser.page()
    stranger.open(unchanged.server.url)

    text = "document.body.innerText"
    assert "holds the key" in stranger.wait(f"document.readyState === 'complete' && {text}")
    assert stranger.value("fetch('/view').then((answer) => answer.status)") == 403


def test_nothing_is_asked_of_another_host(unchanged: Seen) -> None:
    asked = {url for url in unchanged.page.requests if not url.startswith("data:")}

    assert asked
    # A picture that is written out in a browser's own sheet of styles is no request.
    assert {url for url in asked if not url.startswith(unchanged.server.url)} == set()


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("width", [390, 1280])
def test_it_fits_the_screen_and_each_text_can_be_read(unchanged: Seen, width: int, *, dark: bool) -> None:
    unchanged.page.look(width, 900, dark=dark, phone=width == 390)
    unchanged.page.wait("document.documentElement.scrollWidth <= innerWidth")

    poor = unchanged.page.value(
        """(() => {
          const numbers = (colour) => colour.match(/[\\d.]+/g).map(Number);
          const light = (colour) => {
            const [r, g, b] = numbers(colour).map((part) => {
              const share = part / 255;
              return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
            });
            return 0.2126 * r + 0.7152 * g + 0.0722 * b;
          };
          const ground = (element) => {
            for (let at = element; at; at = at.parentElement) {
              const { backgroundColor } = getComputedStyle(at);
              if ((numbers(backgroundColor)[3] ?? 1) > 0) return backgroundColor;
            }
          };
          const poor = [];
          for (const element of document.querySelectorAll('body *')) {
            const said = [...element.childNodes].some((node) => node.nodeType === 3 && node.data.trim());
            if (!said || element.disabled || !element.checkVisibility()) continue;
            const lights = [getComputedStyle(element).color, ground(element)].map(light);
            const contrast = (Math.max(...lights) + 0.05) / (Math.min(...lights) + 0.05);
            if (contrast < 4.5) poor.push(element.outerHTML);
          }
          return poor;
        })()"""
    )
    assert poor == []


def test_each_control_has_a_name_for_a_screen_reader(seen: Seen) -> None:
    nodes = seen.page.tell("Accessibility.getFullAXTree")["nodes"]
    controls = {"button", "radio", "checkbox", "combobox", "application", "DateTime"}
    named = [
        (node["role"]["value"], node.get("name", {}).get("value"))
        for node in nodes
        if not node["ignored"] and node["role"]["value"] in controls
    ]

    assert {"radio", "checkbox", "combobox", "application"} <= {role for role, _ in named}
    assert [role for role, name in named if not name] == []
    seen.wait_for_text("#told", "IBM, bar of")
