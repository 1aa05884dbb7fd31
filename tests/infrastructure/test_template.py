"""What template.yaml promises, read as CloudFormation reads it."""

import importlib
import json
import re
from typing import Any

import pytest
from resolved_template import ResolvedTemplate

from alert.settings import read_settings as read_alert_settings
from producer.providers.catalogue import PROVIDERS
from producer.settings import read_settings as read_producer_settings
from stockstream.partitions import PARTITIONS
from stockstream_generate.template_file import read_template
from transform.settings import read_windows

TEMPLATE = read_template()
RESOURCES: dict[str, dict[str, Any]] = TEMPLATE["Resources"]
PARAMETERS: dict[str, dict[str, Any]] = TEMPLATE["Parameters"]


def of_kind(kind: str) -> dict[str, dict[str, Any]]:
    return {name: resource for name, resource in RESOURCES.items() if resource["Type"] == kind}


FUNCTIONS = of_kind("AWS::Serverless::Function")


def environment(function: str) -> dict[str, str]:
    """The function's environment when every parameter has its default."""
    variables = (
        TEMPLATE["Globals"]["Function"]["Environment"]["Variables"]
        | (FUNCTIONS[function]["Properties"]["Environment"]["Variables"])
    )
    return {name: value if isinstance(value, str) else resolve(value) for name, value in variables.items()}


def resolve(value: dict[str, Any]) -> str:
    if "Fn::If" in value:  # by default nothing is opted into
        otherwise = value["Fn::If"][2]
        return otherwise if isinstance(otherwise, str) else resolve(otherwise)
    if "Fn::Join" in value:
        separator, parts = value["Fn::Join"]
        return str(separator).join(part if isinstance(part, str) else resolve(part) for part in parts)
    if "Fn::Sub" in value:
        return re.sub(r"\$\{(.+?)\}", lambda found: resolve({"Ref": found[1]}), value["Fn::Sub"])
    if "Fn::FindInMap" in value:
        mapping, key, name = value["Fn::FindInMap"]
        return str(TEMPLATE["Mappings"][mapping][resolve(key)][name])
    name = value.get("Ref", "")
    return str(PARAMETERS[name]["Default"]) if name in PARAMETERS else f"physical-name-of-{name}"


def test_there_are_three_functions_one_stream_and_a_delivery_each_for_lake_and_search() -> None:
    assert {"ProducerFunction", "TransformFunction", "AlertFunction"} == set(FUNCTIONS)
    assert {"BarStream"} == set(of_kind("AWS::Kinesis::Stream"))
    assert {"BarDelivery", "SearchDelivery"} == set(of_kind("AWS::KinesisFirehose::DeliveryStream"))


def test_a_long_list_has_the_shards_and_the_memory_that_are_named() -> None:
    long = ResolvedTemplate(StreamShards="4", ProducerMemory="1769")

    (stream,) = long.of_kind("AWS::Kinesis::Stream").values()
    assert stream["ShardCount"] == "4"
    assert long.of_kind("AWS::Serverless::Function")["ProducerFunction"]["MemorySize"] == "1769"


@pytest.mark.parametrize("partitions", PARTITIONS)
def test_each_partition_has_a_schedule_that_names_it_and_the_alarm_misses_each_run(partitions: int) -> None:
    divided = ResolvedTemplate(
        ProducerPartitions=str(partitions), RequestsPerDay="0", ScheduleState="ENABLED"
    )
    producer = divided.of_kind("AWS::Serverless::Function")["ProducerFunction"]
    (first,) = [each["Properties"] for each in producer["Events"].values()]
    others = divided.of_kind("AWS::Scheduler::Schedule").values()

    assert producer["Environment"]["Variables"]["PRODUCER_PARTITIONS"] == str(partitions)
    assert "partition" not in json.loads(first["Input"])
    inputs = [json.loads(each["Target"]["Input"]) for each in others]
    assert [each["partition"] for each in inputs] == list(range(2, partitions + 1))
    for each in others:
        assert each["ScheduleExpression"] == first["ScheduleExpression"]
        assert each["State"] == first["State"] == "ENABLED"
        for name in ("RetryPolicy", "DeadLetterConfig"):
            assert each["Target"][name] == first[name]
    # As many runs a minute, or one of them is missing.
    assert divided.of_kind("AWS::CloudWatch::Alarm")["ProducerStoppedAlarm"]["Threshold"] == str(partitions)


def test_only_a_plan_without_a_daily_limit_is_divided() -> None:
    rule = TEMPLATE["Rules"]["PartitionsShareNoDay"]
    (assertion,) = rule["Assertions"]
    for partitions, requests, is_taken in (("1", "25", True), ("4", "25", False), ("4", "0", True)):
        chosen = ResolvedTemplate(ProducerPartitions=partitions, RequestsPerDay=requests)
        broken = chosen.resolve(rule["RuleCondition"]) and not chosen.resolve(assertion["Assert"])
        assert bool(broken) is not is_taken


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_function_has_a_handler_that_imports(name: str) -> None:
    module, _, function = FUNCTIONS[name]["Properties"]["Handler"].rpartition(".")

    assert callable(getattr(importlib.import_module(module), function))
    assert module.startswith(FUNCTIONS[name]["Properties"]["CodeUri"].split("/")[1])


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_function_has_a_log_group_that_forgets(name: str) -> None:
    log = FUNCTIONS[name]["Properties"]["LoggingConfig"]["LogGroup"]["Ref"]

    assert RESOURCES[log]["Properties"]["RetentionInDays"] == {"Ref": "LogRetentionDays"}


def test_the_functions_accept_the_environment_that_the_template_gives_them(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    watchlist = read_producer_settings(environment("ProducerFunction")).watchlist
    assert [each.name for each in watchlist.instruments] == ["IBM"]

    read_windows.cache_clear()
    read_alert_settings.cache_clear()
    with monkeypatch.context() as patch:
        for name, value in (environment("TransformFunction") | environment("AlertFunction")).items():
            patch.setenv(name, value)
        assert read_windows().sma == (5, 20, 50, 200)
        assert read_alert_settings().notice_topic_arn == "physical-name-of-NoticeTopic"
        assert read_alert_settings().log_groups == {
            "producer": "physical-name-of-ProducerLog",
            "transform": "physical-name-of-TransformLog",
        }
    read_windows.cache_clear()
    read_alert_settings.cache_clear()


def test_no_environment_holds_a_secret() -> None:
    for name in FUNCTIONS:
        variables = environment(name)

        assert [key for key in variables if key.endswith(("KEY", "SECRET", "PASSWORD", "TOKEN"))] == []


def statements(policy: dict[str, Any]) -> list[dict[str, Any]]:
    """A policy's statements; one that a condition can leave out is taken as there."""
    return [each["Fn::If"][1] if "Fn::If" in each else each for each in policy["Statement"]]


def test_firehose_takes_its_roles_under_the_condition_that_aws_documents_for_it() -> None:
    """The account's id as sts:ExternalId; no page says that Firehose sends any other key."""
    trusts = {
        name: statement.get("Condition")
        for name, each in RESOURCES.items()
        if each["Type"] == "AWS::IAM::Role"
        for statement in each["Properties"]["AssumeRolePolicyDocument"]["Statement"]
        if statement["Principal"] == {"Service": "firehose.amazonaws.com"}
    }

    condition = {"StringEquals": {"sts:ExternalId": {"Ref": "AWS::AccountId"}}}
    assert trusts == {"DeliveryRole": condition, "SearchDeliveryRole": condition}


def test_no_role_may_act_on_everything() -> None:
    policies = [
        policy["PolicyDocument"]
        for role in of_kind("AWS::IAM::Role").values()
        for policy in role["Properties"].get("Policies", [])
    ]
    policies += [
        policy["Properties"]["PolicyDocument"]
        for kind in ("AWS::IAM::RolePolicy", "AWS::IAM::Policy")
        for policy in of_kind(kind).values()
    ]

    for statement in (statement for policy in policies for statement in statements(policy)):
        actions = statement["Action"] if isinstance(statement["Action"], list) else [statement["Action"]]
        # CloudWatch tells of composite alarms only whom it may tell of all (API_DescribeAlarmHistory).
        assert statement["Resource"] != "*" or actions == ["cloudwatch:DescribeAlarmHistory"], statement
        assert not any(action.endswith("*") for action in actions), statement


HOLDS_DATA = {
    "AWS::S3::Bucket": "RetainExceptOnCreate",
    # It asks for TLS, as long as the bucket is there.
    "AWS::S3::BucketPolicy": "RetainExceptOnCreate",
    "AWS::Kinesis::Stream": "Delete",
    "AWS::DynamoDB::Table": "Delete",
    "AWS::SQS::Queue": "Delete",
    "AWS::Logs::LogGroup": "Delete",
    "AWS::Glue::Database": "Delete",
    "AWS::Glue::Table": "Delete",
    "AWS::Athena::WorkGroup": "Delete",
}


@pytest.mark.parametrize("name", [name for kind in HOLDS_DATA for name in of_kind(kind)])
def test_what_holds_data_says_what_becomes_of_it(name: str) -> None:
    expected = HOLDS_DATA[RESOURCES[name]["Type"]]

    assert expected == RESOURCES[name].get("DeletionPolicy")
    # A replacement is no creation.
    assert expected.removesuffix("ExceptOnCreate") == RESOURCES[name].get("UpdateReplacePolicy")


def test_the_lake_is_private_and_encrypted() -> None:
    properties = RESOURCES["LakeBucket"]["Properties"]

    assert {True} == set(properties["PublicAccessBlockConfiguration"].values())
    assert properties["BucketEncryption"]


def test_nothing_has_a_name_of_its_own_that_a_second_stack_could_not_have() -> None:
    naming = {"FunctionName", "BucketName", "TableName", "TopicName", "QueueName", "RoleName", "LogGroupName"}
    named = {
        name: sorted(naming & set(resource.get("Properties", {})))
        for name, resource in RESOURCES.items()
        if resource["Type"] not in {"AWS::IAM::RolePolicy", "AWS::Logs::LogStream"}
    }

    assert {name: names for name, names in named.items() if names} == {}


def test_every_parameter_is_described_and_has_a_default_and_a_place_in_the_form() -> None:
    groups = TEMPLATE["Metadata"]["AWS::CloudFormation::Interface"]["ParameterGroups"]

    assert sorted(PARAMETERS) == sorted(name for group in groups for name in group["Parameters"])
    for name, parameter in PARAMETERS.items():
        assert parameter["Description"].endswith("."), name
        assert "Default" in parameter, name


def test_what_a_user_must_decide_is_asked_first() -> None:
    assert list(PARAMETERS)[:3] == ["Instruments", "ApiKeyParameterName", "AlertEmail"]


def test_every_provider_of_the_producer_can_be_chosen_and_has_its_address() -> None:
    assert PARAMETERS["Provider"]["AllowedValues"] == list(PROVIDERS)
    assert {name: each["Url"] for name, each in TEMPLATE["Mappings"]["Providers"].items()} == {
        name: kind.url for name, kind in PROVIDERS.items()
    }


def test_a_setting_of_one_provider_is_a_parameter_with_that_providers_choices() -> None:
    variables = FUNCTIONS["ProducerFunction"]["Properties"]["Environment"]["Variables"]

    for kind in PROVIDERS.values():
        for name, choices in kind.options.items():
            assert PARAMETERS[variables[name]["Ref"]]["AllowedValues"] == list(choices)
