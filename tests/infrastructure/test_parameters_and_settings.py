"""A parameter and the setting that it becomes are one rule in two homes: what the one takes, the other takes.

Whoever is refused when a stack is deployed reads why; what only the function refuses stops the pipeline.
"""

import re
import string
from collections.abc import Callable
from typing import Any

import pytest
from examples import examples
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from resolved_template import ResolvedTemplate

from alert.settings import parse_channels
from producer.providers.catalogue import PROVIDERS
from producer.settings import read_settings
from stockstream.bars import INTERVALS
from stockstream.errors import SettingsError
from stockstream.partitions import PARTITIONS
from stockstream.sessions import HOURS
from stockstream.windows import parse_windows
from stockstream_generate.template_file import BUDGET, read_template
from transform.report import LEVELS

TEMPLATE = read_template()
PARAMETERS: dict[str, dict[str, Any]] = TEMPLATE["Parameters"]
# What a person can type.
TYPED = string.digits + string.ascii_letters + string.punctuation + " "


# The producer's environment with every default, whatever AWS names its stream and its table.
DEFAULTS = {
    name: str(ResolvedTemplate().resolve(value))
    for name, value in TEMPLATE["Resources"]["ProducerFunction"]["Properties"]["Environment"][
        "Variables"
    ].items()
}


def producer(name: str, **others: str) -> Callable[[str], object]:
    """What reads a variable of the producer's environment."""
    return lambda text: read_settings(DEFAULTS | {name: text} | others)


# By parameter of any text, what reads it. Which exchanges are known depends on MarketHours:
# no pattern can say that, and the check before a deployment does.
READERS: dict[str, Callable[[str], object]] = {
    "Instruments": producer("INSTRUMENTS", MARKET_HOURS="always"),
    "ApiKeyParameterName": producer("API_KEY_PARAMETER_NAME"),
    # The template puts the known address in the place of none.
    "ProviderUrl": lambda text: producer("PROVIDER_URL")(text or DEFAULTS["PROVIDER_URL"]),
    "RequestsPerDay": producer("REQUESTS_PER_DAY"),
    "RequestsPerMinute": producer("REQUESTS_PER_MINUTE"),
    "SmaWindows": lambda text: parse_windows(text, "12"),
    "EmaWindows": lambda text: parse_windows("5", text),
    "PriceMovePercent": producer("PRICE_MOVE_PERCENT"),
    "PriceMoveBars": producer("PRICE_MOVE_BARS"),
    # With all of them followed.
    "PriceMoveInstruments": lambda text: producer(
        "PRICE_MOVE_INSTRUMENTS", INSTRUMENTS=text or "IBM", MARKET_HOURS="always"
    )(text),
    "AlertChannels": parse_channels,
}
# What one home took and the other refused, or both took and one of them misread.
KNOWN = {
    "Instruments": [
        "IBM,,MSFT", "IBM,", ",", "ibm", " IBM , MSFT ", "IBM,IBM", "BRK/B,BRK-B,BRK.B", "BAC/PRL", "BAC/PL",
        "ABC/WS", "ABC/UN", "EUR/USD", "ES=F", "EURUSD=X", "^GSPC", "VOD.L", "BRK/B.LON", "LONGERX/B",
    ],
    "ApiKeyParameterName": ["api-key", "/a//b", "/a b", "/"],
    "ProviderUrl": ["https://@", "https://:80", "https://a:65536", "https://u:p@a.io", "https://a.io/?"],
    "RequestsPerDay": ["0.5", "25.0", "1e1", "-1", "9999999", "10000000", "", "025"],
    "RequestsPerMinute": ["1200", "1201", "10000", "10001", "0", "0.5"],
    "SmaWindows": [
        "1", "0", "2000", "5,5", "5,20,5", "05", "5, 20", "5,", "5,55", "2,3,4,5,6,7,8,9,10,11,12",
    ],
    "EmaWindows": ["1", "0", "2000", "12,12", "1000", "1001", "26,126"],
    "PriceMovePercent": ["0.0", "0", "0.5", "1000", "1000.1", "1e3", "inf", "00", "5.", ".5", "0.0000001"],
    "PriceMoveBars": ["0", "1.5", "99", "100", "05"],
    "PriceMoveInstruments": ["", " ", "ibm", "IBM,,MSFT"],
    "AlertChannels": ["/slack,/slack", "/a/slack, /b/slack", "//slack", "/a/slack,", "/a/slack,/a/teams"],
}  # fmt: skip


def takes_by_template(name: str, text: str) -> bool:
    return bool(re.fullmatch(PARAMETERS[name]["AllowedPattern"], text))


def takes_by_settings(name: str, text: str) -> bool:
    try:
        READERS[name](text)
    except SettingsError:
        return False
    return True


@st.composite
def nearly(draw: st.DrawFn, name: str) -> str:
    """A text that a parameter takes, or that is a few keys away from one."""
    text: str = draw(st.from_regex(PARAMETERS[name]["AllowedPattern"], fullmatch=True))
    for _ in range(draw(st.integers(0, 3))):
        place, length = draw(st.integers(0, len(text))), draw(st.integers(0, 3))
        # Something that is typed, or that stands there already, in the place of up to three characters.
        new = draw(
            st.text(TYPED, max_size=2) | st.sampled_from([text, text[:place], text[place:], ",", "0", "."])
        )
        text = text[:place] + new + text[place + length :]
    return text


@pytest.mark.parametrize(("name", "text"), [(name, text) for name, texts in KNOWN.items() for text in texts])
def test_what_was_taken_by_one_home_alone_is_taken_by_both_or_none(name: str, text: str) -> None:
    assert takes_by_template(name, text) is takes_by_settings(name, text)


@pytest.mark.parametrize("name", READERS)
@settings(max_examples=examples(50))
@given(data=st.data())
def test_the_template_and_the_settings_take_the_same_texts(name: str, data: st.DataObject) -> None:
    text = data.draw(nearly(name))
    # A setting forgives spaces around it; where a parameter does not, it is the stricter home.
    assume(text == text.strip())

    assert takes_by_template(name, text) is takes_by_settings(name, text)


def test_each_parameter_of_any_text_that_a_function_reads_is_compared() -> None:
    read = {
        match
        for function in TEMPLATE["Resources"].values()
        if function["Type"] == "AWS::Serverless::Function"
        for match in re.findall(r"'Ref': '(\w+)'", str(function["Properties"].get("Environment")))
        if match in PARAMETERS and "AllowedValues" not in PARAMETERS[match]
    }

    assert read == set(READERS)


@pytest.mark.parametrize(
    ("name", "choices"),
    [
        ("Interval", INTERVALS),
        ("Provider", PROVIDERS),
        ("MarketHours", HOURS),
        ("ProducerPartitions", map(str, PARTITIONS)),
    ],
)
def test_a_parameter_with_choices_has_those_of_the_settings(name: str, choices: Any) -> None:
    assert PARAMETERS[name]["AllowedValues"] == list(choices)


def test_every_level_of_the_log_is_known_to_the_transform() -> None:
    assert set(PARAMETERS["LogLevel"]["AllowedValues"]) < set(LEVELS)


def test_a_number_has_one_way_to_be_written() -> None:
    """Conditions compare texts, and the dashboard's JSON holds them."""
    everything = PARAMETERS | read_template(BUDGET)["Parameters"]
    assert {each["Type"] for each in everything.values()} == {"String"}

    pattern = {name: each["AllowedPattern"] for name, each in everything.items() if "AllowedPattern" in each}
    numbers = {name for name, each in pattern.items() if re.fullmatch(each, "20")} - {
        "SmaWindows",
        "EmaWindows",
    }
    numbers -= {"Instruments", "PriceMoveInstruments"}  # 20 can be a symbol
    assert len(numbers) == 13
    for name in numbers:
        for text in ("0.0", "00", "020", "+20", "2e1", "0x20", " 20", "20.", "nan", "-1"):
            assert not re.fullmatch(pattern[name], text), (name, text)


@pytest.mark.parametrize(
    ("endpoint", "arn", "is_taken"),
    [
        ("", "", True),
        ("https://a.io", "arn:aws:es:eu-west-1:123456789012:domain/bars", True),
        ("https://a.io", "", False),
        ("", "arn:aws:es:eu-west-1:123456789012:domain/bars", False),
    ],
)
def test_a_domain_of_the_users_own_is_named_by_its_address_and_its_arn(
    endpoint: str, arn: str, *, is_taken: bool
) -> None:
    resolved = ResolvedTemplate(SearchEndpoint=endpoint, SearchDomainArn=arn)

    broken = [
        name
        for name, rule in TEMPLATE["Rules"].items()
        if resolved.resolve(rule["RuleCondition"])
        and not all(resolved.resolve(each["Assert"]) for each in rule["Assertions"])
    ]
    assert (broken == []) is is_taken


def test_what_the_pattern_of_the_budget_takes_is_an_amount() -> None:
    pattern = read_template(BUDGET)["Parameters"]["MonthlyBudget"]["AllowedPattern"]

    assert [
        text for text in ("20", "1", "99.50", "0", "0.0", "0.5", "", "1e2") if re.fullmatch(pattern, text)
    ] == [
        "20",
        "1",
        "99.50",
    ]
