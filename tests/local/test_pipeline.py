"""The deployed stack on the emulator: its documents against pandas, its notices, and sending again."""

import base64
import json
import os
import re
import time
from base64 import b64decode
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import boto3
import numpy as np
import pandas as pd
import pytest
from botocore.client import BaseClient
from reaching import reaching

from stockstream.fields import PRICE, list_fields
from stockstream.instruments import parse_instruments
from stockstream.windows import Windows
from stockstream_local import cli, deployment
from stockstream_local.emulator.server import run_emulator
from stockstream_local.market import invented as market
from stockstream_local.market.replay import InventedMarket, ReplayMarket
from stockstream_local.notices import NoticeReceiver
from stockstream_operate import stack as stack_module
from stockstream_operate.doctor.deployed import CHECKS, examine_stack
from stockstream_operate.doctor.stages import STAGES
from stockstream_operate.environment import Emulator
from stockstream_operate.lake.delivered import Document, Lake
from stockstream_operate.lake.engine import LakeEngine
from stockstream_operate.lake.splits import SPLITS_COLUMNS, SPLITS_TABLE
from stockstream_operate.lake.sql import in_one_line
from stockstream_operate.redrive import dead_letters_command, redrive_command

if TYPE_CHECKING:
    from mypy_boto3_cloudwatch import CloudWatchClient
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_glue import GlueClient
    from mypy_boto3_lambda import LambdaClient
    from mypy_boto3_logs import CloudWatchLogsClient

pytestmark = pytest.mark.local

ROOT = Path(__file__).parents[2]
INSTRUMENTS = parse_instruments("IBM,fx:EUR/USD,crypto:BTC/USD")
SECRETS = {"/stockstream/api-key": "any"}
# Hours ago, on the minute: the market shows no bar that is still forming.
START = datetime.now(UTC).replace(second=0, microsecond=0) - timedelta(hours=5)
DELIVERY_SECONDS = 60
UNITS = {field.name: field.unit for field in list_fields(Windows())}
RUNS = [START + timedelta(minutes=minutes) for minutes in (0, 3, 60, 120)]


@dataclass
class Stack:
    """The running stack, and what stands around it."""

    emulator: Emulator
    outputs: dict[str, str]
    alarms: dict[str, str]
    lake: Lake
    folder: Path
    functions: "LambdaClient"
    dynamodb: "DynamoDBClient"
    glue: "GlueClient"
    cloudwatch: "CloudWatchClient"
    logs: "CloudWatchLogsClient"
    receiver: NoticeReceiver
    clock: list[datetime]
    notices: list[dict[str, Any]] = field(default_factory=list)

    def notices_of(self, name: str) -> list[dict[str, Any]]:
        """What was told under a name so far: other tests' faults ring alarms too, at any moment."""
        while not self.receiver.notices.empty():
            self.notices.append(self.receiver.notices.get())
        return [notice for notice in self.notices if notice["name"] == name]

    def produce(self) -> list[Document]:
        """Runs the producer, and waits for what it sent to be delivered."""
        # The market's clock leaps hours between two runs, and the producer's does not: it has to forget
        # that it has asked within this minute.
        self.dynamodb.delete_item(
            TableName=self.outputs["InstrumentTableName"], Key={"key": {"S": "ledger|replay"}}
        )
        answer = self.functions.invoke(FunctionName=self.outputs["ProducerFunctionName"], Payload=b"{}")
        said = answer["Payload"].read()
        assert "FunctionError" not in answer, said
        sent, deadline = sum(json.loads(said).values()), time.monotonic() + DELIVERY_SECONDS
        documents: list[Document] = []
        while len(documents) < sent:
            assert time.monotonic() < deadline, f"{len(documents)} of {sent} documents were delivered"
            time.sleep(0.1)
            documents += self.lake.read_new()
        return documents


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory, built: Path) -> Iterator[Stack]:
    state = tmp_path_factory.mktemp("state")
    clock = [START]
    with (
        ReplayMarket(InventedMarket(), clock=lambda: clock[0]) as replay,
        NoticeReceiver() as receiver,
        run_emulator(None, os.environ, state) as emulator,
        reaching(emulator) as environ,
    ):
        ssm = boto3.client("ssm")
        for name, value in {**SECRETS, "/stockstream/webhook": receiver.url}.items():
            ssm.put_parameter(Name=name, Value=value, Type="SecureString")
        parameters = {
            "ProviderUrl": replay.url,
            "Instruments": ",".join(instrument.name for instrument in INSTRUMENTS),
            "Architecture": deployment.host_architecture(),
            "ScheduleState": "DISABLED",  # the tests say when
        }
        deployment.deploy(ROOT, built, parameters, environ, state)
        cloudformation = boto3.client("cloudformation")
        (described,) = cloudformation.describe_stacks(StackName="stockstream")["Stacks"]
        outputs = {output["OutputKey"]: output["OutputValue"] for output in described["Outputs"]}
        resources = cloudformation.describe_stack_resources(StackName="stockstream")["StackResources"]
        yield Stack(
            emulator=emulator,
            outputs=outputs,
            alarms={each["LogicalResourceId"]: each["PhysicalResourceId"] for each in resources},
            lake=Lake(boto3.client("s3"), outputs["LakeBucketName"], state / "lake"),
            folder=state / "lake",
            functions=boto3.client("lambda"),
            dynamodb=boto3.client("dynamodb"),
            glue=boto3.client("glue"),
            cloudwatch=boto3.client("cloudwatch"),
            logs=boto3.client("logs"),
            receiver=receiver,
            clock=clock,
        )


@pytest.fixture
def here(stack: Stack, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Lets commands find this stack, as they find the one that `make run` runs."""
    found = stack_module.Stack("stockstream", stack.emulator.url, stack.outputs)
    for module in (redrive_command, dead_letters_command):
        monkeypatch.setattr(module, "find_stack", lambda _name: found)
    with reaching(stack.emulator):
        yield


@pytest.fixture(scope="module")
def delivered(stack: Stack) -> dict[str, list[list[Document]]]:
    """Of each instrument, the documents of each run."""
    runs: dict[str, list[list[Document]]] = defaultdict(list)
    for stack.clock[0] in RUNS:
        documents = stack.produce()
        for instrument in INSTRUMENTS:
            runs[instrument.name].append(
                [each for each in documents if each["instrument"] == instrument.name]
            )
    return runs


def known(name: str, run: int) -> pd.DataFrame:
    """The bars that the producer can know in a run: from the oldest of its first answer on."""
    (instrument,) = parse_instruments(name)
    first = market.bars(instrument, "1min", RUNS[0], 100)[0].open_time
    bars = market.bars(instrument, "1min", RUNS[run], 400)
    rows = {bar.open_time: (bar.open, bar.high, bar.low, bar.close, bar.volume) for bar in bars}
    frame = pd.DataFrame.from_dict(rows, orient="index", columns=["open", "high", "low", "close", "volume"])
    return frame.loc[first:].astype(float)


def smooth_all(values: pd.Series, first: int, alpha: float) -> pd.Series:
    """The exponential averages of a series from the seed on, which is the mean of its first values."""
    if len(values) < first:
        return pd.Series([np.nan])
    seeded = pd.concat([pd.Series([values.iloc[:first].mean()]), values.iloc[first:]])
    averages: pd.Series = seeded.ewm(alpha=alpha, adjust=False).mean()
    return averages.reset_index(drop=True)


def smooth(values: pd.Series, first: int, alpha: float) -> float:
    """The last of them."""
    return float(smooth_all(values, first, alpha).iloc[-1])


def analytics(window: pd.DataFrame) -> dict[str, float]:
    """The analytics of the newest bar of a window, by pandas; NaN where the window is too short."""
    close, volume = window["close"], window["volume"]
    typical = (window["high"] + window["low"] + close) / 3
    change, logarithm = close.diff().iloc[1:], pd.Series(np.log(close.to_numpy())).diff().iloc[1:]
    # Of these 20 alone: what rolling() carries along from the bars before costs a z-score its ninth digit.
    last = close.tail(20) if len(close) >= 20 else pd.Series([np.nan])
    band, deviation = last.mean(), last.std(ddof=0)
    gain, loss = smooth(change.clip(lower=0), 14, 1 / 14), smooth(-change.clip(upper=0), 14, 1 / 14)
    fast, slow = smooth_all(close, 12, 2 / 13), smooth_all(close, 26, 2 / 27)
    lines = fast.iloc[14:].reset_index(drop=True) - slow if len(close) >= 26 else pd.Series([np.nan])
    signal = smooth(lines, 9, 2 / 10)
    before = close.shift().iloc[1:]
    ranges = window["high"].iloc[1:].clip(lower=before) - window["low"].iloc[1:].clip(upper=before)
    return {
        "lookback_bars": len(window) - 1,
        **{f"sma_{n}": close.rolling(n).mean().iloc[-1] for n in (5, 20, 50, 200)},
        **{f"ema_{n}": smooth(close, n, 2 / (n + 1)) for n in (12, 26)},
        **{f"return_{k}": close.pct_change(k).iloc[-1] for k in (1, 5)},
        "log_return_1": logarithm.iloc[-1] if len(logarithm) else np.nan,
        "volatility_20": logarithm.rolling(20).std().iloc[-1] if len(logarithm) else np.nan,
        "bollinger_upper_20": band + 2 * deviation,
        "bollinger_lower_20": band - 2 * deviation,
        "zscore_20": (close.iloc[-1] - band) / deviation,
        "rsi_14": 100 - 100 / (1 + gain / loss) if loss else 100.0,
        "vwap_20": ((typical * volume).rolling(20).sum() / volume.rolling(20).sum()).iloc[-1],
        "macd_12_26_9": lines.iloc[-1],
        "macd_signal_12_26_9": signal,
        "macd_histogram_12_26_9": lines.iloc[-1] - signal,
        "atr_14": smooth(ranges, 14, 1 / 14),
        "spike_20": (ranges.iloc[-1] - abs(change.iloc[-1])) / ranges.iloc[-21:-1].median()
        if len(ranges) > 20
        else np.nan,
    }


@pytest.mark.parametrize("name", [instrument.name for instrument in INSTRUMENTS])
def test_every_delivered_number_is_what_pandas_finds(
    delivered: dict[str, list[list[Document]]], name: str
) -> None:
    """Of the first bars, while the averages warm up; of each later run's first and last; and of a sample."""
    checked = 0
    for run, documents in enumerate(delivered[name]):
        frame = known(name, run)
        by_time = sorted(documents, key=lambda document: document["open_time"])
        chosen = {*range(0 if run else 35), *range(0, len(by_time), 9), len(by_time) - 1}
        for document in [each for place, each in enumerate(by_time) if place in chosen]:
            bar = pd.Timestamp(document["open_time"])
            window = frame.loc[:bar].tail(200)
            expected = {str(column): window[column].iloc[-1] for column in window} | analytics(window)
            told = {
                field: np.nan if number is None else number
                for field, number in document.items()
                if not isinstance(number, str)
            }
            assert told.keys() == expected.keys()
            for column, number in expected.items():
                # A difference of prices is as good as they are: MACD's histogram is often near 0.
                near_zero = 1e-14 * document["close"] if UNITS[column] == PRICE else 1e-11
                assert told[column] == pytest.approx(number, rel=1e-9, abs=near_zero, nan_ok=True), (
                    document["id"], column,
                )  # fmt: skip
            checked += 1
    assert checked > 50


def test_the_views_that_were_deployed_show_each_bar_once_at_its_newest(
    delivered: dict[str, list[list[Document]]], stack: Stack
) -> None:
    assert delivered  # the runs are over
    listed = stack.glue.get_tables(DatabaseName=stack.outputs["LakeDatabaseName"])["TableList"]
    texts = {table["Name"]: table["ViewOriginalText"] for table in listed if "ViewOriginalText" in table}
    deployed = {
        name: json.loads(b64decode(text.removeprefix("/* Presto View: ").removesuffix(" */")))
        for name, text in texts.items()
    }

    with LakeEngine(stack.folder) as lake:
        assert {name: view["originalSql"] for name, view in deployed.items()} == {
            name: in_one_line(view.sql) for name, view in lake.lake_sql.views.items()
        }
        for table in listed:
            names = [column["Name"] for column in table["StorageDescriptor"]["Columns"]]
            view = lake.lake_sql.views.get(table["Name"])
            columns = SPLITS_COLUMNS if table["Name"] == SPLITS_TABLE else lake.lake_sql.columns
            assert names == list(view.columns if view else columns), table["Name"]
        rows = lake.query("SELECT id, as_of, close, rsi_14 FROM bars_latest").rows

    assert len(rows) == len(stack.lake.latest)
    for bar, as_of, close, rsi in rows:
        document = stack.lake.latest[bar]
        assert (as_of.isoformat(timespec="milliseconds") + "Z", close, rsi) == (
            document["as_of"], document["close"], document["rsi_14"],
        )  # fmt: skip


@pytest.mark.parametrize("name", [instrument.name for instrument in INSTRUMENTS])
def test_every_bar_that_the_market_showed_is_in_the_lake_at_its_final_numbers(
    delivered: dict[str, list[list[Document]]], stack: Stack, name: str
) -> None:
    assert delivered[name]  # the runs are over
    frame = known(name, len(RUNS) - 1)
    columns = [str(column) for column in frame.columns]
    latest = {
        pd.Timestamp(document["open_time"]): [document[column] for column in columns]
        for document in stack.lake.latest.values()
        if document["instrument"] == name
    }

    assert sorted(latest) == list(frame.index)
    told = pd.DataFrame.from_dict(latest, orient="index", columns=columns).astype(float).sort_index()
    pd.testing.assert_frame_equal(told, frame, check_freq=False)


@pytest.mark.slow
def test_a_full_look_back_is_reached_over_several_runs(
    delivered: dict[str, list[list[Document]]], stack: Stack
) -> None:
    assert delivered  # the runs are over
    newest = stack.lake.newest["fx:EUR/USD"]

    assert newest["lookback_bars"] == 199
    assert newest["sma_200"] is not None


def test_each_number_of_a_bar_is_sent_once(delivered: dict[str, list[list[Document]]]) -> None:
    documents = [document for runs in delivered.values() for run in runs for document in run]
    answers = [(document["id"], document["as_of"]) for document in documents]

    assert len(answers) == len(set(answers))


def test_an_alarm_ends_in_a_message_at_the_webhook(stack: Stack) -> None:
    alarm = stack.alarms["DeadLettersAlarm"]

    stack.cloudwatch.set_alarm_state(AlarmName=alarm, StateValue="ALARM", StateReason="1 error in 1 minute")

    wait_for(lambda: bool(stack.notices_of(alarm)))
    notice = stack.notices_of(alarm)[0]
    assert notice["schema"] == "notice.v1"
    assert (notice["state"], notice["severity"]) == ("ALARM", "warning")
    assert "dead-letter queue" in notice["summary"]


def test_the_notice_of_a_price_move_quotes_the_producers_log(stack: Stack) -> None:
    logs, alarm = stack.logs, stack.alarms["PriceMoveAlarm"]
    line = {
        "message": "price moved",
        "instrument": "IBM",
        "interval": "1min",
        "bars": 5,
        "change_percent": -7.2066,
        "from_price": 283.0424,
        "from_time": "2026-11-20T15:30:00Z",
        "to_price": 262.6447,
        "to_time": "2026-11-20T15:35:00Z",
    }
    logs.create_log_stream(logGroupName=stack.alarms["ProducerLog"], logStreamName="test")
    logs.put_log_events(
        logGroupName=stack.alarms["ProducerLog"],
        logStreamName="test",
        logEvents=[
            {"timestamp": int(datetime.now(UTC).timestamp() * 1000), "message": json.dumps(each)}
            for each in ({"message": "another line"}, line)
        ],
    )

    stack.cloudwatch.set_alarm_state(AlarmName=alarm, StateValue="ALARM", StateReason="7.2 is too much")

    wait_for(lambda: bool(stack.notices_of(alarm)))
    notice = stack.notices_of(alarm)[0]
    assert (notice["state"], notice["severity"]) == ("ALARM", "warning")
    assert notice["summary"].splitlines()[1:] == [
        "IBM fell 7.21 %, from 283.0424 to 262.6447, between 15:30 and 15:35 UTC (5 bars of 1min)."
    ]


def put_records(stack: Stack, records: list[bytes]) -> None:
    kinesis, name = boto3.client("kinesis"), stack.outputs["BarStreamName"]
    answer = kinesis.put_records(
        StreamName=name, Records=[{"Data": each, "PartitionKey": "MSFT"} for each in records]
    )
    assert answer["FailedRecordCount"] == 0


def make_record(minute: int, close: float = 10.5) -> dict[str, Any]:
    """A bar of an instrument that no other test follows."""
    open_time = f"2026-11-20T20:{minute:02}:00Z"
    return {
        "schema": "bar.v1",
        "id": f"MSFT|1min|{open_time}",
        "as_of": "2026-11-20T21:00:05.000Z",
        "instrument": "MSFT",
        "asset_class": "equity",
        "interval": "1min",
        "open_time": open_time,
        "open": 10,
        "high": 12,
        "low": 9,
        "close": close,
        "volume": 700,
        "source": "replay",
        "lookback": {"close": [10.0] * 5, "typical": [10.0] * 5, "volume": [1.0] * 5},
    }


def wait_for(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + DELIVERY_SECONDS
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.1)


def list_error_files(stack: Stack) -> list[str]:
    s3 = boto3.client("s3")
    listed = s3.list_objects_v2(Bucket=stack.outputs["LakeBucketName"], Prefix="processing-failed/")
    return [each["Key"] for each in listed.get("Contents", [])]


@pytest.mark.slow  # tests/integration/test_redrive_into_the_view.py is the short form
@pytest.mark.usefixtures("here")
def test_a_redrive_brings_what_firehose_set_aside_into_the_lake_once(stack: Stack) -> None:
    name = stack.outputs["TransformFunctionName"]
    variables = stack.functions.get_function_configuration(FunctionName=name)["Environment"]["Variables"]

    def configure(windows: str) -> None:
        stack.functions.update_function_configuration(
            FunctionName=name, Environment={"Variables": variables | {"SMA_WINDOWS": windows}}
        )

    # Of three records the transform refuses two; one of them can be mended.
    no_id = {name: value for name, value in make_record(1).items() if name != "id"}
    hopeless = make_record(2) | {"high": 1.0}
    put_records(stack, [json.dumps(each).encode() for each in (make_record(0), no_id, hopeless)])
    wait_for(lambda: bool(list_error_files(stack)))
    # And then it fails on all.
    configure("1")
    put_records(stack, [json.dumps(make_record(3)).encode()])
    wait_for(lambda: len(list_error_files(stack)) == 2)
    configure(variables["SMA_WINDOWS"])

    assert cli.main(["redrive", "--apply"]) == 0
    assert cli.main(["redrive", "--apply"]) == 0  # for the second time

    documents: list[Document] = []

    def has_three() -> bool:
        documents.extend(stack.lake.read_new())
        return len(documents) >= 3

    wait_for(has_three)
    time.sleep(1)  # for a fourth, if one were to come
    documents += stack.lake.read_new()
    told = sorted((each["open_time"][14:16], each["close"], each["sma_5"]) for each in documents)
    assert told == [(minute, 10.5, 10.1) for minute in ("00", "01", "03")]
    (left,) = list_error_files(stack)
    body = boto3.client("s3").get_object(Bucket=stack.outputs["LakeBucketName"], Key=left)["Body"].read()
    assert json.loads(base64.b64decode(json.loads(body)["rawData"])) == hopeless


@pytest.mark.usefixtures("here")
def test_a_redrive_of_dead_letters_tells_an_alert_that_was_given_up_after_all(stack: Stack) -> None:
    event = json.loads((ROOT / "events" / "alarm-metric.json").read_text(encoding="utf-8"))
    name = json.loads(event["Records"][0]["Sns"]["Message"])["AlarmName"]
    arn = f"arn:aws:lambda:us-east-1:000000000000:function:{stack.outputs['AlertFunctionName']}"
    letter = {
        "requestContext": {"functionArn": arn, "condition": "RetriesExhausted"},
        "requestPayload": event,
    }
    url, sqs = stack.outputs["DeadLetterQueueUrl"], boto3.client("sqs")
    sqs.send_message(QueueUrl=url, MessageBody=json.dumps(letter))

    assert cli.main(["dead-letters"]) == 0
    assert not stack.notices_of(name)
    assert cli.main(["dead-letters", "--apply"]) == 0

    wait_for(lambda: bool(stack.notices_of(name)))
    assert [notice["state"] for notice in stack.notices_of(name)] == ["ALARM"]
    attributes = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]
    assert attributes["ApproximateNumberOfMessages"] == "0"


@pytest.mark.usefixtures("here")
def test_the_doctor_can_ask_whatever_it_asks_of_a_stack_and_the_page_names_each_call(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked: set[str] = set()
    call: Any = vars(BaseClient)["_make_api_call"]  # where botocore's calls all pass

    def record(client: BaseClient, operation: str, arguments: Any) -> Any:
        # S3 names this right after an older operation; STS tells anybody who he is.
        right = {"ListObjectsV2": "ListBucket"}.get(operation, operation)
        asked.add(f"{client.meta.service_model.signing_name.replace('monitoring', 'cloudwatch')}:{right}")
        return call(client, operation, arguments)

    monkeypatch.setattr(BaseClient, "_make_api_call", record)
    findings = list(examine_stack("stockstream"))

    page = (ROOT / "docs" / "permissions.md").read_text(encoding="utf-8")
    told = set(re.findall(r"`([a-z0-9]+:\w+)`", page.partition("## What `stockstream doctor` asks")[2]))
    # The log is read where something fails, the list where a file has it, and grants where they are needed.
    seldom = {"logs:FilterLogEvents", "s3:GetObject", "lakeformation:ListPermissions"}
    assert asked - {"sts:GetCallerIdentity"} == told - seldom
    assert [each.words for each in findings if "cannot be asked" in each.words] == []
    assert {each.subject for each in findings} == {"account", *CHECKS, *STAGES} - {"flow"}
