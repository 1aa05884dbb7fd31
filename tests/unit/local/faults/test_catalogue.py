"""What can be broken: each fault as the pipeline's own parts see it, and its end."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import requests

from stockstream.instruments import parse_instrument
from stockstream_local.emulator.refusal import refusal_file, unreadable_file
from stockstream_local.faults.catalogue import FaultError, Faults
from stockstream_local.market.recording import Recording
from stockstream_local.market.replay import InventedMarket, ReplayMarket
from stockstream_local.notices import NoticeReceiver

NOON = datetime(2026, 11, 24, 12, 0, 30, tzinfo=UTC)
ASK = "/query?function=TIME_SERIES_INTRADAY&symbol=IBM&interval=1min&outputsize=compact&apikey=any"


class Site:
    """A market and a webhook, and what can be broken about them."""

    def __init__(self, state: Path) -> None:
        self.now = NOON
        self.market = ReplayMarket(InventedMarket(), clock=lambda: self.now)
        self.receiver = NoticeReceiver()
        self.state = state
        self.faults = Faults(self.market, self.receiver, state, lambda _name: "none")

    def ask(self) -> requests.Response:
        return requests.get(self.market.url + ASK, timeout=30)

    def newest_bar(self) -> str:
        series: dict[str, object] = self.ask().json()["Time Series (1min)"]
        return max(series)


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    site = Site(tmp_path)
    with site.market, site.receiver:
        yield site


def test_a_provider_that_is_down_answers_503_until_it_is_mended(site: Site) -> None:
    site.faults.begin("provider-down")
    assert site.ask().status_code == 503

    site.faults.end("provider-down")
    assert site.ask().status_code == 200


def test_a_refused_key_is_told_as_alpha_vantage_does(site: Site) -> None:
    site.faults.begin("key-refused")

    answer = site.ask()

    # Its errors are answers, too.
    assert answer.status_code == 200
    assert "apikey is invalid or missing" in answer.json()["Error Message"]


def test_a_frozen_provider_shows_nothing_newer(site: Site) -> None:
    before = site.newest_bar()
    site.faults.begin("provider-frozen")
    site.now = NOON + timedelta(minutes=10)

    assert site.newest_bar() == before
    site.faults.end("provider-frozen")
    assert site.newest_bar() > before


@pytest.mark.parametrize(("name", "decimals"), [("IBM", 4), ("fx:EUR/USD", 5)])
def test_a_jump_moves_every_price_from_the_next_bar_on(site: Site, name: str, decimals: int) -> None:
    pair = parse_instrument(name)
    later = NOON + timedelta(minutes=5)
    before = site.market.source.bars_at(pair, "1min", later, 10)

    said = site.faults.begin("price-jump")

    after = site.market.source.bars_at(pair, "1min", later, 10)
    first = datetime(2026, 11, 24, 12, 1, tzinfo=UTC)
    assert [bar.close for bar in after if bar.open_time < first] == [
        bar.close for bar in before if bar.open_time < first
    ]
    moved = [(old, new) for old, new in zip(before, after, strict=True) if new.open_time >= first]
    assert len(moved) in {4, 5}  # a share has minutes without trades
    for old, new in moved:
        prices = [old.open, old.high, old.low, old.close]
        assert [new.open, new.high, new.low, new.close] == pytest.approx(
            [1.1 * price for price in prices], abs=0.5 * 10**-decimals
        )
        # The market writes no further digit.
        assert [round(price, decimals) for price in (new.open, new.close)] == [new.open, new.close]
        assert new.volume == old.volume
    # THEN there is nothing to mend
    assert "PriceMoveAlarm" in said
    assert site.faults.active == set()


def test_a_recordings_prices_do_not_jump(site: Site) -> None:
    path = site.state / "recorded.json"
    path.write_bytes(site.ask().content)
    with ReplayMarket(Recording(path)) as replay:
        faults = Faults(replay, site.receiver, site.state, lambda _name: "none")

        with pytest.raises(FaultError, match="recording"):
            faults.begin("price-jump")


@pytest.mark.parametrize(
    ("fault", "error_code"),
    [("stream-failing", "InternalFailure"), ("stream-full", "ProvisionedThroughputExceededException")],
)
def test_the_stream_is_told_what_to_refuse_with(site: Site, fault: str, error_code: str) -> None:
    site.faults.begin(fault)
    assert refusal_file(site.state).read_text() == error_code

    site.faults.end(fault)
    assert not refusal_file(site.state).exists()


def test_a_delivery_that_may_not_read_is_told_so(site: Site) -> None:
    site.faults.begin("delivery-idle")
    assert unreadable_file(site.state).exists()

    site.faults.end("delivery-idle")
    assert not unreadable_file(site.state).exists()


def test_a_webhook_that_is_down_takes_no_notice(site: Site) -> None:
    site.faults.begin("webhook-down")
    assert requests.post(site.receiver.url, json={"name": "first"}, timeout=30).status_code == 503

    site.faults.end("webhook-down")
    assert requests.post(site.receiver.url, json={"name": "second"}, timeout=30).status_code == 200
    assert site.receiver.notices.get() == {"name": "second"}
    assert site.receiver.notices.empty()


def test_one_fault_of_a_part_at_a_time(site: Site) -> None:
    site.faults.begin("provider-down")
    site.faults.begin("stream-full")

    with pytest.raises(
        FaultError, match="provider-down is active, and would hide key-refused: mend it first"
    ):
        site.faults.begin("key-refused")
    with pytest.raises(FaultError, match="active already"):
        site.faults.begin("provider-down")
    assert site.faults.active == {"provider-down", "stream-full"}


def test_what_is_not_broken_cannot_be_mended(site: Site) -> None:
    for name in ("provider-down", "price-jump"):
        with pytest.raises(FaultError, match="nothing to mend"):
            site.faults.end(name)


def test_an_unknown_fault_is_answered_with_those_that_there_are(site: Site) -> None:
    with pytest.raises(FaultError, match=r"There is no fault market\. There are: provider-down, "):
        site.faults.begin("market")


@pytest.mark.parametrize("name", ["provider-down", "provider-frozen", "key-refused", "price-jump"])
def test_a_real_provider_cannot_be_broken_from_here(site: Site, name: str) -> None:
    faults = Faults(site.market, site.receiver, site.state, lambda _name: "none", is_live=True)

    with pytest.raises(FaultError, match=f"LIVE.*not {name}"):
        faults.begin(name)
    assert faults.active == set()
    assert faults.begin("stream-full").startswith("Fault stream-full")
