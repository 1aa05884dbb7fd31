"""The table of `stockstream up`: one line for each instrument."""

import io
import re
from datetime import timedelta

import pytest
from rich.console import Console

from stockstream.fields import list_fields
from stockstream.windows import Windows
from stockstream_local.quote_table import Quote, QuoteTable
from stockstream_operate.lake.delivered import Document
from stockstream_operate.screen import Screen

DOCUMENT: Document = {
    "id": "fx:EUR/USD|1min|2026-11-20T20:59:00Z",
    "asset_class": "fx",
    "open_time": "2026-11-20T20:59:00Z",
    "as_of": "2026-11-20T21:00:11.000Z",
    "arrived_at": "2026-11-20T21:00:12.500Z",
    "close": 1.16,
    "sma_20": 1.159991,
    "return_1": -0.00012,
}


def quote(**changes: object) -> Quote:
    return Quote("fx:EUR/USD", DOCUMENT | changes, 1234, timedelta(minutes=1))


@pytest.fixture
def page() -> io.StringIO:
    return io.StringIO()


@pytest.fixture
def screen(page: io.StringIO) -> Screen:
    return Screen(Console(file=page, width=200))


def test_a_line_tells_newest_bar_close_average_return_count_and_lag(
    screen: Screen, page: io.StringIO
) -> None:
    with QuoteTable(screen).open() as show:
        show([quote()])

    # The bar ended at 21:00:00 and arrived 12.5 s later.
    assert page.getvalue().split("  ") == [
        "instrument fx:EUR/USD",
        "newest bar (UTC) 2026-11-20 20:59",
        "close 1.16000",
        "SMA 20 1.15999",
        "return -0.012%",
        "new 1,234",
        "lag 12 s\n",
    ]


def test_what_is_null_is_a_dash(screen: Screen, page: io.StringIO) -> None:
    empty = {field.name: None for field in list_fields(Windows()) if field.null}
    with QuoteTable(screen).open() as show:
        show([quote(**empty)])

    assert "SMA 20 -  return -  new" in page.getvalue()


def test_old_data_has_no_lag(screen: Screen, page: io.StringIO) -> None:
    with QuoteTable(screen).open() as show:
        show([quote(arrived_at="2026-11-22T09:00:00.000Z")])

    assert page.getvalue().endswith("lag -\n")


def test_without_a_terminal_a_line_is_printed_only_for_a_new_bar(screen: Screen, page: io.StringIO) -> None:
    with QuoteTable(screen).open() as show:
        for each in (quote(), quote(), quote(id="another"), Quote("IBM", None, 0, timedelta(minutes=1))):
            show([each])

    assert page.getvalue().count("\n") == 2


def test_on_a_terminal_the_table_stays_in_place() -> None:
    page = io.StringIO()
    screen = Screen(Console(file=page, width=100, force_terminal=True, color_system=None))

    with QuoteTable(screen).open() as show:
        show([quote(), Quote("IBM", None, 0, timedelta(minutes=1))])

    assert "none yet" in page.getvalue()
    assert "1.15999" in page.getvalue()


def test_the_table_fits_into_eighty_columns() -> None:
    page = io.StringIO()
    screen = Screen(Console(file=page, width=80, force_terminal=True, color_system=None))
    wide = quote(asset_class="crypto", close=100_189.9, sma_20=100_154.51)

    with QuoteTable(screen).open() as show:
        show([Quote("crypto:BTC/USD", wide.document, 1_000, wide.width)])

    line = r"crypto:BTC/USD +2026-11-20 20:59 +100,189\.90 +100,154\.51 +-0\.012% +1,000 +12 s"
    assert re.search(line, page.getvalue())
