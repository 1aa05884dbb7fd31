"""Each call that a function makes, in runs that reach all of them, against its role in template.yaml.

Resources are named by their logical ids: `arn:BarStream`. moto evaluates no policies.
"""

from collections.abc import Callable, Iterator
from typing import Any

import boto3
import pytest
from alarm_histories import AlarmHistories, answering
from aws_lambda_powertools.utilities.typing import LambdaContext
from botocore.client import BaseClient
from emulated_dynamodb import emulated_dynamodb
from moto import mock_aws
from policy_evaluation import Request, is_allowed
from producer_stack import invoke, producer_stack, serve_market
from resolved_template import ResolvedTemplate

from alert.dependencies import make_dependencies
from alert.errors import DeliveryError
from alert.handler import handle
from alert.settings import read_settings
from producer.memory.batch_write import Update, update_items
from stockstream.instrument_file import INSTRUMENT_FILE

KEY = "arn:aws:kms:us-east-1:123456789012:key/mine"
TEMPLATE = ResolvedTemplate(
    InstrumentsFileEnabled="true", SecretsKeyArn=KEY, AlertChannels="/prod/slack,/prod/teams"
)
# By the tests' names.
TABLES = {"instruments": "arn:InstrumentTable", "notices": "arn:NoticeTable"}
LOGS = {"the-producer-log": "arn:ProducerLog"}
# Rights that no call of the code uses, and who does.
OTHERS = {
    "ProducerRole": {
        "logs:CreateLogStream": "Lambda, for the function's log",
        "logs:PutLogEvents": "Lambda, for the function's log",
    },
    "AlertRole": {
        "logs:CreateLogStream": "Lambda, for the function's log",
        "logs:PutLogEvents": "Lambda, for the function's log",
        "sqs:SendMessage": "Lambda, for an event on which every attempt failed",
    },
}

type Call = tuple[str, str, dict[str, Any]]


def as_requests_of_a_table(operation: str, given: dict[str, Any]) -> Iterator[Request]:
    match operation:
        case "TransactWriteItems":
            # https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/transaction-apis-iam.html
            for item in given["TransactItems"]:
                ((kind, part),) = item.items()
                yield Request(f"dynamodb:{kind}Item", TABLES[part["TableName"]])
        case "BatchExecuteStatement":
            # https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/ql-iam.html
            for each in given["Statements"]:
                kind, table = each["Statement"].split()[:2]
                yield Request(f"dynamodb:PartiQL{kind.capitalize()}", TABLES[table.strip('"')])
        case _:
            # A call for many items names its one table otherwise.
            (table,) = given.get("RequestItems") or [given["TableName"]]
            yield Request(f"dynamodb:{operation}", TABLES[table])


def as_requests(call: Call) -> Iterator[Request]:
    """What IAM is asked for a call."""
    service, operation, given = call
    match service, operation:
        case "dynamodb", _:
            yield from as_requests_of_a_table(operation, given)
        case "kinesis", _:
            assert given["StreamName"] == "bars"
            yield Request(f"kinesis:{operation}", "arn:BarStream")
        case "s3", _:
            yield Request(f"s3:{operation}", f"arn:LakeBucket/{given['Key']}")
        case "ssm", _:
            arn = f"arn:aws:ssm:us-east-1:123456789012:parameter{given['Name']}"
            yield Request(f"ssm:{operation}", arn)
            # https://docs.aws.amazon.com/kms/latest/developerguide/services-parameter-store.html
            assert given["WithDecryption"]
            context = {
                "kms:ViaService": "ssm.us-east-1.amazonaws.com",
                "kms:EncryptionContext:PARAMETER_ARN": arn,
            }
            yield Request("kms:Decrypt", KEY, context)
        case "logs", _:
            yield Request(f"logs:{operation}", LOGS[given["logGroupName"]])
        case "sns", _:
            yield Request(f"sns:{operation}", "NoticeTopic")
        case "monitoring", _:
            yield Request(f"cloudwatch:{operation}", "arn:aws:cloudwatch:us-east-1:123456789012:alarm:*")
        case _:
            raise AssertionError(f"{service} {operation}: which resource is it about?")


def statements(role: str) -> list[dict[str, Any]]:
    properties = TEMPLATE.resolve(TEMPLATE.resources[role]["Properties"])
    return [each for policy in properties["Policies"] for each in policy["PolicyDocument"]["Statement"]]


def rights(role: str) -> set[str]:
    return {
        action
        for each in statements(role)
        for action in ([each["Action"]] if isinstance(each["Action"], str) else each["Action"])
    }


def judge(role: str, calls: list[Call]) -> None:
    """Each call is allowed, and each right is used, or by whom it is used is said."""
    requests = [request for call in calls for request in as_requests(call)]

    assert [each for each in requests if not is_allowed(statements(role), each)] == []
    assert rights(role) == {each.action for each in requests} | OTHERS[role].keys()


@pytest.fixture
def record(monkeypatch: pytest.MonkeyPatch) -> Callable[[], list[Call]]:
    """Begins to record the calls of AWS."""

    def begin() -> list[Call]:
        made: list[Call] = []
        call: Any = vars(BaseClient)["_make_api_call"]

        def note(client: BaseClient, operation: str, given: dict[str, Any]) -> Any:
            made.append((client.meta.service_model.signing_name, operation, given))
            return call(client, operation, given)

        monkeypatch.setattr(BaseClient, "_make_api_call", note)
        return made

    return begin


def test_the_producers_role_allows_its_calls_and_nothing_else(
    monkeypatch: pytest.MonkeyPatch, load_event: Any, record: Callable[[], list[Call]]
) -> None:
    # Not moto's, which does not read such statements.
    with (
        emulated_dynamodb("instruments") as emulated,
        serve_market() as url,
        producer_stack(monkeypatch, url),
    ):
        monkeypatch.setenv("INSTRUMENT_BUCKET_NAME", "the-lake")
        s3 = boto3.client("s3")
        s3.create_bucket(Bucket="the-lake")
        s3.put_object(Bucket="the-lake", Key=INSTRUMENT_FILE, Body=b"IBM\n")

        calls = record()
        assert invoke(load_event("schedule")) == {"IBM": 2}
        invoke(load_event("backfill"))
        # What a run calls besides, where an answer is about several instruments.
        update_items(emulated, "instruments", [Update({"key": {"S": "A"}, "version": {"N": "2"}}, 1)])

    judge("ProducerRole", calls)


def test_a_producer_without_a_file_may_read_none() -> None:
    role = ResolvedTemplate().resolve(TEMPLATE.resources["ProducerRole"]["Properties"])
    (policy,) = role["Policies"]
    request = Request("s3:GetObject", f"arn:LakeBucket/{INSTRUMENT_FILE}")

    assert is_allowed(statements("ProducerRole"), request)
    assert not is_allowed(policy["PolicyDocument"]["Statement"], request)
    # Nor any other file.
    assert not is_allowed(statements("ProducerRole"), request._replace(resource="arn:LakeBucket/bars/a"))


class Context(LambdaContext):
    _function_name = "alert"
    _memory_limit_in_mb = 256
    _invoked_function_arn = "arn:aws:lambda:us-east-1:123456789012:function:alert"
    _aws_request_id = "1"

    @staticmethod
    def get_remaining_time_in_millis() -> int:
        return 30_000


def test_the_alert_functions_role_allows_its_calls_and_nothing_else(
    monkeypatch: pytest.MonkeyPatch, load_event: Any, record: Callable[[], list[Call]]
) -> None:
    call: Any = vars(BaseClient)["_make_api_call"]
    monkeypatch.setattr(BaseClient, "_make_api_call", answering(AlarmHistories(), call))
    with mock_aws():
        ssm = boto3.client("ssm")
        for name in ("/prod/slack", "/prod/teams"):
            # Nobody listens there, so that the claim of the notice is taken back.
            ssm.put_parameter(Name=name, Value="http://127.0.0.1:9/", Type="SecureString")
        boto3.client("dynamodb").create_table(
            TableName="notices",
            KeySchema=[{"AttributeName": "notice_key", "KeyType": "HASH"}],
            AttributeDefinitions=[{"AttributeName": "notice_key", "AttributeType": "S"}],
            BillingMode="PAY_PER_REQUEST",
        )
        boto3.client("logs").create_log_group(logGroupName="the-producer-log")
        for name, value in {
            "POWERTOOLS_SERVICE_NAME": "alert",
            "CHANNELS": "/prod/slack,/prod/teams",
            "NOTICE_TABLE_NAME": "notices",
            "WEBHOOK_TIMEOUT_SECONDS": "1",
            "DETAIL_LOG_GROUPS": "producer=the-producer-log",
            "NOTICE_TOPIC_ARN": boto3.client("sns").create_topic(Name="notices")["TopicArn"],
        }.items():
            monkeypatch.setenv(name, value)
        read_settings.cache_clear()
        make_dependencies.cache_clear()

        calls = record()
        with pytest.raises(DeliveryError):
            handle(load_event("alarm-price-move"), Context())

    read_settings.cache_clear()
    make_dependencies.cache_clear()
    judge("AlertRole", calls)


def test_the_transforms_role_may_do_nothing_but_log() -> None:
    assert rights("TransformRole") == {"logs:CreateLogStream", "logs:PutLogEvents"}
