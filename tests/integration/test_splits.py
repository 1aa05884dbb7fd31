"""Splits, from the operator's command through the producer's handler and the transform's, in moto's AWS.

The expected numbers are pandas' over the whole series in new shares, which the code under test never sees.
"""

import base64
import json
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

import boto3
import numpy as np
import pandas as pd
import producer_stack
import pytest
from delivered_files import document, write_file
from kept_clients import keep_clients
from producer_stack import invoke, serve_market, stream_records

from producer import handler
from stockstream.partitions import WHOLE
from stockstream.splits import SplitError
from stockstream_local import cli
from stockstream_operate import split_command
from stockstream_operate.lake.engine import LakeEngine
from stockstream_operate.lake.splits import write_splits
from stockstream_operate.stack import Stack
from transform.handler import handle

OPENS = pd.Timestamp("2026-11-20T14:30:00Z"), pd.Timestamp("2026-11-23T14:30:00Z")
BEFORE, AFTER = 250, 60
OUTPUTS = {"InstrumentTableName": "instruments", "LakeBucketName": "lake"}
STACK = Stack("mine", None, OUTPUTS, {"Instruments": "IBM,TSCO.LON"})


class Splitting(NamedTuple):
    """A split, and what a price and a volume are times as much in new shares."""

    ratio: str
    price: float
    volume: float


TEN_FOR_ONE, ONE_FOR_EIGHT = Splitting("10:1", 0.1, 10.0), Splitting("1:8", 8.0, 0.125)


def in_new_shares() -> pd.DataFrame:
    """250 minutes of Friday and 60 of Monday, in the shares of Monday, to the cent."""
    chance = np.random.default_rng(20)
    minutes = [
        *pd.date_range(OPENS[0], periods=BEFORE, freq="min"),
        *pd.date_range(OPENS[1], periods=AFTER, freq="min"),
    ]
    close = np.round(250 + np.cumsum(chance.normal(0, 0.2, len(minutes))), 2)
    open_ = np.round(close + chance.normal(0, 0.1, len(minutes)), 2)
    high = np.round(np.maximum(open_, close) + chance.uniform(0, 0.3, len(minutes)), 2)
    low = np.round(np.minimum(open_, close) - chance.uniform(0, 0.3, len(minutes)), 2)
    volume = chance.integers(1, 9000, len(minutes)) * 80.0
    return pd.DataFrame({"open": open_, "high": high, "low": low, "close": close, "volume": volume}, minutes)


def as_traded(bars: pd.DataFrame, split: Splitting) -> pd.DataFrame:
    """What the provider shows: before Monday in old shares."""
    traded = bars.copy()
    old = traded.index < OPENS[1]
    traded.loc[old, ["open", "high", "low", "close"]] /= split.price
    traded.loc[old, "volume"] /= split.volume
    return traded


def smoothed(values: Sequence[float], window: int, alpha: float) -> float:
    """An exponential average that is seeded with the mean of the first values."""
    series = pd.Series(values)
    seeded = pd.concat([pd.Series([series[:window].mean()]), series[window:]])
    return float(seeded.ewm(alpha=alpha, adjust=False).mean().iloc[-1])


def expected(bars: pd.DataFrame, position: int) -> dict[str, float]:
    """The analytics of a bar, by pandas, over the 200 bars that end with it."""
    seen = bars.iloc[position - 199 : position + 1]
    close, before = seen.close, seen.close.shift(1)
    changes = close.diff().iloc[1:]
    gain, loss = (smoothed(list(each.clip(lower=0)), 14, 1 / 14) for each in (changes, -changes))
    ranges = np.fmax(seen.high.to_numpy(), before.to_numpy()) - np.fmin(
        seen.low.to_numpy(), before.to_numpy()
    )
    log_returns = pd.Series(np.log(close.to_numpy())).diff()
    last = seen.iloc[-20:]
    typical = (last.high + last.low + last.close) / 3
    return {
        "sma_5": close.rolling(5).mean().iloc[-1],
        "sma_200": close.mean(),
        "ema_12": smoothed(list(close), 12, 2 / 13),
        "ema_26": smoothed(list(close), 26, 2 / 27),
        "return_1": close.pct_change().iloc[-1],
        "return_5": close.pct_change(5).iloc[-1],
        "log_return_1": log_returns.iloc[-1],
        "volatility_20": log_returns.iloc[-20:].std(),
        "bollinger_upper_20": last.close.mean() + 2 * last.close.std(ddof=0),
        "rsi_14": 100 - 100 / (1 + gain / loss),
        "vwap_20": (typical * last.volume).sum() / last.volume.sum(),
        "atr_14": smoothed(ranges[1:].tolist(), 14, 1 / 14),
    }


class World:
    """A provider's show that grows, and the producer's runs over it.

    Args:
        traded: all that there will be.
        monkeypatch: puts the show in the provider's place.
    """

    def __init__(self, traded: pd.DataFrame, monkeypatch: pytest.MonkeyPatch) -> None:
        self._traded = traded
        self._shown = self._runs = self._sent = 0
        self._monkeypatch = monkeypatch
        monkeypatch.setitem(producer_stack.LAST_DAYS, "2026-11", "2026-11-23")
        october, head = producer_stack.answer_of("2026-10-30"), {"Meta Data": producer_stack.META}
        monkeypatch.setattr(
            producer_stack,
            "answer_of",
            lambda day, _: head | {"Time Series (1min)": self._rows()} if day > "2026-11" else october,
        )

    def _rows(self) -> dict[str, dict[str, str]]:
        shown = self._traded.iloc[: self._shown].tz_convert("America/New_York")
        return {
            f"{time:%Y-%m-%d %H:%M:%S}": dict(
                zip(producer_stack.BAR, map(repr, numbers.tolist()), strict=True)
            )
            for time, numbers in zip(shown.index, shown.to_numpy(), strict=True)
        }

    def run(self, shown: int) -> dict[str, dict[str, Any]]:
        """The documents of what a run sends, by open_time, once the provider shows so many bars."""
        return self._send(shown, {})

    def backfill(self, shown: int) -> dict[str, dict[str, Any]]:
        """The same of a backfill of November."""
        return self._send(shown, {"backfill": {"instruments": ["IBM"], "month": "2026-11"}})

    def _send(self, shown: int, event: dict[str, Any]) -> dict[str, dict[str, Any]]:
        self._shown = shown
        self._runs += 1
        ahead = timedelta(minutes=2 * self._runs)
        later = replace(handler._producer(WHOLE), now=lambda: datetime.now(UTC) + ahead)  # noqa: SLF001
        with self._monkeypatch.context() as patch:
            patch.setattr(handler, "_producer", lambda _: later)
            invoke(event)
        records = stream_records()[self._sent :]
        self._sent += len(records)
        return {each["open_time"]: each for each in enrich(records)}


def enrich(records: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """What the transform's handler makes of records."""
    event = {
        "invocationId": "1",
        "records": [
            {"recordId": str(number), "data": base64.b64encode(json.dumps(record).encode()).decode()}
            for number, record in enumerate(records)
        ],
    }
    entries = handle(event, None)["records"]
    assert {entry["result"] for entry in entries} <= {"Ok"}
    return [json.loads(base64.b64decode(entry["data"])) for entry in entries]


def split(*arguments: str) -> int:
    return cli.main(["split", *arguments, "--stack", "mine"])


@pytest.fixture
def stack(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    keep_clients(monkeypatch)
    with serve_market() as provider_url, producer_stack.producer_stack(monkeypatch, provider_url):
        monkeypatch.setattr(split_command, "find_stack", {STACK.name: STACK, None: STACK}.__getitem__)
        boto3.client("s3").create_bucket(Bucket="lake")
        yield


def assert_right(
    documents: dict[str, dict[str, Any]], splitting: Splitting, shown: int = BEFORE + AFTER
) -> None:
    """All of Monday's bars are there with the prices that were paid, and a sample with pandas' analytics.

    The first 26 look back over the split with each window, from 5 bars to 26.
    """
    bars = in_new_shares()
    assert list(documents) == [f"{time:%Y-%m-%dT%H:%M:%SZ}" for time in bars.index[BEFORE:shown]]
    traded = as_traded(bars, splitting)
    for position, each in enumerate(documents.values(), BEFORE):
        if position < BEFORE + 27 or position % 8 == 0 or position == len(bars) - 1:
            wanted = expected(bars, position)
            assert {name: each[name] for name in wanted} == pytest.approx(wanted, rel=1e-9, abs=1e-12)
        raw = dict(zip(traded.columns, traded.iloc[position].tolist(), strict=True))
        assert {name: each[name] for name in raw} == raw


@pytest.mark.usefixtures("stack")
@pytest.mark.sampled(1)
@pytest.mark.parametrize("splitting", [TEN_FOR_ONE, ONE_FOR_EIGHT], ids=lambda each: each.ratio)
def test_a_split_that_is_known_before_leaves_the_first_bar_and_all_after_it_right(
    splitting: Splitting, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    world = World(as_traded(in_new_shares(), splitting), monkeypatch)
    world.run(BEFORE)

    assert split("IBM", splitting.ratio, "--at", "2026-11-23") == 0

    assert_right(world.run(BEFORE + 1), splitting, BEFORE + 1)
    assert world.run(BEFORE + 1) == {}
    assert "split suspected" not in caplog.messages


@pytest.mark.usefixtures("stack")
@pytest.mark.sampled(1)
@pytest.mark.parametrize("splitting", [TEN_FOR_ONE, ONE_FOR_EIGHT], ids=lambda each: each.ratio)
def test_a_split_that_is_confirmed_late_sends_its_bars_again_with_a_later_as_of(
    splitting: Splitting, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = World(as_traded(in_new_shares(), splitting), monkeypatch)
    world.run(BEFORE)
    unknowing = world.run(BEFORE + AFTER)
    first = f"{OPENS[1]:%Y-%m-%dT%H:%M:%SZ}"
    assert abs(unknowing[first]["return_1"] - (splitting.price - 1)) < 0.01 * splitting.price

    assert split("IBM", splitting.ratio, "--at", "2026-11-23") == 0
    again = world.run(BEFORE + AFTER)

    assert_right(again, splitting)
    assert all(again[time]["as_of"] > document["as_of"] for time, document in unknowing.items())
    assert world.run(BEFORE + AFTER) == {}


@pytest.mark.usefixtures("stack")
def test_an_unknown_split_is_told_once_with_the_commands_that_confirm_and_refuse_it(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    world = World(as_traded(in_new_shares(), ONE_FOR_EIGHT), monkeypatch)
    world.run(BEFORE)
    world.run(BEFORE + 1)
    world.run(BEFORE + AFTER)

    (told,) = [each.__dict__ for each in caplog.records if each.message == "split suspected"]
    assert told["instrument"] == "IBM"
    assert "stockstream split IBM 1:8 --at 2026-11-23" in told["detail"]
    assert "stockstream split IBM none --at 2026-11-23" in told["detail"]


@pytest.mark.usefixtures("stack")
def test_a_split_that_was_confirmed_wrongly_is_corrected_and_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    world = World(as_traded(in_new_shares(), TEN_FOR_ONE), monkeypatch)
    world.run(BEFORE)
    unknowing = world.run(BEFORE + AFTER)

    split("IBM", "8:1", "--at", "2026-11-23")
    assert world.run(BEFORE + AFTER).keys() == unknowing.keys()
    split("IBM", "10:1", "--at", "2026-11-23")
    assert_right(world.run(BEFORE + AFTER), TEN_FOR_ONE)
    split("IBM", "none", "--at", "2026-11-23")

    refused = world.run(BEFORE + AFTER)
    assert {time: document["sma_200"] for time, document in refused.items()} == {
        time: document["sma_200"] for time, document in unknowing.items()
    }


@pytest.mark.usefixtures("stack")
def test_a_backfill_restates_what_looks_back_over_a_split(monkeypatch: pytest.MonkeyPatch) -> None:
    bars = in_new_shares()
    world = World(as_traded(bars, TEN_FOR_ONE), monkeypatch)
    split("IBM", "10:1", "--at", "2026-11-23")
    documents = world.backfill(BEFORE + AFTER)

    assert_right({time: each for time, each in documents.items() if time >= "2026-11-23"}, TEN_FOR_ONE)


def splits_in_the_lake() -> list[dict[str, Any]]:
    body = boto3.client("s3").get_object(Bucket="lake", Key="splits/splits.json")["Body"].read()
    return [json.loads(line) for line in body.splitlines()]


@pytest.mark.usefixtures("stack")
def test_a_split_and_its_correction_are_in_the_lake_at_once() -> None:
    split("IBM", "8:1", "--at", "2026-11-23")
    split("IBM", "10:1", "--at", "2026-11-23")
    split("TSCO.LON", "1:8", "--at", "2026-07-01")

    told = [(each["instrument"], each["until"], each["shares"]) for each in splits_in_the_lake()]

    # Midnight in New York in winter, and in London in summer.
    assert told == [("IBM", "2026-11-23T05:00:00Z", 10.0), ("TSCO.LON", "2026-06-30T23:00:00Z", 0.125)]
    split("IBM", "none", "--at", "2026-11-23")
    assert [each["instrument"] for each in splits_in_the_lake()] == ["TSCO.LON"]


@pytest.mark.usefixtures("stack")
def test_two_people_who_tell_of_splits_at_once_leave_both_in_the_lake(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    write = write_splits
    others = iter([("IBM", "10:1", "--at", "2026-11-23")])

    def write_while_another_tells(known: Any) -> bytes:
        lines = write(known)
        for other in others:
            split(*other)
        return lines

    monkeypatch.setattr(split_command, "write_splits", write_while_another_tells)
    split("TSCO.LON", "1:8", "--at", "2026-07-01")

    assert [each["instrument"] for each in splits_in_the_lake()] == ["IBM", "TSCO.LON"]


@pytest.mark.usefixtures("stack")
def test_the_lake_on_this_machine_has_the_splits_of_the_stack_that_runs_here(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(split_command, "FOLDER", tmp_path / "lake")
    write_file(tmp_path / "lake", "2026-11-20", "a", [document("2026-11-20T20:59:00Z", 2500.0)])

    assert cli.main(["split", "IBM", "10:1", "--at", "2026-11-23"]) == 0

    with LakeEngine(tmp_path / "lake") as lake:
        assert lake.query("SELECT close FROM bars_adjusted").rows == [(250.0,)]


@pytest.mark.usefixtures("stack")
def test_the_command_shows_what_is_known(capsys: pytest.CaptureFixture[str]) -> None:
    assert split() == 0
    assert "mine knows of no split" in capsys.readouterr().out
    split("TSCO.LON", "1:8", "--at", "2026-07-01")
    split("IBM", "none", "--at", "2026-11-23")
    capsys.readouterr()

    assert split() == 0

    assert capsys.readouterr().out.splitlines() == [
        "IBM, no split at 2026-11-23 (America/New_York).",
        "TSCO.LON, split 1:8 at 2026-07-01 (Europe/London).",
    ]


@pytest.mark.usefixtures("stack")
@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["IBM"], "stockstream split IBM 10:1 --at 2026-11-30"),
        (["IBM", "10:1"], "stockstream split IBM 10:1 --at 2026-11-30"),
        (["IBM", "10", "--at", "2026-11-30"], "'10' is no split: write 10:1"),
        (["IBM", "0:1", "--at", "2026-11-30"], "'0:1' is no split"),
        (
            ["MSFT", "2:1", "--at", "2026-11-30"],
            "MSFT is not followed by mine: `stockstream instruments list` shows what is",
        ),
    ],
)
def test_what_cannot_be_meant_is_refused_and_nothing_written(
    arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert split(*arguments) == 1

    assert said in " ".join(capsys.readouterr().err.split())
    item = boto3.client("dynamodb").get_item(TableName="instruments", Key={"key": {"S": "splits"}})
    assert "Item" not in item


@pytest.mark.usefixtures("stack")
@pytest.mark.filterwarnings("ignore:No application metrics")
def test_a_split_that_somebody_else_wrote_wrongly_stops_the_run_with_its_name() -> None:
    boto3.client("dynamodb").put_item(
        TableName="instruments", Item={"key": {"S": "splits"}, "IBM|yesterday": {"S": "10:1"}}
    )

    with pytest.raises(
        SplitError, match=r"the item splits .* holds 'IBM\|yesterday'.* Take the attribute out"
    ):
        invoke({})


@pytest.mark.usefixtures("stack")
def test_what_a_file_lists_can_be_split_too(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    boto3.client("s3").put_object(Bucket="lake", Key="instruments.txt", Body=b"MSFT  # Microsoft\n")
    listed = replace(
        STACK,
        parameters={**STACK.parameters, "InstrumentsFileEnabled": "true"},
    )
    monkeypatch.setattr(split_command, "find_stack", lambda _name: listed)

    assert split("MSFT", "2:1", "--at", "2026-11-23") == 0
    assert "MSFT, split 2:1" in capsys.readouterr().out
    assert split("IBM", "2:1", "--at", "2026-11-23") == 1
    assert "IBM is not followed by mine" in capsys.readouterr().err
