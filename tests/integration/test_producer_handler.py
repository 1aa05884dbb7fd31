"""The handler against moto's AWS and a provider on this machine."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError
from producer_stack import Market, invoke, producer_stack, serve_market, stream_ids, stream_records

from producer import handler
from stockstream.partitions import WHOLE


@pytest.fixture
def stack(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    with serve_market() as provider_url, producer_stack(monkeypatch, provider_url):
        yield


@pytest.mark.usefixtures("stack")
def test_two_runs_send_each_bar_once(
    load_event: Any, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    event = load_event("schedule")

    assert invoke(event) == {"IBM": 2}
    later = replace(handler._producer(WHOLE), now=lambda: datetime.now(UTC) + timedelta(minutes=2))  # noqa: SLF001
    with monkeypatch.context() as patch:
        patch.setattr(handler, "_producer", lambda _: later)
        assert invoke(event) == {"IBM": 0}
    assert stream_ids() == ["IBM|1min|2026-11-20T20:58:00Z", "IBM|1min|2026-11-20T20:59:00Z"]
    assert "the-key" not in capsys.readouterr().out


@pytest.mark.usefixtures("stack")
@pytest.mark.parametrize("provider", ["alpaca", "kraken"])
def test_coins_need_no_key_to_be_stored(provider: str, monkeypatch: pytest.MonkeyPatch) -> None:
    boto3.client("ssm").delete_parameter(Name="/stockstream/api-key")
    monkeypatch.setenv("PROVIDER", provider)
    monkeypatch.setenv("INSTRUMENTS", "crypto:BTC/USD,crypto:ETH/USD")

    assert invoke({}) == {"crypto:BTC/USD": 2, "crypto:ETH/USD": 2}


@pytest.mark.parametrize(
    ("provider", "instruments"), [("alpaca", "IBM,crypto:BTC/USD"), ("replay", "crypto:BTC/USD")]
)
@pytest.mark.filterwarnings("ignore:No application metrics")
@pytest.mark.usefixtures("stack")
def test_where_one_instrument_needs_the_key_it_must_be_stored(
    provider: str, instruments: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    boto3.client("ssm").delete_parameter(Name="/stockstream/api-key")
    monkeypatch.setenv("PROVIDER", provider)
    monkeypatch.setenv("INSTRUMENTS", instruments)

    with pytest.raises(ClientError, match="ParameterNotFound"):
        invoke({})


@pytest.mark.usefixtures("stack")
def test_a_key_that_was_replaced_is_read_again_in_the_run_that_is_refused(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    assert invoke({}) == {"IBM": 2}
    monkeypatch.setattr(Market, "key", "another-key")
    boto3.client("ssm").put_parameter(
        Name="/stockstream/api-key", Value="another-key", Type="SecureString", Overwrite=True
    )

    later = replace(handler._producer(WHOLE), now=lambda: datetime.now(UTC) + timedelta(minutes=2))  # noqa: SLF001
    with monkeypatch.context() as patch:
        patch.setattr(handler, "_producer", lambda _: later)
        assert invoke({}) == {"IBM": 0}

    assert "provider failed" not in caplog.messages
    ledger = later.ledger_item.read().ledger
    assert (ledger.spent, ledger.of_instrument("IBM").failures) == (3, 0)
    assert "-key" not in capsys.readouterr().out


@pytest.mark.usefixtures("stack")
def test_a_plan_of_one_request_a_minute_uses_a_replaced_key_in_the_next_run(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("REQUESTS_PER_MINUTE", "1")
    producer = handler._producer(WHOLE)  # noqa: SLF001
    monkeypatch.setattr(Market, "key", "another-key")
    boto3.client("ssm").put_parameter(
        Name="/stockstream/api-key", Value="another-key", Type="SecureString", Overwrite=True
    )

    assert invoke({}) == {}
    with monkeypatch.context() as patch:
        later = replace(producer, now=lambda: datetime.now(UTC) + timedelta(minutes=1))
        patch.setattr(handler, "_producer", lambda _: later)
        assert invoke({}) == {"IBM": 2}


@pytest.mark.usefixtures("stack")
def test_a_key_that_is_refused_and_was_not_replaced_is_told(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(Market, "key", "another-key")

    assert invoke({}) == {}

    (told,) = [each for each in caplog.records if each.message == "provider failed"]
    assert (told.__dict__["kind"], told.__dict__["outcome"]) == ("KeyRefusedError", "tell a person")
    assert handler._producer(WHOLE).ledger_item.read().ledger.spent == 1  # noqa: SLF001


@pytest.mark.usefixtures("stack")
def test_a_month_of_history_has_the_month_before_as_its_look_back(load_event: Any) -> None:
    assert invoke(load_event("backfill")) == {"IBM": {"sent": 2}}
    assert [(record["id"], record["lookback"]["close"]) for record in stream_records()] == [
        # 15:58 and 15:59 in New York's summer time.
        ("IBM|1min|2026-10-30T19:58:00Z", [11.0, 11.0]),
        ("IBM|1min|2026-10-30T19:59:00Z", [11.0, 11.0, 11.0]),
    ]


@pytest.mark.usefixtures("stack")
def test_says_with_the_numbers_that_a_plan_does_not_cover_its_instruments(
    monkeypatch: pytest.MonkeyPatch, load_event: Any, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("MARKET_HOURS", "regular")
    monkeypatch.setenv("REQUESTS_PER_DAY", "3")
    monkeypatch.setenv("REQUESTS_PER_MINUTE", "1")
    monkeypatch.setenv("INSTRUMENTS", "IBM,MSFT")

    invoke(load_event("schedule"))

    (warning,) = [each for each in caplog.records if each.message == "plan does not cover the instruments"]
    # 390 bars are four answers of a hundred, for each of the two.
    assert "2 instruments need 8 requests a day, and the plan has 3 a day" in warning.__dict__["detail"]
