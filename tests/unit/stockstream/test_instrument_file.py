"""The file that lists instruments: what its lines mean, and what a bad one costs."""

from stockstream.errors import InstrumentError
from stockstream.instrument_file import RefusedLine, parse_instrument_file
from stockstream.instruments import Instrument


def names(text: str) -> list[str]:
    return [each.name for each in parse_instrument_file(text).instruments]


def test_one_instrument_stands_in_a_line_and_comments_stand_anywhere() -> None:
    text = "# New York\nIBM\n\n  TSCO.LON   # Tesco\nfx:EUR/USD#\n\t\ncrypto:BTC/USD"
    assert names(text) == ["IBM", "TSCO.LON", "fx:EUR/USD", "crypto:BTC/USD"]


def test_a_file_of_windows_lists_the_same() -> None:
    assert names("\ufeffIBM\r\nMSFT\r\n") == ["IBM", "MSFT"]


def test_an_instrument_that_stands_twice_is_followed_once() -> None:
    assert names("IBM\nMSFT\nIBM # again") == ["IBM", "MSFT"]


def test_a_bad_line_is_told_by_its_number_and_costs_no_other_line_anything() -> None:
    found = parse_instrument_file("# first\nIBM\nibm\n\nAAPL, MSFT\nMSFT")

    assert [each.name for each in found.instruments] == ["IBM", "MSFT"]
    assert [(each.number, each.text) for each in found.refused] == [(3, "ibm"), (5, "AAPL, MSFT")]
    assert "'ibm' names no instrument" in found.refused[0].reason


def test_an_instrument_that_cannot_be_followed_is_a_bad_line() -> None:
    def check(instrument: Instrument) -> None:
        if instrument.asset_class == "fx":
            raise InstrumentError("no pairs here")

    found = parse_instrument_file("IBM\nfx:EUR/USD", check)

    assert [each.name for each in found.instruments] == ["IBM"]
    assert found.refused == (RefusedLine(2, "fx:EUR/USD", "no pairs here"),)


def test_a_file_of_nothing_lists_nothing() -> None:
    assert parse_instrument_file("# nobody\n\n") == ((), ())


def test_ten_thousand_lines_are_ten_thousand_instruments() -> None:
    text = "\n".join(f"SHARE{number} # number {number}" for number in range(10_000))
    assert len(parse_instrument_file(text).instruments) == 10_000


def test_of_a_long_bad_line_sixty_letters_are_told() -> None:
    (refused,) = parse_instrument_file(61 * "x").refused

    assert refused.text == 60 * "x"
