"""Reading what others wrote."""

import re
from base64 import b64encode, urlsafe_b64encode
from urllib.parse import quote

import pytest

from stockstream.errors import Reason, RecordError
from stockstream.reading import keep_secret, parse_number, shorten


@pytest.mark.parametrize(
    ("value", "number"), [("1.5", 1.5), ("-2", -2.0), ("1e3", 1000.0), (7, 7.0), (0.25, 0.25)]
)
def test_a_number_may_be_a_text(value: object, number: float) -> None:
    assert parse_number(value, "close") == number


@pytest.mark.parametrize("value", ["", "nan", "1_1", "1,5", "٣", " 1", True, None, [1]], ids=repr)
def test_what_merely_resembles_a_number_is_none(value: object) -> None:
    with pytest.raises(RecordError, match=r"close is .*, and must be a number") as refused:
        parse_number(value, "close")

    assert refused.value.reason is Reason.BAD_TYPE


@pytest.mark.parametrize("value", [10**400, "1e999"], ids=["int", "text"])
def test_a_number_that_is_too_large_is_infinite(value: object) -> None:
    assert parse_number(value, "close") == float("inf")


def test_a_message_quotes_three_hundred_characters() -> None:
    assert shorten("x" * 1_000) == "x" * 300


KEY = "S3CR/ETKEY"
# Around it in what was encoded: where it begins in base64 says how it looks there.
EDGES = [(b"", b""), (b"?", b""), (b">>", b"?"), (b"key=", b""), (b"user:", b"&more=1"), (b"", b"~~")]


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
        KEY.replace("/", "\\/"),
        "".join(f"\\u{ord(each):04X}" for each in KEY),
        "".join(f"\\x{ord(each):02x}" for each in KEY),
        quote(KEY, safe=""),
        "".join(f"%{ord(each):02x}" for each in KEY),
        quote(quote(KEY, safe=""), safe=""),
        quote(quote(quote(KEY, safe=""), safe=""), safe=""),
        "".join(f"&#{ord(each)};" for each in KEY),
        "".join(f"&#x{ord(each):x};" for each in KEY),
        KEY.encode("utf-16").decode("latin-1"),
        KEY.encode().hex(),
        KEY.encode().hex().upper(),
        *(b64encode(ahead + KEY.encode() + behind).decode() for ahead, behind in EDGES),
        *(urlsafe_b64encode(ahead + KEY.encode() + behind).decode() for ahead, behind in EDGES),
        quote(b64encode(b"user:" + KEY.encode()).decode(), safe=""),
    ],
    ids=repr,
)
def test_a_secret_is_in_no_message_however_somebody_repeats_it(echo: str) -> None:
    shown = shorten(f"your key {echo} is used up")

    # Where it stands too far behind for a message, all of it is cut off.
    assert "[key]" in shown or len(echo) > 290
    assert KEY.lower() not in shown.lower()
    # What stood around it in base64 is all that may be left of that.
    assert not any(word in shown for word in re.findall(r"[\w+/-]{9,}", echo) if "x" * 9 not in word)
    assert not any(KEY[:length] in shown for length in range(4, len(KEY)))


def test_a_secret_may_be_added_by_another_thread_while_a_message_is_written(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    class Slow(str):
        """A secret during whose comparison another thread adds its own."""

        __slots__ = ()

        def casefold(self) -> str:
            keep_secret("https://hooks.example.com/another-channel")
            return super().casefold()

    monkeypatch.setattr("stockstream.reading._SECRETS", {Slow(KEY)})

    assert shorten(f"your key {KEY} is used up") == "your key [key] is used up"


@pytest.mark.usefixtures("_key")
def test_what_is_no_secret_stays() -> None:
    assert shorten(f"a demo of {KEY}") == "a demo of [key]"
    assert shorten(r"100%25 of \u0041 &#65; \/") == r"100%25 of \u0041 &#65; \/"


@pytest.mark.usefixtures("_key")
@pytest.mark.parametrize(
    ("encoded", "shown"),
    [
        # Four letters are three bytes: what a letter has of the key and of what is beside it may stay.
        ("UzNDUi9FVEtFWQ==", "[key]Q=="),  # the key alone
        ("P1MzQ1IvRVRLRVk=", "P1[key]k="),  # behind ?
        ("Pj5TM0NSL0VUS0VZ", "Pj5[key]"),  # behind >>
    ],
)
def test_of_a_key_in_base64_no_letter_stays_that_is_its_own(encoded: str, shown: str) -> None:
    assert shorten(f"refused: {encoded}!") == f"refused: {shown}!"


def test_what_is_shorter_than_eight_letters_is_no_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("stockstream.reading._SECRETS", set())
    keep_secret("seven77")
    keep_secret("eight888")

    assert shorten("seven77 and eight888") == "seven77 and [key]"


def test_a_message_shows_all_that_it_holds() -> None:
    assert shorten("ok \x1b[31m \u202e \ud800 \n é\xa0日 'a' \\") == (
        r"ok \x1b[31m \u202e \ud800 \n é" + "\xa0日 'a' \\"
    )
