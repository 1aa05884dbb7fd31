"""The producer's list in a file in S3: read when it has changed, and never worse than the last good one."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import boto3
import pytest
from botocore.client import BaseClient
from botocore.exceptions import ClientError
from producer_stack import invoke, producer_stack, serve_market

from producer import handler
from stockstream.instrument_file import INSTRUMENT_FILE, MOST_BYTES
from stockstream.partitions import WHOLE

BUCKET = "the-lake"


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """The calls of AWS that the test's producer makes, from when it stands."""
    made: list[str] = []
    call: Any = vars(BaseClient)["_make_api_call"]

    def record(client: BaseClient, operation: str, arguments: Any) -> Any:
        made.append(operation)
        return call(client, operation, arguments)

    with serve_market() as url, producer_stack(monkeypatch, url):
        monkeypatch.setenv("PROVIDER", "alpaca")
        monkeypatch.setenv("INSTRUMENTS", "crypto:BTC/USD")
        monkeypatch.setenv("INSTRUMENT_BUCKET_NAME", BUCKET)
        boto3.client("s3").create_bucket(Bucket=BUCKET)
        monkeypatch.setattr(BaseClient, "_make_api_call", record)
        yield made


def put(text: str | bytes) -> None:
    body = text if isinstance(text, bytes) else text.encode()
    boto3.client("s3").put_object(Bucket=BUCKET, Key=INSTRUMENT_FILE, Body=body)


def delete() -> None:
    boto3.client("s3").delete_object(Bucket=BUCKET, Key=INSTRUMENT_FILE)


def run() -> list[str]:
    """What is followed after a run."""
    invoke({})
    return followed()


def followed() -> list[str]:
    return [each.name for each in handler._producer(WHOLE).watchlist.instruments]  # noqa: SLF001


def begin_anew() -> None:
    """Lambda takes another container."""
    for cached in (handler._producer, handler._listed, handler._settings):  # noqa: SLF001
        cached.cache_clear()


@dataclass
class Told:
    """What the producer has said of its list since the last look."""

    log: pytest.LogCaptureFixture
    printed: pytest.CaptureFixture[str]

    def details(self) -> list[str]:
        """Of the lines that a person is told of."""
        lines = [
            each.__dict__["detail"]
            for each in self.log.records
            if each.levelname == "ERROR"
            and each.message in {"instrument line refused", "instruments not read"}
        ]
        self.log.clear()
        return lines

    def counted(self) -> float:
        """By the metric that an alarm looks at."""
        lines = [json.loads(line) for line in self.printed.readouterr().out.splitlines() if '"_aws"' in line]
        return sum(sum(line.get("InstrumentsSilent", [])) for line in lines)


@pytest.fixture
def told(caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]) -> Told:
    return Told(caplog, capsys)


def test_the_parameter_counts_until_there_is_a_file_and_the_file_from_then_on(
    calls: list[str], told: Told
) -> None:
    assert run() == ["crypto:BTC/USD"]
    # Nobody is woken for a file that was not there before.
    assert told.counted() == 0

    put("crypto:ETH/USD # ether\ncrypto:SOL/USD\n")
    assert run() == ["crypto:ETH/USD", "crypto:SOL/USD"]
    assert (told.details(), told.counted()) == ([], 0)
    assert "GetObject" in calls


def test_a_new_container_looks_for_the_file_once(calls: list[str]) -> None:
    put("crypto:ETH/USD")
    calls.clear()

    assert run() == ["crypto:ETH/USD"]
    assert calls.count("GetObject") == 1


def test_a_file_that_has_not_changed_costs_one_call_and_keeps_the_producer(calls: list[str]) -> None:
    put("crypto:ETH/USD\n")
    run()
    before = handler._producer(WHOLE)  # noqa: SLF001
    calls.clear()

    run()

    assert handler._producer(WHOLE) is before  # noqa: SLF001
    assert calls.count("GetObject") == 1
    assert handler._listed(WHOLE).refresh() is False  # type: ignore[union-attr]  # noqa: SLF001


@pytest.mark.usefixtures("calls")
def test_a_change_counts_in_the_next_run_and_asks_for_what_is_new() -> None:
    put("crypto:ETH/USD\n")
    assert invoke({}) == {"crypto:ETH/USD": 2}
    put("crypto:ETH/USD\ncrypto:SOL/USD\n")
    assert "crypto:SOL/USD" in invoke({})


@pytest.mark.usefixtures("calls")
@pytest.mark.parametrize("bad", ["crypto:ETH/USD\nno instrument\n", "# nothing\n", b"\xff"])
def test_of_two_containers_that_take_turns_one_tells(told: Told, bad: str | bytes) -> None:
    put("crypto:ETH/USD\n")
    containers = []
    for _ in range(2):
        begin_anew()
        run()
        containers.append(handler._listed(WHOLE))  # noqa: SLF001
    assert told.details() == []

    put(bad)
    for container in containers * 2:
        assert container
        container.refresh()
    assert len(told.details()) == 1

    # It is mended, and broken in the same way again.
    put("crypto:ETH/USD\n")
    for container in containers:
        assert container
        container.refresh()
    put(bad)
    for container in containers[::-1]:
        assert container
        container.refresh()
    assert len(told.details()) == 1
    run()
    assert told.counted() == 2


@pytest.mark.usefixtures("calls")
def test_a_bad_line_is_told_once_by_its_number_and_costs_nobody_else_his_bars(
    monkeypatch: pytest.MonkeyPatch,
    told: Told,
) -> None:
    monkeypatch.setenv("MARKET_HOURS", "regular")
    put("crypto:ETH/USD\nether\nfx:EUR/USD\nTSCO.NOWHERE\n")
    assert run() == ["crypto:ETH/USD"]

    first, second, third = told.details()
    assert first.startswith("line 2 of instruments.txt: 'ether' names no instrument: did you mean ETHER?")
    assert second == "line 3 of instruments.txt: Alpaca has no bars of fx:EUR/USD"
    assert third.startswith("line 4 of instruments.txt: TSCO.NOWHERE: no calendar says when .NOWHERE trades")
    assert told.counted() == 3

    run()
    begin_anew()
    assert run() == ["crypto:ETH/USD"]
    assert (told.details(), told.counted()) == ([], 0)


@pytest.mark.parametrize(
    "spoil",
    [delete, lambda: put("# all gone\n"), lambda: put(b"\xff\xfe"), lambda: put(" " * (MOST_BYTES + 1))],
)
@pytest.mark.usefixtures("calls")
def test_a_file_that_is_gone_or_no_list_keeps_the_last_good_one_also_in_a_new_container(
    spoil: Any, told: Told
) -> None:
    good = "crypto:ETH/USD\ncrypto:SOL/USD\n"
    put(good)
    run()
    told.counted()
    spoil()

    assert run() == ["crypto:ETH/USD", "crypto:SOL/USD"]
    assert (len(told.details()), told.counted()) == (1, 1)

    run()
    begin_anew()
    assert run() == ["crypto:ETH/USD", "crypto:SOL/USD"]
    # Told once, however long it lasts.
    assert told.counted() == 0

    put(good)
    assert run() == ["crypto:ETH/USD", "crypto:SOL/USD"]
    told.counted()
    spoil()
    run()
    # The next time is told again.
    assert told.counted() == 1


@pytest.mark.usefixtures("calls")
def test_another_provider_forgets_what_the_one_before_took(monkeypatch: pytest.MonkeyPatch) -> None:
    put("fx:EUR/USD\ncrypto:ETH/USD\n")
    assert run() == ["crypto:ETH/USD"]
    monkeypatch.setenv("PROVIDER", "replay")
    begin_anew()
    assert run() == ["fx:EUR/USD", "crypto:ETH/USD"]


@pytest.mark.usefixtures("calls")
def test_a_list_that_no_instrument_of_can_be_followed_any_more_leaves_the_parameter_and_says_so(
    monkeypatch: pytest.MonkeyPatch, told: Told
) -> None:
    # Without market hours no calendar is asked.
    monkeypatch.setenv("MARKET_HOURS", "always")
    put("TSCO.NOWHERE\n")
    handler._listed(WHOLE).refresh()  # type: ignore[union-attr]  # noqa: SLF001
    assert told.details() == []

    monkeypatch.setenv("MARKET_HOURS", "regular")
    begin_anew()
    assert run() == ["crypto:BTC/USD"]
    line, whole = told.details()
    assert line.startswith("line 1 of instruments.txt: TSCO.NOWHERE: no calendar says when .NOWHERE trades")
    assert "lists none" in whole
    assert told.counted() == 2

    begin_anew()
    assert run() == ["crypto:BTC/USD"]
    assert (told.details(), told.counted()) == ([], 0)


@pytest.mark.usefixtures("calls")
def test_a_list_that_begins_to_need_the_key_reads_it() -> None:
    put("crypto:ETH/USD\n")
    run()
    boto3.client("ssm").put_parameter(
        Name="/stockstream/api-key", Value="ID:SECRET", Type="SecureString", Overwrite=True
    )
    put("crypto:ETH/USD\nIBM\n")
    assert run() == ["crypto:ETH/USD", "IBM"]


@pytest.mark.usefixtures("calls")
def test_a_table_that_fails_costs_no_list(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    put("crypto:ETH/USD\n")
    monkeypatch.setenv("INSTRUMENT_TABLE_NAME", "nowhere")
    watched = handler._listed(WHOLE)  # noqa: SLF001
    assert watched is not None
    assert watched.refresh()
    assert [each.name for each in watched.instruments] == ["crypto:ETH/USD"]
    assert caplog.messages == ["instruments not recalled", "instruments not remembered"]


@pytest.mark.usefixtures("calls")
def test_a_failure_of_s3_that_passes_by_itself_wakes_nobody(
    monkeypatch: pytest.MonkeyPatch, told: Told
) -> None:
    put("crypto:ETH/USD\n")
    run()
    busy = {"Error": {"Code": "SlowDown", "Message": "busy"}, "ResponseMetadata": {"HTTPStatusCode": 503}}

    def fail(**_: Any) -> None:
        raise ClientError(busy, "GetObject")  # type: ignore[arg-type]

    with monkeypatch.context() as patch:
        patch.setattr(handler._listed(WHOLE)._s3, "get_object", fail)  # type: ignore[union-attr]  # noqa: SLF001
        assert run() == ["crypto:ETH/USD"]
        assert told.log.messages.count("instruments not read") == 1
        run()
    # A warning, once, and no count.
    assert told.log.messages.count("instruments not read") == 1
    assert (told.details(), told.counted()) == ([], 0)
