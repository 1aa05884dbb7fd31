"""What template.yaml says of the lake: tables, views, saved queries, formats, and how long files stay."""

import base64
import json
from pathlib import Path
from typing import Any

import pytest
from resolved_template import EMULATED_ACCOUNT, PSEUDO, TEMPLATE, ResolvedTemplate

from stockstream_operate.lake.sql import read_lake_sql

DOCUMENT = json.loads(
    (Path(__file__).parents[2] / "docs" / "enriched.v1.schema.json").read_text(encoding="utf-8")
)
TIMES = {"open_time", "as_of", "arrived_at"}
# What Athena calls each of Glue's types.
ATHENA_TYPES = {
    "string": "varchar",
    "double": "double",
    "int": "integer",
    "date": "date",
    "timestamp": "timestamp(3)",
}


def tables(**parameters: str) -> dict[str, dict[str, Any]]:
    found = ResolvedTemplate(**parameters).of_kind("AWS::Glue::Table").values()
    return {table["TableInput"]["Name"]: table["TableInput"] for table in found}


def glue_columns(table: dict[str, Any]) -> dict[str, str]:
    return {column["Name"]: column["Type"] for column in table["StorageDescriptor"]["Columns"]}


def glue_type(field: dict[str, Any]) -> str:
    kinds = field.get("type", "string")
    kind = next(each for each in ([kinds] if isinstance(kinds, str) else kinds) if each != "null")
    return {"number": "double", "integer": "int", "string": "string"}[kind]


@pytest.mark.parametrize("name", ["bars", "bars_parquet"])
def test_a_table_of_documents_has_the_fields_of_contract_2_in_their_order(name: str) -> None:
    expected = {field: glue_type(schema) for field, schema in DOCUMENT["properties"].items()}

    assert list(expected.items()) == list(glue_columns(tables()[name]).items())


@pytest.mark.parametrize(("name", "prefix"), [("bars", "bars"), ("bars_parquet", "bars-parquet")])
def test_a_table_finds_its_days_without_a_crawler(name: str, prefix: str) -> None:
    table = tables()[name]

    assert table["PartitionKeys"][0]["Name"] == "dt"
    assert table["StorageDescriptor"]["Location"] == f"s3://LakeBucket/{prefix}/"
    assert (
        table["Parameters"]
        | {
            "projection.enabled": "true",
            "projection.dt.type": "date",
            "projection.dt.format": "yyyy-MM-dd",
            "storage.location.template": f"s3://LakeBucket/{prefix}/dt=${{dt}}/",
        }
        == table["Parameters"]
    )


@pytest.mark.parametrize("format_", ["JSON", "PARQUET"])
def test_the_delivery_writes_where_the_table_of_its_format_reads(format_: str) -> None:
    template = ResolvedTemplate(LakeFormat=format_)
    s3 = template.of_kind("AWS::KinesisFirehose::DeliveryStream")["BarDelivery"][
        "ExtendedS3DestinationConfiguration"
    ]
    table = tables()["bars_parquet" if format_ == "PARQUET" else "bars"]

    written = s3["Prefix"].replace("!{timestamp:yyyy-MM-dd}", "${dt}")
    assert table["Parameters"]["storage.location.template"] == f"s3://LakeBucket/{written}"


def test_parquet_is_made_as_firehose_asks_for_and_with_the_table() -> None:
    template = ResolvedTemplate(LakeFormat="PARQUET")
    s3 = template.of_kind("AWS::KinesisFirehose::DeliveryStream")["BarDelivery"][
        "ExtendedS3DestinationConfiguration"
    ]

    assert s3["CompressionFormat"] == "UNCOMPRESSED"
    assert s3["BufferingHints"]["SizeInMBs"] >= 64
    assert s3["FileExtension"] == ".parquet"
    assert s3["DataFormatConversionConfiguration"]["Enabled"] is True
    assert s3["DataFormatConversionConfiguration"]["SchemaConfiguration"] == {
        "RoleARN": "arn:DeliveryRole",
        "Region": "us-east-1",
        "DatabaseName": "LakeDatabase",
        "TableName": "BarsParquetTable",
        "VersionId": "LATEST",
    }


def test_parquet_is_refused_for_averages_that_its_table_does_not_hold() -> None:
    rule = TEMPLATE["Rules"]["ParquetHoldsItsTablesColumnsOnly"]
    allowed = {
        each["Assert"]["Fn::Equals"][0]["Ref"]: each["Assert"]["Fn::Equals"][1] for each in rule["Assertions"]
    }
    columns = glue_columns(tables()["bars_parquet"])

    assert rule["RuleCondition"] == {"Fn::Equals": [{"Ref": "LakeFormat"}, "PARQUET"]}
    for parameter, prefix in (("SmaWindows", "sma_"), ("EmaWindows", "ema_")):
        in_table = [name.removeprefix(prefix) for name in columns if name.startswith(prefix)]
        assert allowed[parameter] == ",".join(in_table) == TEMPLATE["Parameters"][parameter]["Default"]


def test_json_switches_the_conversion_off_instead_of_leaving_it_out() -> None:
    s3 = ResolvedTemplate().of_kind("AWS::KinesisFirehose::DeliveryStream")["BarDelivery"][
        "ExtendedS3DestinationConfiguration"
    ]

    assert s3["DataFormatConversionConfiguration"] == {"Enabled": False}
    assert (s3["CompressionFormat"], s3["FileExtension"]) == ("GZIP", ".json.gz")


@pytest.mark.parametrize("format_", ["JSON", "PARQUET"])
def test_the_delivery_may_read_its_one_table_before_and_after_a_change_of_format(format_: str) -> None:
    # CloudFormation updates the policy first: Firehose still converts when a right for Parquet alone is gone.
    policy = ResolvedTemplate(LakeFormat=format_).of_kind("AWS::IAM::Policy")["DeliveryPolicy"]
    statements = policy["PolicyDocument"]["Statement"]

    assert TEMPLATE["Resources"]["BarDelivery"]["DependsOn"] == "DeliveryPolicy"
    assert [each for each in statements if "glue" in str(each["Action"])] == [
        {
            "Effect": "Allow",
            "Action": ["glue:GetTable", "glue:GetTableVersion", "glue:GetTableVersions"],
            "Resource": [
                "arn:aws:glue:us-east-1:123456789012:catalog",
                "arn:aws:glue:us-east-1:123456789012:database/LakeDatabase",
                "arn:aws:glue:us-east-1:123456789012:table/LakeDatabase/BarsParquetTable",
            ],
        }
    ]


VIEWS = {name: table for name, table in tables().items() if table["TableType"] == "VIRTUAL_VIEW"}


def definition(name: str) -> dict[str, Any]:
    """A view's definition, as Athena decodes it."""
    text = VIEWS[name]["ViewOriginalText"]
    encoded = text.removeprefix("/* Presto View: ").removesuffix(" */")
    decoded: dict[str, Any] = json.loads(base64.b64decode(encoded, validate=True))
    return decoded


@pytest.mark.parametrize("name", VIEWS)
def test_a_view_is_what_athena_takes_for_one(name: str) -> None:
    assert VIEWS[name]["Parameters"] == {"presto_view": "true", "comment": "Presto View"}
    assert VIEWS[name]["ViewExpandedText"] == "/* Presto View */"
    assert set(definition(name)) == {"originalSql", "catalog", "schema", "columns"}
    assert definition(name)["catalog"] == "awsdatacatalog"
    assert definition(name)["schema"] == "LakeDatabase"


@pytest.mark.parametrize("name", VIEWS)
def test_a_view_has_the_same_columns_for_athena_and_for_glue(name: str) -> None:
    athena = [(column["name"], column["type"]) for column in definition(name)["columns"]]

    assert athena == [(key, ATHENA_TYPES[kind]) for key, kind in glue_columns(VIEWS[name]).items()]


@pytest.mark.parametrize("name", VIEWS)
def test_a_view_offers_every_field_but_the_schema_with_times_as_timestamps(name: str) -> None:
    columns = glue_columns(VIEWS[name])

    for field, schema in DOCUMENT["properties"].items():
        if field != "schema":
            assert columns[field] == ("timestamp" if field in TIMES else glue_type(schema)), field
    assert "schema" not in columns


@pytest.mark.parametrize("name", VIEWS)
def test_the_reader_of_the_template_sees_the_sql_that_is_deployed(name: str) -> None:
    view = read_lake_sql().views[name]

    assert definition(name)["originalSql"] == view.sql
    assert {column["name"]: column["type"] for column in definition(name)["columns"]} == view.columns


def test_the_saved_queries_are_in_the_workgroup_on_the_database_and_left_out_of_the_emulator() -> None:
    queries = ResolvedTemplate().of_kind("AWS::Athena::NamedQuery")

    assert {(each["Database"], each["WorkGroup"]) for each in queries.values()} == {
        ("LakeDatabase", "LakeWorkGroup")
    }
    assert {each["Name"]: each["QueryString"] for each in queries.values()} == {
        query.name: query.sql for query in read_lake_sql().queries.values()
    }
    assert ResolvedTemplate(account_id=EMULATED_ACCOUNT).of_kind("AWS::Athena::NamedQuery") == {}


def test_two_stacks_have_databases_and_workgroups_of_their_own() -> None:
    def names(stack: str, monkeypatch: pytest.MonkeyPatch) -> tuple[str, str]:
        monkeypatch.setitem(PSEUDO, "AWS::StackName", stack)
        template = ResolvedTemplate()
        database = template.of_kind("AWS::Glue::Database")["LakeDatabase"]["DatabaseInput"]["Name"]
        return database, template.of_kind("AWS::Athena::WorkGroup")["LakeWorkGroup"]["Name"]

    with pytest.MonkeyPatch.context() as patch:
        assert names("stockstream", patch) == ("stockstream", "stockstream")
        assert names("stockstream-prod", patch) == ("stockstream_prod", "stockstream-prod")


def test_a_query_may_read_ten_gigabytes_and_its_results_are_encrypted_and_expire() -> None:
    template = ResolvedTemplate()
    configuration = template.of_kind("AWS::Athena::WorkGroup")["LakeWorkGroup"]["WorkGroupConfiguration"]

    assert configuration["EnforceWorkGroupConfiguration"] is True
    assert int(configuration["BytesScannedCutoffPerQuery"]) == 10_000_000_000
    assert configuration["PublishCloudWatchMetricsEnabled"] is False
    assert configuration["ResultConfiguration"] == {
        "OutputLocation": "s3://LakeBucket/athena-results/",
        "EncryptionConfiguration": {"EncryptionOption": "SSE_S3"},
    }
    assert {"Prefix": "athena-results/", "ExpirationInDays": 7}.items() <= rules()["athena-results/"].items()


def rules(**parameters: str) -> dict[str, dict[str, Any]]:
    bucket = ResolvedTemplate(**parameters).of_kind("AWS::S3::Bucket")["LakeBucket"]
    return {rule.get("Prefix", ""): rule for rule in bucket["LifecycleConfiguration"]["Rules"]}


def test_what_was_set_aside_or_put_away_expires_and_bars_never_do() -> None:
    found = rules(FailedRecordsRetentionDays="30")

    expiring = {
        prefix: rule["ExpirationInDays"] for prefix, rule in found.items() if "ExpirationInDays" in rule
    }
    assert expiring == {
        "processing-failed/": "30",
        "format-conversion-failed/": "30",
        "search/": "30",
        "redriven/": "30",
        "athena-results/": 7,
    }
    assert not any(
        prefix.startswith(expired) for expired in expiring for prefix in ("bars/", "bars-parquet/")
    )
    assert found[""]["AbortIncompleteMultipartUpload"] == {"DaysAfterInitiation": 7}


def test_bars_change_their_storage_class_only_where_that_is_asked_for() -> None:
    assert not any("Transitions" in rule for rule in rules().values())
    rule = rules(BarsTieringDays="60")["bars"]
    assert rule["Transitions"] == [{"StorageClass": "INTELLIGENT_TIERING", "TransitionInDays": "60"}]


def test_the_stack_tells_the_names_of_its_database_and_workgroup() -> None:
    assert TEMPLATE["Outputs"]["LakeDatabaseName"]["Value"] == {"Ref": "LakeDatabase"}
    assert TEMPLATE["Outputs"]["LakeWorkGroupName"]["Value"] == {"Ref": "LakeWorkGroup"}
