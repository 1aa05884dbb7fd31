"""`stockstream doctor`: what it says, and what it says of a stack."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError
from moto import mock_aws
from resolved_template import ResolvedTemplate

from producer.providers.catalogue import PROVIDERS
from stockstream.instruments import parse_instrument
from stockstream_local import cli
from stockstream_local.doctor import doctor_command
from stockstream_operate.cost.figures import PRODUCER_SECONDS
from stockstream_operate.doctor import deployed
from stockstream_operate.doctor.deployed import (
    CHECKS,
    examine_credentials,
    examine_stack,
    expect,
    look_at_stack,
)
from stockstream_operate.doctor.finding import Finding, Level, good, note, problem
from stockstream_operate.doctor.flow import Flow, LakeFile, read_flow
from stockstream_operate.doctor.stages import STAGES, Expectation
from stockstream_operate.doctor.waiting import Snapshot
from stockstream_operate.stack import Stack, StackError

BUCKET = "the-lake"


@pytest.fixture(autouse=True)
def aws() -> Iterator[None]:
    with mock_aws():
        yield


def stack(**outputs: str) -> Stack:
    return Stack("mine", None, outputs, {"ApiKeyParameterName": "/mine/key"})


def found(subject: str, of: Stack) -> tuple[Level, str]:
    (finding,) = CHECKS[subject](of)
    assert bool(finding.remedy) is (finding.level is not Level.GOOD)
    return finding.level, finding.words


def test_the_key_has_to_be_there_and_encrypted() -> None:
    ssm = boto3.client("ssm")
    assert found("provider's key", stack()) == (Level.NOTE, "there is no parameter /mine/key")
    ssm.put_parameter(Name="/mine/key", Value="SECRET", Type="String")
    assert found("provider's key", stack()) == (Level.PROBLEM, "/mine/key is stored in the clear")
    ssm.put_parameter(Name="/mine/key", Value="SECRET", Type="SecureString", Overwrite=True)
    assert found("provider's key", stack()) == (Level.GOOD, "/mine/key is there")
    assert found("provider's key", Stack("mine", None, {}, {}))[0] is Level.GOOD


@pytest.mark.parametrize("name", PROVIDERS)
def test_no_key_is_missed_where_the_provider_serves_these_instruments_without_one(name: str) -> None:
    told = {"ApiKeyParameterName": "/mine/key", "Provider": name}
    coins = found("provider's key", Stack("mine", None, {}, told | {"Instruments": "crypto:BTC/USD"}))
    mixed = found("provider's key", Stack("mine", None, {}, told | {"Instruments": "crypto:BTC/USD,IBM"}))

    # The producer's own rule.
    needs_one = PROVIDERS[name].needs_key(parse_instrument("crypto:BTC/USD"))
    assert coins[0] is (Level.NOTE if needs_one else Level.GOOD)
    assert mixed[0] is Level.NOTE


def test_a_key_that_the_producer_may_not_decrypt_is_a_problem() -> None:
    boto3.client("ssm").put_parameter(
        Name="/mine/key", Value="SECRET", Type="SecureString", KeyId="11111111-aaaa"
    )
    assert found("provider's key", stack())[0] is Level.PROBLEM

    told = {
        "ApiKeyParameterName": "/mine/key",
        "SecretsKeyArn": "arn:aws:kms:eu-central-1:1:key/11111111-aaaa",
    }
    assert found("provider's key", Stack("mine", None, {}, told))[0] is Level.GOOD
    other = told | {"SecretsKeyArn": "arn:aws:kms:eu-central-1:1:key/22222222-bbbb"}
    assert found("provider's key", Stack("mine", None, {}, other))[0] is Level.PROBLEM


class GuardedStack(Stack):
    """A stack with the roles of which Lake Formation is asked."""

    def resources(self, kind: str) -> dict[str, str]:
        return {"DeliveryRole": "mine-DeliveryRole-1"} if kind == "AWS::IAM::Role" else {}


def guarded(lake_format: str) -> Stack:
    return GuardedStack("mine", None, {"LakeDatabaseName": "mine"}, {"LakeFormat": lake_format})


def with_database(monkeypatch: pytest.MonkeyPatch, *defaults: str) -> None:
    """Lets Glue have a database whose new tables are by default for these; what else is asked is moto's."""
    permissions = [
        {"Principal": {"DataLakePrincipalIdentifier": each}, "Permissions": ["ALL"]} for each in defaults
    ]
    database = {"Name": "mine", "CreateTableDefaultPermissions": permissions}
    glue, real = SimpleNamespace(get_database=lambda **_asked: {"Database": database}), boto3.client
    monkeypatch.setattr(boto3, "client", lambda name: glue if name == "glue" else real(name))


def test_where_iam_alone_decides_who_reads_the_lake_no_grant_is_needed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with_database(monkeypatch, "IAM_ALLOWED_PRINCIPALS")

    assert found("catalog", guarded("PARQUET")) == (
        Level.GOOD,
        "IAM alone decides who reads the lake's tables",
    )


def test_where_lake_formation_decides_the_grants_are_written_out(monkeypatch: pytest.MonkeyPatch) -> None:
    with_database(monkeypatch)

    (people,) = CHECKS["catalog"](guarded("JSON"))
    assert people.level is Level.NOTE
    assert people.remedy.endswith(
        "aws lakeformation grant-permissions --principal DataLakePrincipalIdentifier=ARN-OF-WHO-ASKS "
        "--permissions SELECT DESCRIBE "
        """--resource '{"Table": {"DatabaseName": "mine", "TableWildcard": {}}}'"""
    )
    same, firehose = CHECKS["catalog"](guarded("PARQUET"))
    assert same == people
    assert firehose.level is Level.PROBLEM
    role = "arn:aws:iam::123456789012:role/mine-DeliveryRole-1"
    assert firehose.remedy.endswith(
        f"--principal DataLakePrincipalIdentifier={role} --permissions DESCRIBE "
        """--resource '{"Table": {"DatabaseName": "mine", "Name": "bars_parquet"}}'"""
    )

    # WHEN somebody types that
    boto3.client("lakeformation").grant_permissions(
        Principal={"DataLakePrincipalIdentifier": role},
        Permissions=["DESCRIBE"],
        Resource={"Table": {"DatabaseName": "mine", "Name": "bars_parquet"}},
    )
    _, firehose = CHECKS["catalog"](guarded("PARQUET"))
    assert firehose == good("catalog", "Lake Formation lets Firehose see bars_parquet")


def test_a_database_that_lake_formation_hides_is_guarded(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(message: str) -> Any:
        def get_database(**_asked: str) -> None:
            raise ClientError({"Error": {"Code": "AccessDeniedException", "Message": message}}, "GetDatabase")

        monkeypatch.setattr(boto3, "client", lambda _name: SimpleNamespace(get_database=get_database))

    refuse("Insufficient Lake Formation permission(s): Required Describe on mine")
    assert found("catalog", guarded("JSON"))[0] is Level.NOTE

    refuse("User: me is not authorized to perform: glue:GetDatabase")
    with pytest.raises(ClientError):
        found("catalog", guarded("JSON"))


class DeployedStack(Stack):
    """A stack with a log group."""

    def resources(self, kind: str) -> dict[str, str]:
        return {"ProducerLog": "mine-log"} if kind == "AWS::Logs::LogGroup" else {}


FLOWING = DeployedStack(
    "mine",
    None,
    {
        "ProducerFunctionName": "producer-1",
        "TransformFunctionName": "transform-1",
        "BarStreamName": "bars-1",
        "BarDeliveryName": "delivery-1",
        "LakeBucketName": BUCKET,
    },
    {"Instruments": "IBM,crypto:BTC/USD", "MarketHours": "regular", "DeliveryBufferSeconds": "120"},
)


def measure(namespace: str, dimension: str, resource: str, **values: float) -> None:
    boto3.client("cloudwatch").put_metric_data(
        Namespace=namespace,
        MetricData=[
            {
                "MetricName": name.replace("_", "."),
                "Dimensions": [{"Name": dimension, "Value": resource}],
                "Timestamp": datetime.now(UTC) - timedelta(minutes=3),
                "Value": value,
            }
            for name, value in values.items()
        ],
    )


def test_what_flows_is_read_of_this_stack_alone() -> None:
    s3, logs, now = boto3.client("s3"), boto3.client("logs"), datetime.now(UTC)
    s3.create_bucket(Bucket=BUCKET)
    logs.create_log_group(logGroupName="mine-log")
    logs.create_log_stream(logGroupName="mine-log", logStreamName="one")
    assert read_flow(FLOWING, now) == Flow()

    measure("AWS/Lambda", "FunctionName", "producer-1", Invocations=2, Errors=1)
    measure("AWS/Lambda", "FunctionName", "other-producer", Invocations=7, Errors=7)
    measure("AWS/Kinesis", "StreamName", "bars-1", IncomingRecords=5)
    measure("AWS/Firehose", "DeliveryStreamName", "delivery-1", DeliveryToS3_Records=4)
    measure("mine", "service", "producer", ProviderRequests=3, ProviderFailures=1, BarsPublished=5)
    measure("mine", "service", "transform", BarsEnriched=4)
    s3.put_object(Bucket=BUCKET, Key="bars/dt=2026-11-20/b", Body=b"")
    s3.put_object(Bucket=BUCKET, Key="bars/dt=2026-11-19/a", Body=b"")
    logs.put_log_events(
        logGroupName="mine-log",
        logStreamName="one",
        logEvents=[
            {"timestamp": int((now - timedelta(minutes=minutes)).timestamp() * 1000), "message": message}
            for minutes, message in [(9, "ERROR before"), (2, "[ERROR] the newest")]
        ],
    )

    flow = read_flow(FLOWING, datetime.now(UTC))

    names = ("runs", "failed_runs", "requests", "failures", "published", "records", "enriched", "delivered")
    assert [flow.total(name) for name in names] == [2, 1, 3, 1, 5, 5, 4, 4]
    assert (flow.answered, flow.total("rejected"), flow.times("rejected")) == (2, 0, [])
    assert flow.said == "[ERROR] the newest"
    assert flow.first_file is not None
    assert flow.first_file.key == "bars/dt=2026-11-19/a"


def test_a_lake_of_parquet_has_its_first_file_too() -> None:
    s3 = boto3.client("s3")
    s3.create_bucket(Bucket=BUCKET)
    s3.put_object(Bucket=BUCKET, Key="bars-parquet/dt=2026-11-20/b", Body=b"")

    file = read_flow(FLOWING, datetime.now(UTC)).first_file
    assert file is not None
    assert file.key == "bars-parquet/dt=2026-11-20/b"


def test_bars_are_expected_while_one_of_the_markets_is_open() -> None:
    saturday = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
    assert expect(FLOWING, saturday) == Expectation(None, timedelta(minutes=2))

    ibm = Stack("mine", None, {}, {"Instruments": "IBM", "MarketHours": "regular"})
    # New York opens on Monday at 9:30, five hours behind UTC.
    monday = datetime(2026, 11, 23, 14, 30, tzinfo=UTC)
    assert expect(ibm, saturday) == Expectation(monday, timedelta(minutes=1))
    assert expect(ibm, monday) == Expectation(None, timedelta(minutes=1))


@pytest.mark.parametrize("status", [None, "CREATE_IN_PROGRESS", "ROLLBACK_COMPLETE"])
def test_of_a_stack_that_does_not_stand_nothing_else_is_asked(
    monkeypatch: pytest.MonkeyPatch, status: str | None
) -> None:
    monkeypatch.setattr(deployed, "ask_stack", lambda name: (status, Stack(name, None, {})))
    assert look_at_stack("mine", datetime.now(UTC)) == Snapshot(status)


def test_a_stack_that_stands_is_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    boto3.client("s3").create_bucket(Bucket=BUCKET)
    monkeypatch.setattr(deployed, "ask_stack", lambda _name: ("CREATE_COMPLETE", FLOWING))
    snapshot = look_at_stack("mine", datetime.now(UTC))
    assert (snapshot.status, snapshot.flow) == ("CREATE_COMPLETE", Flow())
    assert snapshot.expectation is not None

    assert {each.subject for each in CHECKS["flow"](FLOWING)} == set(STAGES)


def test_it_waits_before_it_looks(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(doctor_command, "examine_machine", lambda *_: [])
    monkeypatch.setattr(doctor_command, "examine_credentials", list)
    monkeypatch.setattr(doctor_command, "examine_stack", lambda _name: [good("lake", "it is there")])
    file = Flow(first_file=LakeFile("bars/a", datetime(2026, 11, 20, tzinfo=UTC)))
    snapshot = Snapshot("CREATE_COMPLETE", file, Expectation(None, timedelta(minutes=1)))
    monkeypatch.setattr(doctor_command, "look_at_stack", lambda _name, _now: snapshot)

    assert cli.main(["doctor", "--stack", "mine", "--wait"]) == 0
    said = capsys.readouterr().out
    assert said.index("✓ lake: the first file is there") < said.index("it is there\n")

    assert cli.main(["doctor", "--stack", "mine", "--wait", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["findings"][0]["subject"] == "lake"

    monkeypatch.setattr(doctor_command, "look_at_stack", lambda _name, _now: Snapshot(None))
    assert cli.main(["doctor", "--stack", "mine", "--wait"]) == 1
    assert "There is no stack mine" in capsys.readouterr().err
    assert cli.main(["doctor", "--wait"]) == 1


class Alarms:
    """CloudWatch and CloudFormation: the stack has two alarms, and another's name begins as its own does."""

    def __init__(self, states: dict[str, str]) -> None:
        self.states = states

    def get_paginator(self, _operation: str) -> "Alarms":
        return self

    def paginate(self, **_call: str) -> list[dict[str, Any]]:
        kinds = {
            "HolesFoundAlarm": "AWS::CloudWatch::Alarm",
            "PipelineDownAlarm": "AWS::CloudWatch::CompositeAlarm",
        }
        return [
            {
                "StackResourceSummaries": [
                    {"LogicalResourceId": name, "PhysicalResourceId": f"mine-{name}-1", "ResourceType": kind}
                    for name, kind in kinds.items()
                ]
            }
        ]

    def describe_alarms(self, AlarmNames: list[str], AlarmTypes: list[str]) -> dict[str, Any]:  # noqa: N803 (boto3's names)
        assert set(AlarmTypes) == {"MetricAlarm", "CompositeAlarm"}
        since = datetime(2026, 11, 20, tzinfo=UTC)
        found = [
            {"AlarmName": name, "StateValue": state, "StateUpdatedTimestamp": since}
            for name, state in self.states.items()
            if name in AlarmNames
        ]
        return {"MetricAlarms": found[1:], "CompositeAlarms": found[:1]}


def test_a_ringing_alarm_of_this_stack_is_a_problem(monkeypatch: pytest.MonkeyPatch) -> None:
    states = {
        "mine-HolesFoundAlarm-1": "OK",
        "mine-2-HolesFoundAlarm-1": "ALARM",
        "mine-PipelineDownAlarm-1": "OK",
    }
    monkeypatch.setattr("boto3.client", lambda _name: Alarms(states))
    assert found("alarms", stack()) == (Level.GOOD, "none is in ALARM")

    states |= {"mine-PipelineDownAlarm-1": "ALARM", "mine-HolesFoundAlarm-1": "ALARM"}
    words = "in ALARM: HolesFoundAlarm, PipelineDownAlarm"
    assert found("alarms", stack()) == (Level.PROBLEM, words)


def test_people_who_are_not_reached_are_a_finding() -> None:
    sns = boto3.client("sns")
    topic = stack(NoticeTopicArn=sns.create_topic(Name="notices")["TopicArn"])
    assert found("notices", topic)[0] is Level.NOTE
    sns.subscribe(TopicArn=topic.output("NoticeTopicArn"), Protocol="email", Endpoint="me@example.com")
    assert found("notices", topic)[0] is Level.GOOD


def test_who_has_not_confirmed_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    class Topics:
        """moto confirms each subscription by itself."""

        def get_paginator(self, _operation: str) -> "Topics":
            return self

        def paginate(self, **_call: str) -> list[dict[str, Any]]:
            waiting = {"Endpoint": "me@example.com", "SubscriptionArn": "PendingConfirmation"}
            return [{"Subscriptions": [waiting]}]

    monkeypatch.setattr("boto3.client", lambda _name: Topics())

    assert found("notices", stack(NoticeTopicArn="arn")) == (
        Level.PROBLEM,
        "me@example.com is not confirmed",
    )


def test_dead_letters_and_what_was_set_aside_are_problems() -> None:
    sqs, s3 = boto3.client("sqs"), boto3.client("s3")
    s3.create_bucket(Bucket=BUCKET)
    queue = sqs.create_queue(QueueName="dead")["QueueUrl"]
    of = stack(DeadLetterQueueUrl=queue, LakeBucketName=BUCKET)
    s3.put_object(Bucket=BUCKET, Key="bars/dt=2026-11-20/a", Body=b"")
    assert found("dead letters", of) == (Level.GOOD, "none wait")
    assert found("set aside", of)[0] is Level.GOOD

    sqs.send_message(QueueUrl=queue, MessageBody="{}")
    s3.put_object(Bucket=BUCKET, Key="processing-failed/dt=2026-11-20/a", Body=b"")

    assert found("dead letters", of) == (Level.PROBLEM, "1 wait")
    assert found("set aside", of) == (Level.PROBLEM, "there are files below processing-failed/")


class FakeFormation:
    """CloudFormation and the scheduler of one stack."""

    def __init__(self, status: str, state: str) -> None:
        self.status, self.state = status, state

    def describe_stacks(self, StackName: str) -> dict[str, Any]:  # noqa: N803 (boto3's name)
        assert StackName == "mine"
        return {
            "Stacks": [
                {"StackStatus": self.status, "CreationTime": datetime(2026, 11, 20, 15, 30, tzinfo=UTC)}
            ]
        }

    def get_paginator(self, _operation: str) -> "FakeFormation":
        return self

    def paginate(self, **_call: str) -> list[dict[str, Any]]:
        kind = "AWS::Scheduler::Schedule"
        names = {"LogicalResourceId": "Schedule", "PhysicalResourceId": "default|mine-Schedule"}
        return [{"StackResourceSummaries": [{**names, "ResourceType": kind}]}]

    def get_schedule(self, Name: str) -> dict[str, Any]:  # noqa: N803 (boto3's name)
        assert Name == "mine-Schedule"
        return {"State": self.state}


@pytest.mark.parametrize(
    ("status", "state", "levels"),
    [
        ("CREATE_COMPLETE", "ENABLED", (Level.GOOD, Level.GOOD)),
        ("IMPORT_COMPLETE", "ENABLED", (Level.GOOD, Level.GOOD)),
        ("UPDATE_COMPLETE", "DISABLED", (Level.GOOD, Level.PROBLEM)),
        ("ROLLBACK_COMPLETE", "ENABLED", (Level.PROBLEM, Level.GOOD)),
    ],
)
def test_a_stack_stands_and_its_schedule_is_on(
    monkeypatch: pytest.MonkeyPatch, status: str, state: str, levels: tuple[Level, Level]
) -> None:
    monkeypatch.setattr("boto3.client", lambda _name: FakeFormation(status, state))

    assert found("stack", stack()) == (levels[0], f"{status} since 2026-11-20 15:30 UTC")
    newer = found("stack", stack(Version="0.1.0"))
    assert newer == (levels[0], f"{status} since 2026-11-20 15:30 UTC, version 0.1.0")
    assert found("schedule", stack())[0] is levels[1]


def test_what_may_not_be_asked_is_a_finding_and_ends_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_stack: Stack) -> Iterator[Finding]:
        yield good("mine", "the first half")
        raise ClientError({"Error": {"Code": "AccessDenied", "Message": "no"}}, "GetThings")

    monkeypatch.setattr(deployed, "find_stack", lambda _name: stack())
    monkeypatch.setattr(deployed, "CHECKS", {"mine": refuse, "last": lambda _: iter([good("last", "fine")])})

    account, first, refused, last = examine_stack("mine")

    assert account.level is first.level is last.level is Level.GOOD
    assert (refused.level, "AccessDenied" in refused.words) == (Level.NOTE, True)


def test_a_stack_that_is_not_there_is_a_problem(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(name: str) -> Stack:
        raise StackError(f"The stack {name} cannot be read")

    monkeypatch.setattr(deployed, "find_stack", refuse)

    *_, last = examine_stack("nothing")

    assert (last.level, "nothing" in last.words) == (Level.PROBLEM, True)


def test_no_credentials_are_no_problem_here(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_DEFAULT_REGION"):
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_CONFIG_FILE", "/nowhere")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", "/nowhere")

    assert {each.level for each in examine_credentials()} == {Level.NOTE}


@pytest.mark.parametrize("others", [[], [problem("alarms", "[a] rings", "Look.")]])
def test_it_says_what_it_found_and_ends_with_it(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], others: list[Finding]
) -> None:
    here = [good("Python", "Python 3.13"), note("aws", "it is not installed", "Install it.")]
    monkeypatch.setattr(doctor_command, "examine_machine", lambda *_: here)
    monkeypatch.setattr(doctor_command, "examine_credentials", list)
    monkeypatch.setattr(doctor_command, "examine_stack", lambda _name: others)

    assert cli.main(["doctor", "--stack", "mine"]) == len(others)
    said = capsys.readouterr()
    assert "→ Install it." in said.out
    assert ("Nothing is in the way." in said.out) is not bool(others)
    if others:
        assert "[a] rings" in said.out
        assert "1 of these would be in the way" in said.err

    assert cli.main(["doctor", "--stack", "mine", "--json"]) == len(others)
    findings = json.loads(capsys.readouterr().out)["findings"]
    assert [each["level"] for each in findings] == ["good", "note", *(["problem"] if others else [])]


def test_a_missing_output_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(StackError):
        list(CHECKS["dead letters"](stack()))
    monkeypatch.setattr(deployed, "find_stack", lambda _name: stack())
    monkeypatch.setattr(deployed, "CHECKS", {"dead letters": CHECKS["dead letters"]})

    assert "dead letters" in {each.subject for each in examine_stack("mine") if each.level is Level.NOTE}


def long_list(instruments: int, **parameters: str) -> Stack:
    """A stack that follows so many, of Alpaca."""
    boto3.client("s3").create_bucket(Bucket=BUCKET)
    names = "\n".join(f"A{number}" for number in range(instruments))
    boto3.client("s3").put_object(Bucket=BUCKET, Key="instruments.txt", Body=names.encode())
    chosen = {"Provider": "alpaca", "RequestsPerDay": "0", "InstrumentsFileEnabled": "true"}
    deployed = ResolvedTemplate(**chosen, **parameters).parameters
    return Stack("mine", None, {"LakeBucketName": BUCKET}, deployed)


@pytest.mark.parametrize(
    ("instruments", "parameters", "expected"),
    [
        (400, {}, (Level.GOOD, "the producer and the stream suffice for 400 instruments")),
        (1_000, {}, (Level.NOTE, "1,000 instruments want ProducerMemory=1024 or more")),
        (
            10_000,
            {"StreamMode": "ON_DEMAND"},
            (Level.NOTE, "10,000 instruments want ProducerPartitions=4, ProducerMemory=1769 or more"),
        ),
        (
            10_000,
            {"ProducerPartitions": "4", "ProducerMemory": "1769"},
            (Level.NOTE, "10,000 instruments want StreamShards=4 or more"),
        ),
        (
            10_000,
            # 66 s of a processor, in eight parts: 8.25 of 20 s each, so that 730 MB suffice.
            {"ProducerPartitions": "8", "ProducerMemory": "1024", "StreamShards": "4"},
            (Level.GOOD, "the producer and the stream suffice for 10,000 instruments"),
        ),
    ],
)
def test_a_list_that_has_outgrown_its_producer_or_its_stream_is_told_with_what_it_wants(
    monkeypatch: pytest.MonkeyPatch,
    instruments: int,
    parameters: dict[str, str],
    expected: tuple[Level, str],
) -> None:
    monkeypatch.setitem(PRODUCER_SECONDS, "alpaca", 0.0066)

    level, words = found("size", long_list(instruments, **parameters))

    assert (level, words.removesuffix(", as docs/scaling.md counts")) == expected


def test_a_list_that_cannot_be_read_has_no_size() -> None:
    assert list(CHECKS["size"](Stack("mine", None, {}, {"Instruments": "no list"}))) == []
