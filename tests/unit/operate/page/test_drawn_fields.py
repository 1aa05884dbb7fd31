"""Which fields the page draws: those that the table of fields has."""

from stockstream.windows import Windows
from stockstream_operate.page.drawn_fields import OVER, RETURNS, RSI, list_drawn_fields, shape_fields


def test_averages_and_bands_lie_over_the_candles() -> None:
    drawn = {field.name: field for field in list_drawn_fields(Windows())}

    assert {name for name, field in drawn.items() if field.place == OVER} == {
        "sma_5",
        "sma_20",
        "sma_50",
        "sma_200",
        "ema_12",
        "ema_26",
        "bollinger_upper_20",
        "bollinger_lower_20",
        "vwap_20",
    }
    assert [name for name, field in drawn.items() if field.place == RSI] == ["rsi_14"]
    assert [name for name, field in drawn.items() if field.place == RETURNS] == ["return_1"]


def test_averages_follow_the_windows_of_the_stack() -> None:
    names = [field.name for field in list_drawn_fields(Windows((7,), (3, 9)))]

    assert [name for name in names if "ma_" in name] == ["sma_7", "ema_3", "ema_9"]


def test_what_the_dashboards_draw_is_drawn_from_the_start() -> None:
    groups = {field.group for field in list_drawn_fields(Windows()) if field.place == OVER and field.is_shown}

    assert groups == {"sma_20", "sma_50", "bollinger_20"}


def test_a_field_has_words_for_people() -> None:
    told = {each["name"]: each for each in shape_fields(list_drawn_fields(Windows()))}

    assert (told["ema_12"]["label"], told["bollinger_upper_20"]["label"]) == ("EMA 12", "Bollinger 20")
    assert told["return_1"]["label"] == "Return"
    assert "`" not in "".join(str(each["words"]) for each in told.values())
