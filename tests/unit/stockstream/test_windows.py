"""The settings of the averages, and the look-back that follows from them."""

import pytest

from stockstream.errors import SettingsError
from stockstream.windows import Windows, parse_windows


def test_reads_the_lists_of_the_template() -> None:
    assert parse_windows("5,20,50,200", " 12, 26 ") == Windows((5, 20, 50, 200), (12, 26))


def test_the_longest_average_asks_for_one_close_less_than_its_window() -> None:
    assert Windows((5, 200), (12,)).lookback_closes == 199
    assert Windows((5,), (300,)).lookback_closes == 299


def test_the_fixed_indicators_ask_for_twenty_closes() -> None:
    # volatility_20: twenty log returns of twenty-one closes, one of them the bar's own.
    assert Windows((5,), (12,)).lookback_closes == 20


def test_the_fixed_indicators_ask_for_nineteen_bars() -> None:
    assert Windows().lookback_bars == 19


@pytest.mark.parametrize(("windows", "closes"), [((5,), 199), ((200,), 199), ((201,), 200), ((1000,), 999)])
def test_a_lookback_may_hold_what_the_contract_or_a_window_allows(
    windows: tuple[int, ...], closes: int
) -> None:
    assert Windows(windows, (12,)).longest_lookback_closes == closes


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "5,",
        "five",
        "1",
        "0",
        "-5",
        "1001",
        "5.0",
        "5 20",
        "9" * 5000,
        "\N{FULLWIDTH DIGIT FIVE}",
        "+5",
        "5_0",
        "0x5",
    ],
)
def test_an_impossible_window_fails_by_the_settings_name(text: str) -> None:
    with pytest.raises(SettingsError, match="SMA_WINDOWS"):
        parse_windows(text, "12,26")
    with pytest.raises(SettingsError, match="EMA_WINDOWS"):
        parse_windows("5,20", text)


def test_a_window_cannot_stand_in_a_list_twice() -> None:
    with pytest.raises(SettingsError, match="EMA_WINDOWS: 12 stands there twice"):
        parse_windows("12", "12,26,12")


def test_a_window_with_leading_zeros_is_the_same_window() -> None:
    assert parse_windows("005", "12").sma == (5,)
