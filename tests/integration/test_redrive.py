"""The redrive against moto's S3, Kinesis and Lambda: bad records go round through the real transform."""

import gzip
import json
from base64 import b64decode, b64encode
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import boto3
import orjson
import pytest
from kept_clients import keep_clients
from set_aside_world import ARRIVED, World, error_line, make_world

from stockstream.bars import Bar, Lookback
from stockstream.records import encode_record
from stockstream_local import cli
from stockstream_operate.redrive import redrive_command
from stockstream_operate.redrive.error_files import ErrorFiles
from stockstream_operate.search.client import Server
from stockstream_operate.stack import Stack

if TYPE_CHECKING:
    from mypy_boto3_kinesis import KinesisClient

NAME = "1-2026-11-20-21-00-00-0f9d6c2e"
LAKE_KEY = f"processing-failed/dt=2026-11-20/bars-{NAME}"
SEARCH_KEY = f"search/processing-failed/dt=2026-11-20/search-{NAME}"
AS_OF = "2026-11-20T21:00:05.000Z"


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    keep_clients(monkeypatch)
    with make_world(monkeypatch) as world:
        yield world


def record(minute: int, *, close: float = 10.5, instrument: str = "IBM") -> dict[str, Any]:
    """A good record, as the producer would encode it, with a look-back of 20 bars."""
    open_time = f"2026-11-20T20:{minute:02}:00Z"
    bar = Bar(instrument, "equity", "1min", open_time, 10, 12, 9, close, 700.0, "replay", AS_OF)
    lookback = Lookback([10.0 + i / 10 for i in range(20)], [10.0] * 19, [5.0] * 19)
    fields: dict[str, Any] = orjson.loads(encode_record(bar, lookback))
    return fields


def without(fields: dict[str, Any], name: str) -> dict[str, Any]:
    return {key: value for key, value in fields.items() if key != name}


# Of each: what is wrong, what a repair can do nothing about, and what it can.
REPAIRABLE = {
    1: without(record(1), "id"),
    2: without(record(2), "asset_class"),
    3: record(3) | {"id": None},
    4: without(without(record(4), "id"), "asset_class"),
    5: record(5) | {"lookback": {"close": [-1.0], "typical": [], "volume": []}},
    6: record(6)
    | {"lookback": {"close": [1.0] * 180 + record(6)["lookback"]["close"], "typical": [], "volume": []}},
}
HOPELESS = {
    21: record(21) | {"high": 9.0, "low": 12.0},
    22: record(22, close=253.0),
    23: record(23) | {"schema": "bar.v2"},
}
RUBBISH = b"{not json"


def encode(records: dict[int, dict[str, Any]]) -> list[bytes]:
    return [orjson.dumps(each) for each in records.values()]


def minute_of(document: dict[str, Any]) -> int:
    return int(document["open_time"][14:16])


def test_a_repaired_bar_has_the_analytics_of_the_look_back_that_it_kept(world: World) -> None:
    world.set_aside(LAKE_KEY, world.firehose.deliver(encode(REPAIRABLE)))

    cli.main(["redrive", "--apply"])

    world.firehose.deliver(world.take())
    lookbacks = {minute_of(each): each["lookback_bars"] for each in world.firehose.delivered}
    assert lookbacks == {1: 20, 2: 20, 3: 20, 4: 20, 5: 0, 6: 199}


def test_a_second_redrive_sends_nothing(world: World) -> None:
    lines = [error_line(each) for each in encode(REPAIRABLE)]
    world.set_aside(LAKE_KEY, lines)
    world.set_aside(SEARCH_KEY, lines)
    cli.main(["redrive", "--apply"])
    assert len(world.take()) == len(REPAIRABLE)

    assert cli.main(["redrive", "--apply"]) == 0

    assert world.take() == []
    assert world.files() == [f"redriven/{LAKE_KEY}", f"redriven/{SEARCH_KEY}"]


def test_a_dry_run_changes_nothing(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    lines = [error_line(each) for each in (*encode(REPAIRABLE), *encode(HOPELESS))]
    world.set_aside(LAKE_KEY, lines)

    assert cli.main(["redrive"]) == 0

    told = " ".join(capsys.readouterr().out.split())
    assert "HIGH_BELOW_LOW" in told
    assert "6 to send to the stream, 3 for a person" in told
    assert world.take() == []
    assert world.files() == [LAKE_KEY]


def test_what_needs_a_person_stays_where_it_was(world: World) -> None:
    hopeless = encode(HOPELESS)
    world.set_aside(LAKE_KEY, [error_line(each) for each in (*encode(REPAIRABLE), *hopeless, RUBBISH)])

    cli.main(["redrive", "--apply"])

    assert world.entries(LAKE_KEY) == [*hopeless, RUBBISH]
    (done,) = [key for key in world.files() if key.startswith("redriven/")]
    assert world.entries(done) == encode(REPAIRABLE)


@pytest.mark.parametrize("between", [b"\n", b""], ids=["lines", "no newlines"])
def test_records_that_the_transform_failed_on_go_back_byte_for_byte(world: World, between: bytes) -> None:
    records = encode({minute: record(minute) for minute in range(5)})
    world.set_aside(LAKE_KEY, [error_line(each, "Lambda.FunctionError") for each in records], between)

    cli.main(["redrive", "--apply"])

    assert world.take() == records


class CrashError(Exception):
    """The process dies here."""


@pytest.mark.parametrize("step", ["put_object", "delete_object"])
def test_a_crash_between_the_put_and_the_move_repeats_and_loses_nothing(
    world: World, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    world.set_aside(LAKE_KEY, world.firehose.deliver(encode(REPAIRABLE)))
    put_away = ErrorFiles.put_away

    def die(*_: object, **__: object) -> None:
        raise CrashError

    def crash(self: ErrorFiles, *arguments: Any) -> None:
        with monkeypatch.context() as patch:
            patch.setattr(self._s3, step, die)
            put_away(self, *arguments)

    with monkeypatch.context() as patch:
        patch.setattr(ErrorFiles, "put_away", crash)
        with pytest.raises(CrashError):
            cli.main(["redrive", "--apply"])
    first = world.take()
    assert len(first) == len(REPAIRABLE)

    assert cli.main(["redrive", "--apply"]) == 0

    second = world.take()
    assert second == first  # a repetition, byte for byte
    assert world.firehose.deliver([*first, *second]) == []
    assert sorted(map(minute_of, world.view().values())) == list(REPAIRABLE)
    assert cli.main(["redrive", "--apply"]) == 0
    assert world.take() == []


def test_what_the_stream_refuses_stays_set_aside_until_it_takes_it(
    world: World, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    refused = orjson.dumps(record(2))

    class Refusing:
        """BarStream's part, with one record that it never takes."""

        def __init__(self, client: "KinesisClient", name: str, **_: Any) -> None:
            self.client, self.name, self.refusal = client, name, "ProvisionedThroughputExceededException"

        def put(self, key: str, records: Sequence[bytes], _deadline: float) -> set[int]:
            taken = {position for position, each in enumerate(records) if each != refused}
            for position in taken:
                self.client.put_record(StreamName=self.name, PartitionKey=key, Data=records[position])
            return taken

    records = encode({minute: record(minute) for minute in range(4)})
    world.set_aside(LAKE_KEY, [error_line(each, "Lambda.FunctionError") for each in records])
    with monkeypatch.context() as patch:
        patch.setattr(redrive_command, "BarStream", Refusing)
        assert cli.main(["redrive", "--apply"]) == 1
    told = capsys.readouterr()
    assert "Refused, and still set aside: 1." in " ".join(told.err.split())
    assert "the stream did not take it: ProvisionedThroughputExceededException" in " ".join(told.out.split())
    assert world.entries(LAKE_KEY) == [refused]
    assert refused not in world.take()

    assert cli.main(["redrive", "--apply"]) == 0

    assert world.take() == [refused]


def test_another_redrive_at_the_same_time_costs_repetitions_at_most(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.set_aside(LAKE_KEY, world.firehose.deliver([*encode(REPAIRABLE), *encode(HOPELESS)]))
    put_away = ErrorFiles.put_away
    others: list[int] = []

    def race(self: ErrorFiles, *arguments: Any) -> None:
        if not others:  # the other one reads, sends and moves between this one's read and its move
            others.append(0)
            others.append(cli.main(["redrive", "--apply"]))
        put_away(self, *arguments)

    monkeypatch.setattr(ErrorFiles, "put_away", race)

    assert cli.main(["redrive", "--apply"]) == 0

    assert others == [0, 0]
    sent = world.take()
    assert len(sent) == 2 * len(set(sent)) == 2 * len(REPAIRABLE)
    assert world.entries(LAKE_KEY) == encode(HOPELESS)


def test_a_file_that_grew_meanwhile_keeps_what_was_added(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    lines = [error_line(each) for each in encode(REPAIRABLE)]
    added = error_line(orjson.dumps(record(40)), "Lambda.FunctionError")
    world.set_aside(LAKE_KEY, lines)
    put_away = ErrorFiles.put_away

    def grow(self: ErrorFiles, *arguments: Any) -> None:
        world.set_aside(LAKE_KEY, [*lines, added])
        put_away(self, *arguments)

    with monkeypatch.context() as patch:
        patch.setattr(ErrorFiles, "put_away", grow)
        assert cli.main(["redrive", "--apply"]) == 0

    assert world.entries(LAKE_KEY)[-1] == orjson.dumps(record(40))


def test_what_fails_again_meanwhile_is_no_copy_of_what_was_sent(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    records = encode({minute: record(minute) for minute in range(3)})
    for number, each in enumerate(records):
        line = error_line(each, "Lambda.FunctionError")
        world.set_aside(f"processing-failed/dt=2026-11-20/bars-{number}", [line])

    class FailingAgain:
        """The bar stream, where the transform fails still: Firehose sets each record aside anew."""

        refusal = ""

        def __init__(self, client: "KinesisClient", name: str, **_: Any) -> None:
            assert (client.meta.service_model.service_name, name) == ("kinesis", "bars")

        def put(self, _key: str, records: Sequence[bytes], _deadline: float) -> set[int]:
            lines = [error_line(each, "Lambda.FunctionError") for each in records]
            world.set_aside(
                f"processing-failed/dt=2026-11-20/failed-again-{minute_of(json.loads(records[0]))}", lines
            )
            return set(range(len(records)))

    with monkeypatch.context() as patch:
        patch.setenv("MOTO_S3_DEFAULT_MAX_KEYS", "1")  # so that a listing has a page after each file
        patch.setattr(redrive_command, "BarStream", FailingAgain)
        assert cli.main(["redrive", "--apply"]) == 0

    again = [key for key in world.files() if key.startswith("processing-failed/")]
    assert [world.entries(key) for key in again] == [[each] for each in records]


def test_days_before_since_and_other_reasons_are_left_alone(world: World) -> None:
    older = "processing-failed/dt=2026-11-19/bars-1"
    world.set_aside(older, [error_line(orjson.dumps(REPAIRABLE[1]))])
    world.set_aside(LAKE_KEY, [error_line(each) for each in encode(REPAIRABLE)])

    assert cli.main(["redrive", "--apply", "--since", "2026-11-20", "--reason", "BAD_TYPE"]) == 0

    assert [json.loads(each)["open_time"] for each in world.take()] == ["2026-11-20T20:03:00Z"]
    assert older in world.files()
    assert len(world.entries(LAKE_KEY)) == len(REPAIRABLE) - 1


def test_the_oldest_are_sent_first_and_no_more_than_the_limit(world: World) -> None:
    for day in (20, 18, 19):
        lines = [error_line(orjson.dumps(record(day)), "Lambda.FunctionError")]
        world.set_aside(f"processing-failed/dt=2026-11-{day}/bars-1", lines)

    assert cli.main(["redrive", "--apply", "--limit", "2"]) == 0

    assert [minute_of(json.loads(each)) for each in world.take()] == [18, 19]
    assert "processing-failed/dt=2026-11-20/bars-1" in world.files()


def test_a_person_repairs_what_nothing_else_can(world: World, tmp_path: Path) -> None:
    lines = world.firehose.deliver([*encode(HOPELESS), RUBBISH])
    world.set_aside(LAKE_KEY, lines)
    file = tmp_path / "mine.jsonl"
    assert cli.main(["redrive", "--save", str(file)]) == 0
    saved = [json.loads(line) for line in file.read_text().splitlines()]
    assert [each["reason"] for each in saved] == [
        "HIGH_BELOW_LOW",
        "BAD_PRICE",
        "UNKNOWN_SCHEMA",
        "MALFORMED_JSON",
    ]
    saved[0]["record"] |= {"high": 12, "low": 9}
    saved[3]["text"] = json.dumps(record(24))
    file.write_text("".join(json.dumps(each) + "\n" for each in saved))

    assert cli.main(["redrive", "--from", str(file)]) == 0
    assert world.take() == []  # a dry run
    assert cli.main(["redrive", "--from", str(file), "--apply"]) == 0

    assert world.firehose.deliver(world.take()) == []
    assert sorted(map(minute_of, world.view().values())) == [21, 24]
    assert world.entries(LAKE_KEY) == encode({22: HOPELESS[22], 23: HOPELESS[23]})


def test_a_correction_stands_for_each_copy_of_the_record(
    world: World, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for key in (LAKE_KEY, SEARCH_KEY):
        world.set_aside(key, [error_line(each) for each in encode(HOPELESS)])
    file = tmp_path / "mine.jsonl"
    cli.main(["redrive", "--save", str(file)])
    first, *_ = [json.loads(line) for line in file.read_text().splitlines()]
    first["record"] |= {"high": 12, "low": 9}
    file.write_text(json.dumps(first))
    command = ["redrive", "--from", str(file), "--apply"]

    assert cli.main(command) == 0
    assert [minute_of(json.loads(each)) for each in world.take()] == [21]
    for key in (LAKE_KEY, SEARCH_KEY):
        assert world.entries(key) == encode({22: HOPELESS[22], 23: HOPELESS[23]})

    capsys.readouterr()
    assert cli.main(command) == 0  # for the second time
    assert world.take() == []
    assert f"Not set aside any more, of {file}: 1." in capsys.readouterr().out


@pytest.mark.parametrize("option", ["--save=x", "--reason=BAD_TIME", "--since=2026-11-20"])
def test_a_file_of_corrections_says_by_itself_what_is_meant(
    world: World, tmp_path: Path, capsys: pytest.CaptureFixture[str], option: str
) -> None:
    assert world.files() == []

    assert cli.main(["redrive", "--from", str(tmp_path / "mine.jsonl"), option]) == 1

    assert "--from means the entries of its file" in capsys.readouterr().err


def test_somebodys_work_is_not_written_over(
    world: World, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    world.set_aside(LAKE_KEY, [error_line(RUBBISH)])
    file = tmp_path / "mine.jsonl"
    file.write_text("my work")

    assert cli.main(["redrive", "--save", str(file)]) == 1

    assert "is there already" in " ".join(capsys.readouterr().err.split())
    assert file.read_text() == "my work"


def test_json_is_for_scripts(world: World, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    world.set_aside(LAKE_KEY, [error_line(each) for each in (*encode(REPAIRABLE), RUBBISH)])

    assert cli.main(["redrive", "--format", "json", "--save", str(tmp_path / "mine.jsonl")]) == 0

    told = json.loads(capsys.readouterr().out)
    assert told["applied"] is False
    rows = {row["reason"]: row for row in told["rows"] if row["reason"] != "BAD_LOOKBACK"}
    assert rows["MALFORMED_JSON"]["action"] == "needs a person"
    assert rows["BAD_TYPE"]["count"] == 1
    assert rows["BAD_TYPE"]["first_arrival"] == "2026-11-20T21:00:00.000Z"
    assert rows["BAD_TYPE"]["instruments"] == {"IBM": 1}


def test_a_file_that_unpacks_to_more_than_firehose_writes_is_named_and_costs_no_other(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    bomb = "processing-failed/dt=2026-11-19/bomb"
    world.set_aside(bomb, [gzip.compress(b" " * 2**24) * 20])
    world.set_aside(LAKE_KEY, [error_line(each) for each in encode(REPAIRABLE)])

    assert cli.main(["redrive", "--apply"]) == 1

    told = " ".join(capsys.readouterr().err.split())
    assert f"{bomb} holds more than 192 MB, and is not read" in told
    assert len(world.take()) == len(REPAIRABLE)
    assert world.files() == [bomb, f"redriven/{LAKE_KEY}"]


def test_an_empty_lake_is_no_failure(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["redrive", "--apply"]) == 0

    assert "Nothing is set aside." in capsys.readouterr().out
    assert world.files() == []


def test_a_wrong_stack_or_right_is_told_in_a_sentence(
    world: World, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert world.files() == []
    outputs = {"LakeBucketName": "gone", "BarStreamName": "bars", "TransformFunctionName": "transform"}
    monkeypatch.setattr(redrive_command, "find_stack", lambda _name: Stack("mine", None, outputs))

    assert cli.main(["redrive", "--stack", "mine"]) == 1

    assert "AWS gave no good answer" in " ".join(capsys.readouterr().err.split())


def test_a_transform_that_cannot_run_is_to_be_corrected_first(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    world.set_aside(LAKE_KEY, [error_line(orjson.dumps(record(0)), "Lambda.FunctionError")])
    variables = {"SMA_WINDOWS": "1", "EMA_WINDOWS": "12,26"}
    boto3.client("lambda").update_function_configuration(
        FunctionName="transform", Environment={"Variables": variables}
    )

    assert cli.main(["redrive", "--apply"]) == 1

    assert "one of its settings is wrong: correct that first. SMA_WINDOWS: '1'" in capsys.readouterr().err
    assert world.files() == [LAKE_KEY]


class Index:
    """A search index that takes what it is given, or refuses it."""

    def __init__(self, refusal: str = "") -> None:
        self.refusal = refusal
        self.indexed: list[dict[str, Any]] = []

    def fill(self, documents: list[dict[str, Any]]) -> list[str]:
        self.indexed += documents
        return [self.refusal] * len(documents)


def document_lines(world: World) -> list[bytes]:
    """Two documents that the index did not take: one did not fit, of the other there was a newer answer."""
    assert world.firehose.deliver(encode({0: record(0), 1: record(1)})) == []
    codes = ("400", "409")
    return [
        error_line(orjson.dumps(document) + b"\n", code, esIndexName="bars")
        for document, code in zip(world.firehose.delivered, codes, strict=True)
    ]


# What Firehose's documents, its API and its older name call the folder.
@pytest.mark.parametrize(
    "folder", ["AmazonOpenSearchService-failed", "AmazonOpenSearchService_failed", "elasticsearch-failed"]
)
def test_documents_that_the_index_refused_are_indexed_again_and_not_sent(
    world: World, monkeypatch: pytest.MonkeyPatch, folder: str
) -> None:
    index = Index()
    monkeypatch.setattr(redrive_command, "Filler", lambda _server: index)
    key = f"search/{folder}/dt=2026-11-20/search-1"
    world.set_aside(key, document_lines(world))

    assert cli.main(["redrive", "--apply", "--endpoint", "https://search.test"]) == 0

    assert world.take() == []  # through the stream they would lose their analytics
    assert index.indexed == world.firehose.delivered[:1]
    assert world.files() == [f"redriven/{key}"]


def test_an_index_that_asks_for_a_name_gets_the_users(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    servers: list[Server] = []

    def open_index(server: Server) -> Index:
        servers.append(server)
        return Index()

    monkeypatch.setattr(redrive_command, "Filler", open_index)
    monkeypatch.setenv("STOCKSTREAM_SEARCH_PASSWORD", "secret")
    world.set_aside("search/elasticsearch-failed/dt=2026-11-20/search-1", document_lines(world))

    arguments = ["--apply", "--endpoint", "https://search.test", "--user", "ann"]
    assert cli.main(["redrive", *arguments]) == 0

    assert [(each.endpoint, each.auth) for each in servers] == [("https://search.test", ("ann", "secret"))]


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--endpoint", "https://search.test"], "400: no"),
        (["--endpoint", "http://search.test"], "cannot be used: write https://"),
        ([], "name it with --endpoint"),
    ],
    ids=["refused again", "bad address", "no index"],
)
def test_documents_that_are_not_indexed_stay_set_aside(
    world: World,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    arguments: list[str],
    told: str,
) -> None:
    monkeypatch.setattr(redrive_command, "Filler", lambda _server: Index("400: no"))
    key = "search/AmazonOpenSearchService-failed/dt=2026-11-20/search-1"
    lines = document_lines(world)
    world.set_aside(key, lines)

    assert cli.main(["redrive", "--apply", "--format", "json", *arguments]) == 1

    assert told in capsys.readouterr().out
    assert world.entries(key) == [b64decode(json.loads(lines[0])["rawData"])]


def test_a_folder_of_the_search_delivery_that_holds_no_failures_is_not_read(world: World) -> None:
    world.set_aside("search/all-documents/dt=2026-11-20/x", [orjson.dumps(record(0))])

    assert cli.main(["redrive", "--apply"]) == 0

    assert world.take() == []
    assert world.files() == ["search/all-documents/dt=2026-11-20/x"]


def test_more_files_than_a_page_lists_are_all_read(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MOTO_S3_DEFAULT_MAX_KEYS", "2")
    for number in range(5):
        line = error_line(orjson.dumps(record(number)), "Lambda.FunctionError")
        world.set_aside(f"processing-failed/dt=2026-11-20/bars-{number}", [line])
    assert world.s3.list_objects_v2(Bucket="the-lake")["IsTruncated"]

    assert cli.main(["redrive", "--apply"]) == 0

    assert [minute_of(json.loads(each)) for each in world.take()] == [0, 1, 2, 3, 4]


def test_a_document_that_could_not_be_converted_is_in_the_view_with_its_analytics(world: World) -> None:
    assert world.firehose.deliver(encode({0: record(0), 1: record(1)})) == []
    world.s3.delete_object(Bucket="the-lake", Key="bars/dt=2026-11-20/bars-000002.json.gz")
    documents = world.firehose.delivered
    assert world.view() == {}
    key = "format-conversion-failed/dt=2026-11-20/bars-1"
    lines = [
        orjson.dumps(
            {
                "attemptsMade": 1,
                "arrivalTimestamp": ARRIVED,
                "lastErrorCode": "DataFormatConversion.InvalidSchema",
                "lastErrorMessage": "The schema is invalid.",
                "attemptEndingTimestamp": ARRIVED,
                "rawData": b64encode(orjson.dumps(each)).decode(),
                "sequenceNumber": "1",
                "subSequenceNumber": 0,
                "dataCatalogTable": {"databaseName": "stockstream", "tableName": "bars_parquet"},
            }
        )
        for each in documents
    ]
    world.set_aside(key, lines)

    assert cli.main(["redrive", "--apply"]) == 0

    assert world.take() == []  # through the stream they would lose their analytics
    view = world.view()
    fields = ("as_of", "close", "lookback_bars", "sma_5", "rsi_14", "vwap_20")
    assert {bar: [each[name] for name in fields] for bar, each in view.items()} == {
        each["id"]: [each[name] for name in fields] for each in documents
    }
    world.set_aside(key, lines)
    assert cli.main(["redrive", "--apply"]) == 0
    assert world.view() == view
