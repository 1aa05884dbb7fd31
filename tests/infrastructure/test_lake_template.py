"""What template.yaml says of the lake: tables, views, saved queries, formats, and how long files stay."""

import base64
import json
import re
from typing import Any

import pytest
from resolved_template import EMULATED_ACCOUNT, PSEUDO, TEMPLATE, ResolvedTemplate

from stockstream.fields import list_fields
from stockstream.windows import MOST_WINDOWS, parse_windows
from stockstream_operate.lake.splits import SPLITS_COLUMNS, SPLITS_FILE
from stockstream_operate.lake.sql import VIEWS, in_one_line, make_lake_sql

TIMES = {"open_time", "as_of", "arrived_at"}
# What Athena calls each of Glue's types.
ATHENA_TYPES = {
    "string": "varchar",
    "double": "double",
    "int": "integer",
    "date": "date",
    "timestamp": "timestamp(3)",
}
TEN = ",".join(str(window) for window in range(2, 12))
# What the two parameters may say.
CHOICES = [
    pytest.param("5,20,50,200", "12,26", id="the defaults"),
    pytest.param("3,300", "7", id="others"),
    pytest.param("1000", "2", id="one of each"),
    pytest.param(TEN, TEN, id="ten of each"),
]


def tables(**parameters: str) -> dict[str, dict[str, Any]]:
    found = ResolvedTemplate(**parameters).of_kind("AWS::Glue::Table").values()
    return {table["TableInput"]["Name"]: table["TableInput"] for table in found}


def glue_columns(table: dict[str, Any]) -> dict[str, str]:
    return {column["Name"]: column["Type"] for column in table["StorageDescriptor"]["Columns"]}


def fields(sma: str, ema: str) -> dict[str, str]:
    """The fields of a document with these windows, and Glue's type of each where times are texts."""
    return {
        field.name: "string" if not field.is_number else "int" if field.name == "lookback_bars" else "double"
        for field in list_fields(parse_windows(sma, ema))
    }


@pytest.mark.parametrize(("sma", "ema"), CHOICES)
@pytest.mark.parametrize("name", ["bars", "bars_parquet"])
def test_a_table_of_documents_has_their_fields_in_their_order_whatever_the_windows(
    name: str, sma: str, ema: str
) -> None:
    columns = glue_columns(tables(SmaWindows=sma, EmaWindows=ema)[name])

    assert list(columns.items()) == list(fields(sma, ema).items())


@pytest.mark.parametrize("parameter", ["SmaWindows", "EmaWindows"])
@pytest.mark.parametrize(
    ("text", "is_taken"),
    [
        *((text, True) for text in ("2", "1000", "5,20,50,200", "999,10,2", TEN)),
        *(
            (text, False)
            for text in ("", "1", "0", "1001", "05", "5,020", "5, 20", "5,", ",5", "5,,6", "5;6")
        ),
        (f"{TEN},12", False),
    ],
)
def test_the_template_refuses_what_would_name_a_wrong_column(
    parameter: str, text: str, *, is_taken: bool
) -> None:
    pattern = TEMPLATE["Parameters"][parameter]["AllowedPattern"]

    assert bool(re.fullmatch(pattern, text)) == is_taken


def test_the_template_has_a_place_for_each_window_that_a_setting_may_name() -> None:
    assert len(TEN.split(",")) == MOST_WINDOWS
    for parameter in ("SmaWindows", "EmaWindows"):
        assert f"{{0,{MOST_WINDOWS - 1}}}" in TEMPLATE["Parameters"][parameter]["AllowedPattern"]


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


def test_the_table_of_splits_reads_what_the_command_writes() -> None:
    table = tables()["splits"]

    assert glue_columns(table) == SPLITS_COLUMNS
    assert f"{table['StorageDescriptor']['Location']}splits.json" == f"s3://LakeBucket/{SPLITS_FILE}"


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


def view(name: str, **parameters: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """A view's table, and its definition as Athena decodes it."""
    table = tables(**parameters)[name]
    encoded = table["ViewOriginalText"].removeprefix("/* Presto View: ").removesuffix(" */")
    definition: dict[str, Any] = json.loads(base64.b64decode(encoded, validate=True))
    return table, definition


def test_the_views_are_those_of_the_files() -> None:
    assert {name for name, table in tables().items() if table["TableType"] == "VIRTUAL_VIEW"} == set(VIEWS)


@pytest.mark.parametrize("name", VIEWS)
def test_a_view_is_what_athena_takes_for_one(name: str) -> None:
    table, definition = view(name)

    assert table["Parameters"] == {"presto_view": "true", "comment": "Presto View"}
    assert table["ViewExpandedText"] == "/* Presto View */"
    assert set(definition) == {"originalSql", "catalog", "schema", "columns"}
    assert definition["catalog"] == "awsdatacatalog"
    assert definition["schema"] == "LakeDatabase"


@pytest.mark.parametrize(("sma", "ema"), CHOICES)
@pytest.mark.parametrize("name", VIEWS)
def test_a_view_has_the_same_columns_for_athena_and_for_glue(name: str, sma: str, ema: str) -> None:
    table, definition = view(name, SmaWindows=sma, EmaWindows=ema)
    athena = [(column["name"], column["type"]) for column in definition["columns"]]

    assert athena == [(key, ATHENA_TYPES[kind]) for key, kind in glue_columns(table).items()]


@pytest.mark.parametrize(("sma", "ema"), CHOICES)
@pytest.mark.parametrize("name", VIEWS)
def test_a_view_offers_every_field_but_the_schema_with_times_as_timestamps(
    name: str, sma: str, ema: str
) -> None:
    columns = glue_columns(view(name, SmaWindows=sma, EmaWindows=ema)[0])
    expected = {
        field: "timestamp" if field in TIMES else kind
        for field, kind in fields(sma, ema).items()
        if field != "schema"
    }

    assert {field: kind for field, kind in columns.items() if field in expected} == expected
    assert set(columns) - set(expected) <= {"trading_day", "dt", "known_from", "known_until", "shares"}


@pytest.mark.parametrize(("sma", "ema"), CHOICES)
@pytest.mark.parametrize("name", VIEWS)
def test_the_sql_that_is_deployed_is_that_which_is_run_here(name: str, sma: str, ema: str) -> None:
    _, definition = view(name, SmaWindows=sma, EmaWindows=ema)
    here = make_lake_sql(parse_windows(sma, ema)).views[name]

    assert definition["originalSql"] == in_one_line(here.sql)
    assert {column["name"]: column["type"] for column in definition["columns"]} == here.columns


@pytest.mark.parametrize(("sma", "ema"), CHOICES)
def test_the_saved_queries_are_those_of_the_files_whatever_the_windows(sma: str, ema: str) -> None:
    queries = ResolvedTemplate(SmaWindows=sma, EmaWindows=ema).of_kind("AWS::Athena::NamedQuery")

    assert {each["Name"]: each["QueryString"] for each in queries.values()} == {
        query.name: query.sql for query in make_lake_sql(parse_windows(sma, ema)).queries.values()
    }


def test_the_saved_queries_are_in_the_workgroup_on_the_database_and_left_out_of_the_emulator() -> None:
    queries = ResolvedTemplate().of_kind("AWS::Athena::NamedQuery")

    assert {(each["Database"], each["WorkGroup"]) for each in queries.values()} == {
        ("LakeDatabase", "LakeWorkGroup")
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
