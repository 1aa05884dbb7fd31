"""Reading what others wrote."""

import pytest

from stockstream.errors import Reason, RecordError
from stockstream.reading import keep_secret, read_number, shorten


@pytest.mark.parametrize(
    ("value", "number"), [("1.5", 1.5), ("-2", -2.0), ("1e3", 1000.0), (7, 7.0), (0.25, 0.25)]
)
def test_a_number_may_be_a_text(value: object, number: float) -> None:
    assert read_number(value, "close") == number


@pytest.mark.parametrize("value", ["", "nan", "1_1", "1,5", "٣", " 1", True, None, [1]], ids=repr)
def test_what_merely_resembles_a_number_is_none(value: object) -> None:
    with pytest.raises(RecordError, match=r"close is .*, and must be a number") as refused:
        read_number(value, "close")

    assert refused.value.reason is Reason.BAD_TYPE


def test_a_message_quotes_three_hundred_characters() -> None:
    assert shorten("x" * 1_000) == "x" * 300


KEY = "S3CR/ETKEY"


@pytest.fixture
def _key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("stockstream.reading._SECRETS", set())
    keep_secret(KEY)
    keep_secret("demo")


@pytest.mark.usefixtures("_key")
@pytest.mark.parametrize(
    "echo",
    [
        KEY,
        KEY.lower(),
        "\0".join(KEY),  # UTF-16, read as if it were ASCII
        "\u200b".join(KEY),
        KEY[:4] + "\u202e" + KEY[4:],
        300 * "x" + KEY,
        293 * "x" + KEY,
    ],
)
def test_a_secret_is_in_no_message_however_somebody_repeats_it(echo: str) -> None:
    shown = shorten(f"your key {echo} is used up")

    assert KEY.lower() not in shown.lower()
    assert not any(KEY[:length] in shown for length in range(4, len(KEY)))


@pytest.mark.usefixtures("_key")
def test_what_is_no_secret_stays() -> None:
    assert shorten(f"a demo of {KEY}") == "a demo of [key]"


def test_a_message_shows_all_that_it_holds() -> None:
    assert shorten("ok \x1b[31m \u202e \ud800 \n é\xa0日 'a' \\") == (
        r"ok \x1b[31m \u202e \ud800 \n é" + "\xa0日 'a' \\"
    )
