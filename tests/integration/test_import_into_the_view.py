"""Files through `stockstream import`, the stream, the real transform and the views: what readers see."""

import os
from base64 import b64decode, b64encode
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import boto3
import numpy as np
import pandas as pd
import pytest
from delivered_files import write_lines
from moto import mock_aws

from stockstream.windows import Windows
from stockstream_local import cli
from stockstream_operate import read
from stockstream_operate.history import import_command
from stockstream_operate.lake import access as lake_access
from stockstream_operate.lake.access import open_lake
from stockstream_operate.stack import Stack
from transform.firehose import transform_records

BARS = 300
WRITTEN = datetime(2026, 11, 24, 8, 0, 0, 250_000, tzinfo=UTC)


class Pipeline:
    """A stream in moto, and what Firehose and the transform make of it; the lake is this machine's.

    Args:
        lake: where its files are.
    """

    def __init__(self, lake: Path) -> None:
        self._lake = lake
        self._kinesis = boto3.client("kinesis")
        self._kinesis.create_stream(StreamName="bars", ShardCount=1)
        self._kinesis.get_waiter("stream_exists").wait(StreamName="bars")
        shard = self._kinesis.list_shards(StreamName="bars")["Shards"][0]["ShardId"]
        self._iterator = self._kinesis.get_shard_iterator(
            StreamName="bars", ShardId=shard, ShardIteratorType="TRIM_HORIZON"
        )["ShardIterator"]
        self._files = 0

    def deliver(self) -> list[bytes]:
        """Delivers what the stream holds since the last time; the records."""
        records: list[bytes] = []
        while True:
            answer = self._kinesis.get_records(ShardIterator=self._iterator, Limit=500)
            self._iterator = answer["NextShardIterator"]
            if not answer["Records"]:
                break
            assert {each["PartitionKey"] for each in answer["Records"]} == {"IBM"}
            records += [each["Data"] for each in answer["Records"]]
        arrived = round(datetime(2026, 11, 28, self._files, tzinfo=UTC).timestamp() * 1000)
        event: list[Any] = [
            {
                "recordId": str(place),
                "data": b64encode(record).decode(),
                "approximateArrivalTimestamp": arrived,
            }
            for place, record in enumerate(records)
        ]
        entries, rejections = transform_records(event, Windows())
        assert rejections == []
        lines = b"".join(b64decode(each["data"]) for each in entries)
        self._files += 1
        write_lines(self._lake, "2026-11-28", f"{self._files:05}", lines)
        return records


@pytest.fixture
def pipeline(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Pipeline]:
    stack = Stack("stockstream", None, {"BarStreamName": "bars"})
    monkeypatch.setattr(import_command, "find_stack", lambda name: {"stockstream": stack}[name])
    monkeypatch.setattr(import_command, "SHARE_BYTES", 1e12)
    monkeypatch.setattr(lake_access, "FOLDER", tmp_path / "lake")
    with mock_aws():
        yield Pipeline(tmp_path / "lake")


@pytest.fixture
def frame() -> pd.DataFrame:
    """Two days of an equity's minutes, as pandas has them."""
    chance = np.random.default_rng(7)
    days = [pd.date_range(f"2026-11-{day} 09:30", periods=BARS // 2, freq="min") for day in (19, 20)]
    close = (282 * np.exp(np.cumsum(chance.normal(0, 5e-4, BARS)))).round(4)
    opened = np.concatenate([[282.0], close[:-1]])
    return pd.DataFrame(
        {
            "Open": opened,
            "High": np.maximum(opened, close) + 0.05,
            "Low": np.minimum(opened, close) - 0.05,
            "Close": close,
            "Volume": chance.integers(0, 5_000, BARS),
        },
        index=days[0].append(days[1]).rename("Datetime"),
    )


def write(path: Path, frame: pd.DataFrame, written: datetime) -> None:
    frame.to_csv(path)
    os.utime(path, (written.timestamp(), written.timestamp()))


def run_import(path: Path) -> int:
    return cli.main(["import", str(path), "--instrument", "IBM", "--stack", "stockstream"])


def test_readers_see_the_file_s_bars_with_the_analytics_that_pandas_works_out(
    pipeline: Pipeline, frame: pd.DataFrame, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    spoilt = frame.astype({"Close": object})
    spoilt.iloc[40, 3], spoilt.iloc[200, 3] = "null", -1
    write(tmp_path / "ibm.csv", spoilt, WRITTEN)

    assert run_import(tmp_path / "ibm.csv") == 0
    said = " ".join(capsys.readouterr().out.split())
    pipeline.deliver()

    good = frame.drop(frame.index[[40, 200]]).tz_localize("America/New_York").tz_convert("UTC")
    seen = read("IBM")
    assert seen.index.tolist() == good.index.tolist()
    assert seen[["open", "high", "low", "close", "volume"]].to_numpy().tolist() == good.to_numpy().tolist()
    expected = {
        "sma_5": good.Close.rolling(5).mean(),
        "sma_200": good.Close.rolling(200).mean(),
        "return_1": good.Close.pct_change(),
        "volatility_20": np.log(good.Close).diff().rolling(20).std(),
        "vwap_20": ((good.High + good.Low + good.Close) / 3 * good.Volume).rolling(20).sum()
        / good.Volume.rolling(20).sum(),
    }
    for name, column in expected.items():
        np.testing.assert_allclose(seen[name], column, rtol=1e-9, atol=1e-12, err_msg=name)
    assert set(seen.source) == {"import"}
    assert set(seen.as_of) == {pd.Timestamp(WRITTEN)}
    assert "times without a zone are taken as those of America/New_York" in said
    assert f"{tmp_path}/ibm.csv, line 42: BAD_TYPE: close is null" in said
    assert f"{tmp_path}/ibm.csv, line 202: BAD_PRICE" in said
    assert f"2 rows of ibm.csv set aside, each with the reason: {tmp_path}/ibm.set-aside.csv" in said
    assert "298 bars went into the stream" in said
    assert len((tmp_path / "ibm.set-aside.csv").read_text().splitlines()) == 3


def test_repeating_an_import_doubles_nothing_and_a_corrected_file_is_a_revision(
    pipeline: Pipeline, frame: pd.DataFrame, tmp_path: Path
) -> None:
    path = tmp_path / "ibm.csv"
    write(path, frame, WRITTEN)
    assert run_import(path) == 0
    first = pipeline.deliver()
    once = read("IBM")

    assert run_import(path) == 0
    assert pipeline.deliver() == first
    pd.testing.assert_frame_equal(read("IBM"), once)
    history = "SELECT count(*) FROM bars_history"
    assert open_lake(None).query(history).rows == [(BARS,)]

    frame.iloc[10, 4] = 77_777
    write(path, frame, datetime(2026, 11, 25, tzinfo=UTC))
    assert run_import(path) == 0
    pipeline.deliver()
    assert (read("IBM").volume == 77_777).sum() == 1
    assert len(read("IBM")) == BARS
    pd.testing.assert_frame_equal(read("IBM", as_of="2026-11-24T09:00Z"), once)
    assert read("IBM", as_of="2026-11-24T08:00Z").empty


def test_a_check_sends_and_writes_nothing(
    pipeline: Pipeline, frame: pd.DataFrame, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    frame.iloc[3, 0] = -1
    write(tmp_path / "ibm.csv", frame, WRITTEN)

    assert cli.main(["import", str(tmp_path / "ibm.csv"), "--instrument", "IBM", "--check"]) == 0

    said = " ".join(capsys.readouterr().out.split())
    assert "IBM, 1min: 299 bars, from 2026-11-19 14:30 to 2026-11-20 16:59 (UTC)" in said
    assert "line 5: BAD_PRICE" in said
    assert "Nothing was sent, and nothing set aside" in said
    assert pipeline.deliver() == []
    assert sorted(each.name for each in tmp_path.iterdir()) == ["ibm.csv", "lake"]


def test_beside_invented_prices_it_says_so(
    pipeline: Pipeline,
    frame: pd.DataFrame,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    stack = Stack("stockstream", None, {"BarStreamName": "bars"})
    monkeypatch.setattr(import_command, "find_stack", lambda _name: stack)
    monkeypatch.setattr(import_command, "FOLDER", tmp_path / "lake")
    write(tmp_path / "ibm.csv", frame, WRITTEN)

    assert cli.main(["import", str(tmp_path / "ibm.csv"), "--instrument", "IBM"]) == 0

    assert "The other prices of this lake are INVENTED" in " ".join(capsys.readouterr().out.split())
    assert len(pipeline.deliver()) == BARS
