"""What a setting may be; and that a bad one is named, with what it should be."""

import pytest

from stockstream.errors import SettingsError
from stockstream.settings import (
    is_parameter_name,
    is_private,
    read_choice,
    read_number,
    read_parameter_name,
    read_text,
    read_url,
    read_whole_number,
)


@pytest.mark.parametrize("environ", [{}, {"A": ""}, {"A": "  "}])
def test_what_is_missing_is_named(environ: dict[str, str]) -> None:
    with pytest.raises(SettingsError, match=r"^A is not set$"):
        read_text(environ, "A")


def test_spaces_around_a_value_are_none_of_it() -> None:
    assert read_text({"A": " x y "}, "A") == "x y"


@pytest.mark.parametrize(
    ("text", "number"),
    [("0", 0.0), ("5", 5.0), ("0.25", 0.25), ("0.000001", 0.000001), ("9.500000", 9.5), ("10", 10.0)],
)
def test_a_number_is_written_plainly(text: str, number: float) -> None:
    assert read_number({"A": text}, "A", at_least=0, at_most=10) == number


@pytest.mark.parametrize(
    "text",
    ["0.0", "0.000000", "-1", "10.1", "11", "05", ".5", "5.", "1e1", "0.0000001", "nan", "inf", "five"],
)
def test_a_number_in_another_form_or_outside_its_bounds_is_refused(text: str) -> None:
    with pytest.raises(SettingsError, match=f"^A is '{text}', and must be a number from 0 to 10, written as"):
        read_number({"A": text}, "A", at_least=0, at_most=10)


def test_a_number_that_must_be_above_0_is_not_0() -> None:
    assert read_number({"A": "0.5"}, "A", at_least=0.5, at_most=10) == 0.5
    with pytest.raises(SettingsError, match=r"from 0.5 to 10"):
        read_number({"A": "0"}, "A", at_least=0.5, at_most=10)


@pytest.mark.parametrize("text", ["1", "25", "99999999"])
def test_a_whole_number_has_no_point(text: str) -> None:
    assert read_whole_number({"A": text}, "A", at_least=1, at_most=99_999_999) == int(text)


@pytest.mark.parametrize("text", ["0", "26", "007", "5.0", "-5", "1_0", "\u0665", "999999999"])
def test_a_whole_number_in_another_form_or_outside_its_bounds_is_refused(text: str) -> None:
    with pytest.raises(SettingsError, match=f"^A is '{text}', and must be a whole number from 1 to 25$"):
        read_whole_number({"A": text}, "A", at_least=1, at_most=25)


def test_a_choice_is_one_of_a_few_words() -> None:
    assert read_choice({"A": "iex"}, "A", ("iex", "sip")) == "iex"
    with pytest.raises(SettingsError, match=r"^A is 'IEX', and must be one of iex, sip$"):
        read_choice({"A": "IEX"}, "A", ("iex", "sip"))


@pytest.mark.parametrize(
    ("text", "url"),
    [
        ("https://data.example.com", "https://data.example.com"),
        ("https://example.com:8443/data/", "https://example.com:8443/data"),
        ("https://example.com:65535", "https://example.com:65535"),
        ("http://127.0.0.1:4566", "http://127.0.0.1:4566"),
        ("http://localhost/", "http://localhost"),
        ("http://host.docker.internal:1", "http://host.docker.internal:1"),
    ],
)
def test_an_address_is_one_of_https_or_of_this_machine(text: str, url: str) -> None:
    assert read_url({"A": text}, "A") == url


@pytest.mark.parametrize(
    "text",
    [
        "http://example.com",
        "https://example.com:65536",
        "https://example.com:0",
        "https://user@example.com",
        "https://example.com?key=1",
        "https://example.com//data",
        "https://",
        "ftp://localhost",
        "data.example.com",
    ],
)
def test_another_address_is_refused(text: str) -> None:
    with pytest.raises(SettingsError, match=r"and must be the address of a server, https://data.example.com"):
        read_url({"A": text}, "A")


@pytest.mark.parametrize(
    ("name", "is_one"), [("/a/b.c-d_E9", True), ("a", False), ("/", False), ("/a/", False)]
)
def test_a_parameters_name_begins_with_a_slash_and_is_not_quoted_where_it_is_none(
    name: str, *, is_one: bool
) -> None:
    assert is_parameter_name(name) is is_one
    if is_one:
        assert read_parameter_name({"A": name}, "A") == name
    else:
        with pytest.raises(
            SettingsError, match=r"^A must be the name of an SSM parameter, such as /stockstream/"
        ):
            read_parameter_name({"A": name}, "A")


@pytest.mark.parametrize(
    ("url", "is_safe"),
    [
        ("https://example.com/hook", True),
        ("http://localhost:9200", True),
        ("http://127.0.0.1", True),
        ("http://example.com", False),
        ("ftp://localhost", False),
        ("https://", False),
        ("https://[", False),
    ],
)
def test_nobody_reads_along_with_https_or_on_this_machine(url: str, *, is_safe: bool) -> None:
    assert is_private(url) is is_safe
