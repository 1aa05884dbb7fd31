"""The template's state machine that joins finished days: whatever ends it, no bar is missing or there twice.

The emulator's interpreter walks the machine's definition, moto is its S3, and the lake's engine its Athena.
"""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from botocore.exceptions import ClientError
from delivered_files import write_parquet
from lake_bucket import BUCKET, DAY, HISTORY, LAKE_SQL, LATEST, TODAY, Bucket, bar, make_bucket
from ministack.services import stepfunctions
from moto import mock_aws
from resolved_template import ResolvedTemplate

from stockstream_operate.lake.engine import LakeEngine
from stockstream_operate.lake.result import LakeQueryError

FAILED = stepfunctions._ExecutionError  # noqa: SLF001 (what the interpreter ends with)
NIGHT = "2026-11-22T03:00:00.000Z"
UNLOAD = re.compile(
    r"UNLOAD \((SELECT .*)\) TO 's3://the-lake/(.*)/' WITH \(format = 'PARQUET', compression = 'ZSTD'\)"
)


class Machine:
    """The state machine, and the calls that it makes.

    Attributes:
        calls: their names.
        lasts: after so many calls nothing works any more; None for all.
        modified: when a file was put, by its key; at the end of its day, if it is not there.
        loses: whether UNLOAD leaves a document out.
    """

    def __init__(self, bucket: Bucket, monkeypatch: pytest.MonkeyPatch) -> None:
        self._bucket = bucket
        self._answers: dict[str, list[tuple[Any, ...]]] = {}
        self.calls: list[str] = []
        self.lasts: int | None = None
        self.modified: dict[str, str] = {}
        self.loses = False
        made = ResolvedTemplate(CompactionEnabled="true").of_kind("AWS::Serverless::StateMachine")
        properties = made["LakeCompaction"]
        # References are resolved to logical ids.
        names = properties["DefinitionSubstitutions"] | {"Bucket": BUCKET}
        text = json.dumps(properties["Definition"])
        self.definition = json.loads(re.sub(r"\$\{(\w+)\}", lambda found: names[found[1]], text))
        monkeypatch.setattr(
            stepfunctions, "_invoke_resource_with_timeout", lambda name, asked, _: self._call(name, asked)
        )
        monkeypatch.setattr(stepfunctions, "_scaled_sleep", lambda _: None)

    def run(self, night: str = NIGHT) -> None:
        self.calls = []
        context = {
            "QueryLanguage": self.definition["QueryLanguage"],
            "Execution": {"StartTime": night, "Name": "night"},
            "variables": {},
        }
        stepfunctions._run_sub_machine(  # noqa: SLF001 (without its server)
            self.definition["States"], self.definition["StartAt"], {}, {"events": []}, context
        )

    def _call(self, resource: str, asked: dict[str, Any]) -> Any:
        name = resource.removeprefix("arn:aws:states:::")
        if self.lasts is not None and len(self.calls) > self.lasts:
            raise FAILED("States.TaskFailed", "it has ended")
        self.calls.append(name)
        try:
            answer = getattr(self, f"_{re.sub(r'[:.-]', '_', name)}")(**asked)
        except (ClientError, LakeQueryError) as error:
            raise FAILED("States.TaskFailed", str(error)) from error
        if self.lasts is not None and len(self.calls) > self.lasts:
            raise FAILED("States.TaskFailed", "it was done, and has ended")
        # As a state passes it on: at most 256 KiB of JSON.
        text = json.dumps(answer)
        assert len(text) < 256 * 1024
        return json.loads(text)

    def _aws_sdk_s3_listObjectsV2(self, **asked: Any) -> Any:  # noqa: N802 (its name)
        answer = self._bucket.list_objects_v2(**asked)
        for each in answer.get("Contents", []):
            day = each["Key"].partition("dt=")[2][:10]
            each["LastModified"] = self.modified.get(each["Key"], f"{day}T23:59:59Z")
        return {name: answer[name] for name in ("Contents", "IsTruncated") if name in answer}

    def _aws_sdk_s3_deleteObjects(self, **asked: Any) -> Any:  # noqa: N802
        answer = self._bucket.delete_objects(**asked)
        return {name: answer[name] for name in ("Errors",) if name in answer}

    def _athena_startQueryExecution_sync(self, **asked: Any) -> Any:  # noqa: N802
        sql = asked.pop("QueryString")
        assert asked == {"QueryExecutionContext": {"Database": "LakeDatabase"}, "WorkGroup": "LakeWorkGroup"}
        query = str(len(self._answers))
        unload = UNLOAD.fullmatch(sql)
        columns, rows = self._select(unload[1] if unload else sql)
        self._answers[query] = [columns, *rows]
        if unload and rows:
            kept = rows[:-1] if self.loses else rows
            self._unload([dict(zip(columns, row, strict=True)) for row in kept], unload[2])
        return {"QueryExecution": {"QueryExecutionId": query}}

    def _athena_getQueryResults(self, *, QueryExecutionId: str) -> Any:  # noqa: N802, N803
        rows = self._answers[QueryExecutionId]
        return {
            "ResultSet": {"Rows": [{"Data": [{"VarCharValue": str(value)} for value in row]} for row in rows]}
        }

    def _select(self, sql: str) -> tuple[tuple[str, ...], list[tuple[Any, ...]]]:
        with TemporaryDirectory() as folder:
            # Athena reads the partitions that are asked for.
            (day,) = set(re.findall(r"dt = '([^']*)'", sql))
            self._bucket.copy_to(Path(folder), day)
            with LakeEngine(Path(folder), LAKE_SQL) as engine:
                answer = engine.query(sql)
                for file, trouble in engine.troubles.items():  # a query in Athena ends there
                    raise LakeQueryError(f"{file} {trouble}")
        return answer.columns, answer.rows

    def _unload(self, documents: list[dict[str, Any]], prefix: str) -> None:
        if self._bucket.list_objects_v2(Bucket=BUCKET, Prefix=f"{prefix}/")["KeyCount"]:
            raise LakeQueryError("HIVE_PATH_ALREADY_EXISTS")
        # Several writers, each with a file of its own.
        half = len(documents) // 2
        for name, part in (("one", documents[:half]), ("other", documents[half:])):
            with TemporaryDirectory() as folder:
                path = write_parquet(Path(folder), DAY, name, part)
                self._bucket.put_object(Bucket=BUCKET, Key=f"{prefix}/{name}", Body=path.read_bytes())


@pytest.fixture
def bucket() -> Iterator[Bucket]:
    """A day of repetitions and revisions in both formats, and today."""
    with mock_aws():
        yield make_bucket()


@pytest.fixture
def machine(bucket: Bucket, monkeypatch: pytest.MonkeyPatch) -> Machine:
    """The template's, which has not run yet."""
    return Machine(bucket, monkeypatch)


def small_files(bucket: Bucket, day: str = DAY) -> list[str]:
    return [key.rpartition("/")[2] for key in bucket.listed() if key.startswith(f"bars/dt={day}/")]


def test_a_finished_days_json_becomes_parquet_and_the_views_answer_the_same(
    bucket: Bucket, machine: Machine
) -> None:
    before = bucket.ask(LATEST), bucket.ask(HISTORY)
    machine.run()

    assert (bucket.ask(LATEST), bucket.ask(HISTORY)) == before
    assert small_files(bucket) == []
    assert small_files(bucket, str(TODAY)) == ["today.json.gz"]
    folders = {key.rpartition("/")[0] for key in bucket.listed() if "/compacted-" in key}
    (folder,) = folders
    assert folder.startswith(f"bars-parquet/dt={DAY}/compacted-")
    # Repetitions that are alike in all are one.
    assert bucket.ask("SELECT count(*) FROM bars_delivered WHERE dt = '2026-11-20'") == [(6,)]


def test_each_night_takes_up_the_days_from_two_to_eight_days_before(bucket: Bucket, machine: Machine) -> None:
    for day in (13, 14):
        bucket.deliver("x", bar(5), day=f"2026-11-{day}")
    machine.run("2026-11-22T03:00:00.000Z")

    left = {key.split("/")[1] for key in bucket.listed() if key.startswith("bars/")}
    assert left == {"dt=2026-11-13", "dt=2026-11-21"}


def test_a_night_without_files_asks_athena_nothing(bucket: Bucket, machine: Machine) -> None:
    machine.run()
    before = bucket.contents()
    machine.run()

    assert machine.calls == ["aws-sdk:s3:listObjectsV2"] * 7
    assert bucket.contents() == before


# The day's calls: a list, the joining, the comparison, its answer and the deletion. Two of them change files.
@pytest.mark.parametrize(
    "lasts", [1, 4, *(pytest.param(calls, marks=pytest.mark.slow) for calls in (0, 2, 3))]
)
def test_wherever_it_ends_no_bar_is_missing_or_there_twice_and_the_next_night_goes_on(
    bucket: Bucket, machine: Machine, lasts: int
) -> None:
    history = bucket.ask(HISTORY)
    machine.lasts = lasts
    with pytest.raises(FAILED):
        machine.run()
    assert bucket.ask(HISTORY) == history

    machine.lasts = None
    machine.run("2026-11-23T03:00:00.000Z")
    assert small_files(bucket) == []
    assert bucket.ask(HISTORY) == history


def test_what_is_done_again_is_done_in_a_folder_of_its_own(bucket: Bucket, machine: Machine) -> None:
    latest = bucket.ask(LATEST)
    kept = bucket.contents()
    machine.run()
    # Another execution, which the schedule started as well, read the files before they were gone.
    for key, body in kept.items():
        bucket.put_object(Bucket=BUCKET, Key=key, Body=body)
    machine.run()

    assert len({key.rpartition("/")[0] for key in bucket.listed() if "/compacted-" in key}) == 2
    assert bucket.ask(LATEST) == latest


def test_a_file_that_comes_late_is_taken_in_by_the_next_night(bucket: Bucket, machine: Machine) -> None:
    machine.run()
    bucket.deliver("late", bar(9, 109.0), bar(1, 101.5, as_of=f"{DAY}T16:00:00.000Z"))
    history = bucket.ask(HISTORY)
    machine.run("2026-11-23T03:00:00.000Z")

    assert small_files(bucket) == []
    assert bucket.ask(HISTORY) == history


def test_many_files_are_deleted_part_by_part_after_one_comparison(bucket: Bucket, machine: Machine) -> None:
    for number in range(5):
        bucket.deliver(f"x{number}", bar(10 + number))
    latest = bucket.ask(LATEST)
    states = machine.definition["States"]["Days"]["ItemProcessor"]["States"]
    assert states["Find"]["Arguments"]["MaxKeys"] == 500
    states["Find"]["Arguments"]["MaxKeys"] = 3
    machine.run()

    assert small_files(bucket) == []
    assert machine.calls.count("athena:startQueryExecution.sync") == 2
    assert machine.calls.count("aws-sdk:s3:deleteObjects") == 3
    assert bucket.ask(LATEST) == latest


def test_what_a_state_passes_on_of_500_files_is_small_enough() -> None:
    name = f"{'s' * 24}-BarDelivery-{'a' * 12}-1-2026-11-20-14-31-02-{'b' * 36}.gz"
    listed = {
        "ChecksumAlgorithm": ["CRC64NVME"],
        "ChecksumType": "FULL_OBJECT",
        "ETag": f'"{"0" * 32}"',
        "Key": f"bars/dt={DAY}/{name}",
        "LastModified": "2026-11-20T14:31:02Z",
        "Size": 100_000,
        "StorageClass": "INTELLIGENT_TIERING",
    }

    assert len(json.dumps([listed] * 500)) < 256 * 1024 * 0.8


def test_what_came_within_the_hour_or_athena_does_not_see_stays(bucket: Bucket, machine: Machine) -> None:
    young = bucket.deliver("young", bar(20))
    machine.modified[young] = "2026-11-22T02:01:00Z"
    for name in ("_aside.json.gz", ".hidden", "", "_below/x", "empty"):
        bucket.put_object(
            Bucket=BUCKET, Key=f"bars/dt={DAY}/{name}", Body=b"" if name in {"", "empty"} else b"x"
        )
    bucket.delete_object(Bucket=BUCKET, Key=f"bars/dt={DAY}/empty")
    machine.run()

    assert small_files(bucket) == ["", ".hidden", "_aside.json.gz", "x", "young.json.gz"]


def test_a_broken_file_ends_the_night_and_costs_its_own_day_alone(bucket: Bucket, machine: Machine) -> None:
    bucket.deliver("x", bar(5), day="2026-11-19")
    bucket.put_object(Bucket=BUCKET, Key="bars/dt=2026-11-19/broken.json.gz", Body=b"{")
    with pytest.raises(FAILED):
        machine.run()

    assert small_files(bucket, "2026-11-19") == ["broken.json.gz", "x.json.gz"]
    assert small_files(bucket) == []


def test_nothing_is_deleted_where_a_document_is_missing(bucket: Bucket, machine: Machine) -> None:
    before = bucket.contents()
    machine.loses = True
    with pytest.raises(FAILED) as ended:
        machine.run()

    assert ended.value.error == "CompactionDiffers"
    assert ended.value.cause == f"Of {DAY} not all documents are in Parquet files; nothing of it was deleted."
    assert before.items() <= bucket.contents().items()


def test_nothing_is_deleted_where_nothing_was_read(bucket: Bucket, machine: Machine) -> None:
    states = machine.definition["States"]["Days"]["ItemProcessor"]["States"]
    text = json.dumps(states["Compare"]).replace("FROM bars WHERE", "FROM bars WHERE false AND")
    states["Compare"] = json.loads(text)
    before = bucket.contents()
    with pytest.raises(FAILED, match="CompactionDiffers"):
        machine.run()

    assert before.items() <= bucket.contents().items()


def test_a_deletion_that_is_refused_ends_the_night(
    bucket: Bucket, machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    latest = bucket.ask(LATEST)
    monkeypatch.setattr(
        bucket, "delete_objects", lambda **_: {"Errors": [{"Key": "x", "Code": "AccessDenied"}]}
    )
    with pytest.raises(FAILED, match="DeletionRefused"):
        machine.run()

    assert bucket.ask(LATEST) == latest
