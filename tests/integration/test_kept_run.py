"""What one run here leaves to the next: nothing that is not in the lake yet, and all that is."""

import gzip
import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import boto3
import pytest
from full_disk import files_end_at, fill_disk
from moto import mock_aws

from stockstream_local.kept_run import (
    KeptRun,
    KeptRunError,
    choose_lake,
    empty_folder,
    measure_folder,
    merge_days,
)
from stockstream_operate.counts import FileTotals
from stockstream_operate.lake.parts import StrayKeyError
from stockstream_operate.price_kinds import PriceKind, read_price_kind, write_price_kind

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
HEAD: dict[str, Any] = {"key": {"S": "IBM|1min"}, "version": {"N": "3"}, "changes": {"B": b"\x00\xff"}}


class World:
    """A table and a bucket of one run, and a clock."""

    def __init__(self, folder: Path) -> None:
        self.table = self.bucket = f"run-{uuid4()}"
        self.folder = folder
        self.now = NOON
        self.dynamodb = boto3.client("dynamodb")
        self.s3 = boto3.client("s3")
        self.dynamodb.create_table(
            TableName=self.table,
            BillingMode="PAY_PER_REQUEST",
            KeySchema=[{"AttributeName": "key", "KeyType": "HASH"}],
            AttributeDefinitions=[{"AttributeName": "key", "AttributeType": "S"}],
        )
        self.s3.create_bucket(Bucket=self.bucket)

    def run(self) -> KeptRun:
        return KeptRun(self.folder, self.dynamodb, self.table, self.s3, self.bucket, lambda: self.now)

    def remember(self, **attributes: Any) -> None:
        """As the producer does when it has sent bars."""
        self.dynamodb.put_item(TableName=self.table, Item={**HEAD, **attributes})

    def items(self) -> list[dict[str, Any]]:
        return list(self.dynamodb.scan(TableName=self.table)["Items"])

    def set_aside(self) -> list[str]:
        return [each["Key"] for each in self.s3.list_objects_v2(Bucket=self.bucket).get("Contents", [])]


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    with mock_aws():
        yield World(tmp_path / "lake")


def known_at(moment: datetime) -> dict[str, Any]:
    return {"as_of": f"{moment:%Y-%m-%dT%H:%M:%S}.000Z"}


def restored(folder: Path, shown: timedelta | None = None, later: timedelta = timedelta()) -> World | None:
    """The world of the run that follows; None where its producer remembers nothing."""
    world = World(folder)
    world.now += later
    return world if world.run().restore(None, shown) and world.items() == [HEAD] else None


def test_what_is_remembered_is_kept_when_a_later_answer_is_in_the_lake(world: World) -> None:
    run = world.run()
    world.remember()
    run.follow([known_at(NOON)], None)  # the moment is taken
    assert restored(world.folder) is None

    run.follow([known_at(NOON)], None)  # of the same moment: others of it may be under way
    assert restored(world.folder) is None

    world.remember(version={"N": "4"})  # a run that is under way
    run.follow([known_at(NOON + timedelta(seconds=1))], None)
    assert restored(world.folder)


def test_what_another_version_of_the_memory_says_is_kept_after_it(world: World) -> None:
    run = world.run()
    world.remember(version={"N": "2"})
    run.follow([], None)
    world.remember()
    world.now += timedelta(minutes=1)
    run.follow([known_at(world.now)], None)
    world.now += timedelta(minutes=1)
    run.follow([known_at(world.now)], None)

    assert restored(world.folder)


def test_nothing_is_kept_of_a_moment_at_which_a_run_was_under_way(world: World) -> None:
    """It has tails of some instruments, and none yet of those that it asks for next."""
    run = world.run()
    world.remember()
    lease = {"key": {"S": "ledger|replay"}, "held_until": {"N": str(int(NOON.timestamp()) + 1)}}
    world.dynamodb.put_item(TableName=world.table, Item=lease)
    run.follow([], None)
    run.follow([known_at(NOON + timedelta(minutes=1))], None)
    assert not (world.folder / "kept" / "memory.json").exists()

    world.now += timedelta(seconds=1)
    run.follow([], None)
    run.follow([known_at(NOON + timedelta(minutes=2))], None)
    assert (world.folder / "kept" / "memory.json").exists()


def test_a_memory_is_of_no_use_where_the_market_no_longer_shows_what_came_after(world: World) -> None:
    run = world.run()
    world.remember()
    run.follow([], None)
    run.follow([known_at(NOON + timedelta(minutes=1))], None)
    shown = timedelta(days=6)

    assert restored(world.folder, shown, later=shown)
    assert restored(world.folder, shown, later=shown + timedelta(seconds=1)) is None
    assert restored(world.folder, None, later=timedelta(days=400))


def test_what_was_set_aside_is_there_again_until_it_is_sent_again(world: World) -> None:
    keys = ["processing-failed/dt=2026-11-20/a", "search/processing-failed/dt=2026-11-20/b"]
    for key in [*keys, "bars/dt=2026-11-20/c", "redriven/processing-failed/d"]:
        world.s3.put_object(Bucket=world.bucket, Key=key, Body=key.encode())
    world.run().follow([], None)

    later = World(world.folder)
    later.run().restore(None, None)
    assert later.set_aside() == keys
    assert later.s3.get_object(Bucket=later.bucket, Key=keys[1])["Body"].read() == keys[1].encode()
    later.s3.delete_object(Bucket=later.bucket, Key=keys[0])
    later.run().follow([], None)

    last = World(world.folder)
    last.run().restore(None, None)
    assert last.set_aside() == keys[1:]


def test_half_of_what_was_set_aside_is_never_taken_for_all_of_it(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = "processing-failed/dt=2026-11-20/a"
    world.s3.put_object(Bucket=world.bucket, Key=key, Body=b"one line\nanother line\n")
    run = world.run()
    with monkeypatch.context() as patches:
        fill_disk(patches)
        with pytest.raises(OSError, match="No space left"):
            run.follow([], None)
    later = World(world.folder)
    later.run().restore(None, None)
    assert later.set_aside() == []
    run.follow([], None)
    # What a process had written when it was killed.
    (world.folder / "kept" / "set-aside" / "processing-failed" / "dt=2026-11-20" / ".b.part").write_text("x")

    last = World(world.folder)
    last.run().restore(None, None)
    assert last.set_aside() == [key]
    assert last.s3.get_object(Bucket=last.bucket, Key=key)["Body"].read() == b"one line\nanother line\n"


def test_a_memory_that_finds_no_room_leaves_the_one_before(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = world.run()
    world.remember()
    run.follow([], None)
    world.now += timedelta(minutes=1)
    run.follow([known_at(world.now)], None)
    world.remember(version={"N": "4"})
    run.follow([], None)
    fill_disk(monkeypatch)
    with pytest.raises(OSError, match="No space left") as error:
        run.follow([known_at(world.now + timedelta(minutes=1))], None)

    assert error.value.filename == str(world.folder / "kept" / "memory.json")
    assert restored(world.folder)


def test_what_was_set_aside_is_copied_into_the_lakes_folder_and_nowhere_else(
    world: World, tmp_path: Path
) -> None:
    world.s3.put_object(Bucket=world.bucket, Key="processing-failed/../../../../outside", Body=b"x")

    with pytest.raises(StrayKeyError, match="outside' in the bucket is no name of a file here"):
        world.run().follow([], None)

    assert not [path for path in tmp_path.rglob("*") if path.is_file()]


@pytest.mark.parametrize("text", ["", "{}", '{"at": "today", "items": [], "known": {}}', '{"at": 3}'])
def test_a_memory_that_cannot_be_read_is_named_with_what_to_do(world: World, text: str) -> None:
    path = world.folder / "kept" / "memory.json"
    path.parent.mkdir(parents=True)
    path.write_text(text)

    with pytest.raises(KeptRunError, match=r"memory\.json is not what .*--fresh"):
        world.run().restore(None, None)


def fill(lake: Path, content: str) -> None:
    lake.mkdir(parents=True, exist_ok=True)
    (lake / "content").write_text(content)


def content(lake: Path) -> str | None:
    return (lake / "content").read_text() if lake.exists() else None


def test_lakes_of_different_prices_change_places_and_never_mix(tmp_path: Path) -> None:
    lake = choose_lake(tmp_path, PriceKind.INVENTED)
    fill(lake, "invented")

    assert content(choose_lake(tmp_path, PriceKind.LIVE)) is None
    fill(lake, "live")
    assert read_price_kind(lake) is PriceKind.LIVE
    assert content(choose_lake(tmp_path, PriceKind.RECORDED)) is None
    assert content(choose_lake(tmp_path, PriceKind.INVENTED)) == "invented"
    assert content(choose_lake(tmp_path, PriceKind.INVENTED)) == "invented"
    assert content(choose_lake(tmp_path, PriceKind.LIVE)) == "live"


@pytest.mark.parametrize("kind", PriceKind)
@pytest.mark.parametrize("broken_off", [1, 2, 3, 4])
def test_a_change_that_is_broken_off_loses_no_lake(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, broken_off: int, kind: PriceKind
) -> None:
    for each in (PriceKind.LIVE, PriceKind.INVENTED):
        fill(choose_lake(tmp_path, each), each.name)
    steps = 0

    def step(act: Any) -> Any:
        def break_off(*arguments: Any) -> Any:
            nonlocal steps
            steps += 1
            if steps == broken_off:
                raise KeyboardInterrupt
            return act(*arguments)

        return break_off

    with monkeypatch.context() as patched:
        patched.setattr(Path, "replace", step(Path.replace))
        patched.setattr("stockstream_local.kept_run.write_price_kind", step(write_price_kind))
        with pytest.raises(KeyboardInterrupt):
            choose_lake(tmp_path, PriceKind.LIVE)

    assert content(choose_lake(tmp_path, kind)) == (None if kind is PriceKind.RECORDED else kind.name)
    for each in (PriceKind.LIVE, PriceKind.INVENTED):
        assert content(choose_lake(tmp_path, each)) == each.name


def test_days_before_today_become_one_file_each(tmp_path: Path) -> None:
    for day, names in {"2026-11-19": "ab", "2026-11-20": "cd", "2026-11-18": "e"}.items():
        folder = tmp_path / "bars" / f"dt={day}"
        folder.mkdir(parents=True)
        for name in names:
            line = json.dumps({"id": name}).encode() + b"\n"
            (folder / f"{name}.json.gz").write_bytes(gzip.compress(line))

    merge_days(tmp_path, "2026-11-20")
    merge_days(tmp_path, "2026-11-20")

    files = {
        str(file.relative_to(tmp_path / "bars")): gzip.decompress(file.read_bytes()).decode()
        for file in tmp_path.rglob("*")
        if file.is_file()
    }
    assert files == {
        "dt=2026-11-18/e.json.gz": '{"id": "e"}\n',
        "dt=2026-11-19/earlier.json.gz": '{"id": "a"}\n{"id": "b"}\n',
        "dt=2026-11-20/c.json.gz": '{"id": "c"}\n',
        "dt=2026-11-20/d.json.gz": '{"id": "d"}\n',
    }


@pytest.mark.parametrize(
    "broken",
    [
        pytest.param(gzip.compress(b"a line\n")[:-6], id="cut off"),
        pytest.param(gzip.compress(b"a line\n")[:10] + b"\xff" * 20, id="changed"),
        pytest.param(b"a line\n", id="not compressed"),
        pytest.param(gzip.compress(b"a line\n")[:3], id="cut off in its head"),
    ],
)
def test_a_day_with_a_broken_file_stays_in_its_files(tmp_path: Path, broken: bytes) -> None:
    for day in ("18", "19"):
        folder = tmp_path / "bars" / f"dt=2026-11-{day}"
        folder.mkdir(parents=True)
        for name in ("a", "c"):
            (folder / f"{name}.json.gz").write_bytes(gzip.compress(b"sound\n"))
    (tmp_path / "bars" / "dt=2026-11-18" / "b.json.gz").write_bytes(broken)

    merge_days(tmp_path, "2026-11-20")

    names = {f"{file.parent.name}/{file.name}" for file in tmp_path.rglob("*") if file.is_file()}
    assert names == {*(f"dt=2026-11-18/{name}.json.gz" for name in "abc"), "dt=2026-11-19/earlier.json.gz"}


def test_a_folder_is_measured_and_emptied(tmp_path: Path) -> None:
    lake = tmp_path / "lake"
    fill(lake / "bars", "12345")

    assert measure_folder(lake) == FileTotals(1, 5)
    empty_folder(lake)
    assert measure_folder(lake) == FileTotals(0, 0)


def test_a_day_that_finds_no_room_stays_in_its_files(tmp_path: Path) -> None:
    folder = tmp_path / "bars" / "dt=2026-11-19"
    folder.mkdir(parents=True)
    for name in "ab":
        (folder / f"{name}.json.gz").write_bytes(gzip.compress(name.encode()))

    with pytest.raises(OSError, match="File too large") as error, files_end_at(10):
        merge_days(tmp_path, "2026-11-20")

    assert error.value.filename == str(folder / "earlier.json.gz")
    assert sorted(each.name for each in folder.iterdir()) == ["a.json.gz", "b.json.gz"]
