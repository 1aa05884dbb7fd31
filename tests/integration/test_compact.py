"""`stockstream compact`: wherever it ends, no bar is missing or there twice; what is deleted was compared."""

import itertools
import json
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from full_disk import files_end_at
from lake_bucket import BUCKET, DAY, HISTORY, LATEST, TODAY, Bucket, bar, make_bucket
from moto import mock_aws

from stockstream.windows import Windows
from stockstream_local import cli
from stockstream_operate.lake import compact_command
from stockstream_operate.lake.compaction import CompactionError
from stockstream_operate.lake.engine import LakeEngine
from stockstream_operate.lake.sql import make_lake_sql
from stockstream_operate.stack import Stack


@pytest.fixture
def bucket() -> Iterator[Bucket]:
    """A day of repetitions and revisions in both formats, and today."""
    with mock_aws():
        yield make_bucket()


def names(bucket: Bucket) -> list[str]:
    """The keys, with the compacted file's as `compacted`."""
    return [
        key if "compacted-" not in key else f"{key.rpartition('/')[0]}/compacted" for key in bucket.listed()
    ]


def test_a_day_becomes_one_sorted_file_and_its_others_stay(bucket: Bucket, tmp_path: Path) -> None:
    before, latest = bucket.listed(), bucket.ask(LATEST)
    (done,) = bucket.compact()

    assert sorted(set(bucket.listed()) - set(before)) == [done.after.key]
    assert (done.day, done.deleted, done.troubles) == (DAY, 0, {})
    assert bucket.ask(LATEST) == latest
    path = tmp_path / "compacted.parquet"
    bucket.download_file(BUCKET, done.after.key, str(path))
    with LakeEngine(path) as engine:
        assert engine.query("SELECT id, as_of, close FROM bars_parquet").rows == [
            (f"AAPL|1min|{DAY}T14:01:00Z", f"{DAY}T14:01:00.000Z", 7.0),
            (f"IBM|1min|{DAY}T14:01:00Z", f"{DAY}T14:01:00.000Z", 100.0),
            (f"IBM|1min|{DAY}T14:02:00Z", f"{DAY}T14:02:00.000Z", 100.0),
            (f"IBM|1min|{DAY}T14:02:00Z", f"{DAY}T15:00:00.000Z", 102.5),
            (f"IBM|1min|{DAY}T14:03:00Z", f"{DAY}T14:03:00.000Z", 103.0),
        ]


def test_what_is_compacted_is_not_compacted_again(bucket: Bucket) -> None:
    bucket.compact()
    keys, writes = bucket.listed(), len(bucket.writes)

    assert bucket.compact() == [None]
    assert (bucket.listed(), len(bucket.writes)) == (keys, writes)


def test_the_files_before_go_where_the_owner_says_so(bucket: Bucket) -> None:
    history = bucket.ask(HISTORY)
    bucket.compact()
    (done,) = bucket.compact(deletes_raw=True)

    assert done.deleted == 3
    assert names(bucket) == [f"bars-parquet/dt={DAY}/compacted", f"bars/dt={TODAY}/today.json.gz"]
    assert bucket.ask(HISTORY) == history
    assert bucket.compact(deletes_raw=True) == [None]


@pytest.mark.parametrize("deletes_raw", [True, False])
def test_a_file_that_comes_late_is_taken_in(bucket: Bucket, *, deletes_raw: bool) -> None:
    bucket.compact(deletes_raw=deletes_raw)
    bucket.deliver("late", bar(9, 109.0))
    bucket.deliver("zlate", bar(1, 101.5, as_of=f"{DAY}T16:00:00.000Z"))
    history = bucket.ask(HISTORY)
    bucket.compact(deletes_raw=deletes_raw)

    assert bucket.ask(HISTORY) == history
    assert names(bucket).count(f"bars-parquet/dt={DAY}/compacted") == 1
    assert len(names(bucket)) == (2 if deletes_raw else 7)


def test_wherever_it_ends_no_bar_is_missing_or_there_twice_and_the_next_time_goes_on(bucket: Bucket) -> None:
    latest, history = bucket.ask(LATEST), bucket.ask(HISTORY)
    # Before anything; after the put; with some files deleted; after the put that this makes necessary; ...
    for lasts in (0, 1, 1, 1, 1, 1):
        bucket.writes, bucket.lasts = [], lasts
        with pytest.raises(KeyboardInterrupt):
            bucket.compact(deletes_raw=True)
        assert bucket.ask(LATEST) == latest
        assert bucket.ask(HISTORY) == history
    assert names(bucket).count(f"bars-parquet/dt={DAY}/compacted") > 1

    bucket.lasts = None
    bucket.compact(deletes_raw=True)
    assert bucket.ask(HISTORY) == history
    assert names(bucket) == [f"bars-parquet/dt={DAY}/compacted", f"bars/dt={TODAY}/today.json.gz"]


@pytest.mark.sampled(1)
@pytest.mark.parametrize("deletes_raw", [True, False])
@pytest.mark.parametrize("is_late", [True, False])
def test_no_step_is_one_after_which_the_views_would_answer_otherwise(
    bucket: Bucket, *, deletes_raw: bool, is_late: bool
) -> None:
    if is_late:
        bucket.compact(deletes_raw=deletes_raw)
        bucket.deliver("late", bar(9, 109.0), bar(1, 101.5, as_of=f"{DAY}T16:00:00.000Z"))
    history, kept = bucket.ask(HISTORY), bucket.contents()
    for lasts in itertools.count():
        bucket.put_back(kept)
        bucket.writes, bucket.lasts = [], lasts
        with suppress(KeyboardInterrupt):
            bucket.compact(deletes_raw=deletes_raw)
            break
        assert bucket.ask(HISTORY) == history
        bucket.lasts = None
        bucket.compact(deletes_raw=deletes_raw)
        assert bucket.ask(HISTORY) == history

    assert bucket.ask(HISTORY) == history
    # A put, and two halves of what is deleted: raw files, or the compacted one that it takes the place of.
    assert lasts == (3 if deletes_raw or is_late else 1)


def test_what_the_stack_itself_joined_becomes_one_file(bucket: Bucket) -> None:
    for number in range(2):
        bucket.deliver(f"compacted-night/{number}", bar(8 + number), day="2026-11-18", parquet=True)
    bucket.deliver("compacted-night/0", bar(8), day="2026-11-19", parquet=True)
    latest = bucket.ask(LATEST)
    first, second, _ = bucket.compact()

    assert (first.day, first.deleted, second) == ("2026-11-18", 2, None)
    assert names(bucket).count("bars-parquet/dt=2026-11-18/compacted") == 1
    assert bucket.ask(LATEST) == latest


def test_fields_of_windows_that_the_stack_no_longer_has_are_kept(bucket: Bucket) -> None:
    bucket.deliver("old", bar(7) | {"sma_3": 99.5, "note": "x"})
    bucket.compact(deletes_raw=True)

    with TemporaryDirectory() as folder:
        path = Path(folder, "compacted.parquet")
        (key,) = (each for each in bucket.listed() if "compacted" in each)
        bucket.download_file(BUCKET, key, str(path))
        with LakeEngine(path, make_lake_sql(Windows((3,), (12,)))) as engine:
            assert engine.query("SELECT sma_3 FROM bars_latest WHERE sma_3 IS NOT NULL").rows == [(99.5,)]


def test_a_broken_file_is_named_and_left(bucket: Bucket) -> None:
    broken = f"bars/dt={DAY}/broken.json.gz"
    good = json.dumps(bar(8, 108.0))
    bucket.put_object(Bucket=BUCKET, Key=broken, Body=f"{good}\n{good[:50]}".encode())
    (done,) = bucket.compact(deletes_raw=True)

    assert done.troubles == {broken: "has 1 of 2 lines that are no documents (line 2)."}
    assert broken in bucket.listed()
    assert f"bars/dt={DAY}/a.json.gz" not in bucket.listed()
    bucket.delete_object(Bucket=BUCKET, Key=broken)
    assert (108.0,) in bucket.ask("SELECT close FROM bars_latest")


def test_a_day_of_nothing_but_broken_files_is_left(bucket: Bucket) -> None:
    key = "bars/dt=2026-11-19/broken.json.gz"
    bucket.put_object(Bucket=BUCKET, Key=key, Body=b"")
    first, _ = bucket.compact(deletes_raw=True)

    assert (first.after, first.deleted, first.troubles) == (None, 0, {key: "is empty."})


@pytest.mark.parametrize("wrong", ["cut off", "another day's"])
def test_nothing_is_deleted_where_what_was_written_is_not_what_was_read(
    bucket: Bucket, monkeypatch: pytest.MonkeyPatch, wrong: str
) -> None:
    key = bucket.deliver("other", bar(30), day=str(TODAY), parquet=True)
    other = bucket.get_object(Bucket=BUCKET, Key=key)["Body"].read()
    before = bucket.listed()
    put = bucket.put_object

    def put_wrong(**asked: Any) -> Any:
        return put(**asked | {"Body": other if wrong == "another day's" else asked["Body"][:-9]})

    monkeypatch.setattr(bucket, "put_object", put_wrong)
    with pytest.raises(CompactionError, match="othing was deleted"):
        bucket.compact(deletes_raw=True)

    assert set(before) < set(bucket.listed())


def test_what_athena_does_not_see_is_not_touched(bucket: Bucket) -> None:
    hidden = f"bars/dt={DAY}/_set-aside.json.gz"
    failed = f"processing-failed/dt={DAY}/x"
    marker, way_out = f"bars/dt={DAY}/", f"bars/dt={DAY}/../../outside"
    for key in (hidden, failed, marker, way_out):
        bucket.put_object(Bucket=BUCKET, Key=key, Body=b"x")
    bucket.compact(deletes_raw=True)

    assert {hidden, failed, marker, way_out} < set(bucket.listed())


def test_the_command_says_what_it_did(
    bucket: Bucket, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(
        compact_command, "find_stack", lambda name: Stack(name, None, {"LakeBucketName": BUCKET})
    )
    asked = ["compact", "--stack", "stockstream", "--since", DAY]

    assert cli.main(asked) == 0
    said = capsys.readouterr().out
    assert said.startswith("2 days from 2026-11-20 to 2026-11-21: 4 files of ")
    assert "--delete-raw deletes them" in said
    assert cli.main(asked) == 0
    assert capsys.readouterr().out == "No day before today needs it.\n"
    assert cli.main([*asked, "--delete-raw"]) == 0
    assert "4 files were deleted." in capsys.readouterr().out
    assert cli.main([*asked[:-1], "2026-11-22"]) == 0
    assert capsys.readouterr().out == "There is no day before today.\n"
    assert len(bucket.listed()) == 2


def test_a_first_day_that_is_none_is_told_with_how_to_write_one(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        cli.main(["compact", "--since", "yesterday"])

    assert "'yesterday' is no day: write it as 2026-11-01" in capsys.readouterr().err


def test_a_full_disk_ends_in_a_sentence_and_changes_nothing(
    bucket: Bucket, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(
        compact_command, "find_stack", lambda name: Stack(name, None, {"LakeBucketName": BUCKET})
    )
    before = bucket.listed()

    for size in (100, 5_000):  # too little for what is fetched, and for what is written
        with files_end_at(size):
            assert cli.main(["compact", "--stack", "stockstream", "--delete-raw"]) == 1
        said = capsys.readouterr().err
        assert "File too large" in said
        assert "/stockstream-compact-" in said
        assert "Traceback" not in said
    assert bucket.listed() == before
