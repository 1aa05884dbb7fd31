"""The settings of the averages."""

import pytest

from stockstream.errors import SettingsError
from stockstream.windows import Windows, parse_windows


def test_reads_the_lists_of_the_template() -> None:
    assert parse_windows("5,20,50,200", "12,26") == Windows((5, 20, 50, 200), (12, 26))


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
        "5, 20",
        " 5",
        "005",
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
    with pytest.raises(SettingsError, match="EMA_WINDOWS: 12 is listed twice"):
        parse_windows("12", "12,26,12")


def test_the_defaults_are_the_contracts() -> None:
    assert Windows() == Windows((5, 20, 50, 200), (12, 26))


def test_a_window_is_from_2_to_1000() -> None:
    assert parse_windows("2,1000", "1000,2") == Windows((2, 1000), (1000, 2))


def test_ten_windows_are_the_most() -> None:
    ten = ",".join(str(window) for window in range(2, 12))
    assert len(parse_windows(ten, "12").sma) == 10
    with pytest.raises(SettingsError, match="SMA_WINDOWS: 11 windows are listed, and at most 10 may be"):
        parse_windows(f"{ten},12", "12")
