"""What would be refused of the parameters, before anything is built."""

from pathlib import Path

import pytest

from stockstream_deploy.parameters import merge
from stockstream_deploy.values import Values, examine_values
from stockstream_generate.template_file import read_template
from stockstream_operate.doctor.finding import Level

ROOT = Path(__file__).parents[3]
TEMPLATE = read_template()
ARN = "arn:aws:es:eu-west-1:123456789012:domain/bars"


def said(**chosen: str) -> list[tuple[Level, str]]:
    """What is found, and, for what is in the way, that the remedy says something."""
    findings = list(examine_values(Values(TEMPLATE, merge(TEMPLATE, {}, chosen))))
    assert all(bool(each.remedy) is (each.level is Level.PROBLEM) for each in findings)
    return [(each.level, each.words) for each in findings]


def test_the_defaults_are_taken() -> None:
    assert said() == [(Level.GOOD, f"the template and the functions take all {len(TEMPLATE['Parameters'])}")]


@pytest.mark.parametrize(
    ("chosen", "words"),
    [
        ({"SmaWindows": "5,5"}, "SmaWindows is '5,5'"),
        ({"SmaWindows": "2000"}, "SmaWindows is '2000'"),
        ({"Interval": "2min"}, "Interval is '2min'"),
        ({"RequestsPerDay": "0.5"}, "RequestsPerDay is '0.5'"),
        ({"PriceMovePercent": "0.0"}, "PriceMovePercent is '0.0'"),
        ({"Instruments": "VOD.XYZ"}, "INSTRUMENTS: VOD.XYZ: no calendar says when .XYZ trades"),
        ({"PriceMoveInstruments": "MSFT"}, "PRICE_MOVE_INSTRUMENTS: MSFT is not followed"),
        (
            {"Provider": "alpaca", "Instruments": "fx:EUR/USD"},
            "INSTRUMENTS: Alpaca has no bars of fx:EUR/USD",
        ),
        ({"AlertChannels": "/slack,/slack"}, "AlertChannels is '/slack,/slack'"),
        ({"SearchDomainArn": ARN}, "SearchDomainArn needs SearchEndpoint"),
        ({"SearchEndpoint": "https://a.io"}, "SearchEndpoint needs SearchDomainArn"),
        ({"Provider": "replay"}, "Provider is replay"),
    ],
)
def test_what_would_stop_a_function_or_cost_money_in_vain_is_in_the_way(
    chosen: dict[str, str], words: str
) -> None:
    ((level, found),) = said(**chosen)

    assert level is Level.PROBLEM
    assert words in found


def test_what_only_two_parameters_together_make_well_is_well() -> None:
    levels = [
        level
        for chosen in (
            {"Instruments": "VOD.XYZ", "MarketHours": "always"},
            {"PriceMoveInstruments": "MSFT", "Instruments": "IBM,MSFT"},
            {"SearchDomainArn": ARN, "SearchEndpoint": "https://a.io"},
        )
        for level, _ in said(**chosen)
    ]

    assert levels == [Level.GOOD] * 3


@pytest.mark.parametrize(
    ("count", "words"), [(530, None), (600, "the environment of ProducerFunction"), (700, "Instruments has")]
)
def test_more_instruments_than_fit_are_told_of(count: int, words: str | None) -> None:
    """A symbol of five letters and its comma are six bytes."""
    found = said(Instruments=",".join(f"A{number:04}" for number in range(count)))

    assert [level for level, _ in found] == [Level.PROBLEM if words else Level.GOOD]
    assert (words or "") in found[0][1]
