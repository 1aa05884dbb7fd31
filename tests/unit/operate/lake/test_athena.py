"""Asking Athena: what it is asked, how its texts are read, and what becomes of its refusals."""

from collections.abc import Callable
from datetime import date, datetime
from typing import Any, cast

import boto3
import pytest
from botocore.exceptions import ClientError
from botocore.stub import Stubber

from stockstream.windows import Windows
from stockstream_operate.lake.athena import LEFT_AS_TEXT, READERS, AthenaLake
from stockstream_operate.lake.result import LakeQueryError
from stockstream_operate.lake.sql import make_lake_sql

COLUMNS = [
    ("instrument", "varchar"), ("bars", "bigint"), ("close", "double"), ("is_open", "boolean"),
    ("trading_day", "date"), ("open_time", "timestamp"),
]  # fmt: skip


class Athena:
    """Answers as Athena's API is documented to.

    Args:
        states: what is told of the query, look by look.
        pages: of the answer; each row is the texts of its cells, None for null.
        columns: of the answer, with their types.
        reason: of a query that failed.
        kind: of the statement.
    """

    def __init__(
        self,
        states: tuple[str, ...] = ("SUCCEEDED",),
        pages: list[list[tuple[str | None, ...]]] | None = None,
        reason: str = "",
        kind: str = "DML",
        columns: list[tuple[str, str]] = COLUMNS,
    ) -> None:
        self.columns = columns
        self.states = list(states)
        self.pages = pages or [[tuple(name for name, _ in COLUMNS)]]
        self.reason = reason
        self.kind = kind
        self.asked: list[dict[str, Any]] = []
        self.stopped: list[str] = []

    def start_query_execution(self, **asked: Any) -> dict[str, str]:
        self.asked.append(asked)
        return {"QueryExecutionId": "q-1"}

    def get_query_execution(self, *, QueryExecutionId: str) -> dict[str, Any]:  # noqa: N803 (boto3's)
        assert QueryExecutionId == "q-1"
        status = {"State": self.states.pop(0)}
        if self.reason:
            status["StateChangeReason"] = self.reason
        statistics = {"DataScannedInBytes": 25_000_000}
        return {"QueryExecution": {"Status": status, "Statistics": statistics, "StatementType": self.kind}}

    def stop_query_execution(self, *, QueryExecutionId: str) -> None:  # noqa: N803 (boto3's)
        self.stopped.append(QueryExecutionId)

    def get_paginator(self, name: str) -> "Athena":
        assert name == "get_query_results"
        return self

    def paginate(self, *, QueryExecutionId: str) -> list[dict[str, Any]]:  # noqa: N803 (boto3's)
        assert QueryExecutionId == "q-1"
        described = {"ColumnInfo": [{"Name": name, "Type": kind} for name, kind in self.columns]}
        return [
            {
                "ResultSet": {
                    "ResultSetMetadata": described,
                    "Rows": [
                        {"Data": [{} if cell is None else {"VarCharValue": cell} for cell in row]}
                        for row in page
                    ],
                }
            }
            for page in self.pages
        ]


def lake(athena: object, wait: Callable[[], None] = lambda: None) -> AthenaLake:
    return AthenaLake(cast("Any", athena), "stockstream", "stockstream", make_lake_sql(Windows()), wait)


def test_a_query_runs_in_the_stacks_workgroup_and_database() -> None:
    athena = Athena()

    lake(athena).query("SELECT 1")

    assert athena.asked == [
        {
            "QueryString": "SELECT 1",
            "QueryExecutionContext": {"Database": "stockstream"},
            "WorkGroup": "stockstream",
        }
    ]


def test_texts_become_what_their_columns_hold_and_the_line_of_names_is_no_row() -> None:
    names = tuple(name for name, _ in COLUMNS)
    pages: list[list[tuple[str | None, ...]]] = [
        [names, ("IBM", "390", "1.0E-4", "true", "2026-11-20", "2026-11-20 14:30:00.250")],
        [("fx:EUR/USD", None, None, "false", None, None)],
    ]

    answer = lake(Athena(pages=pages)).query("SELECT ...")

    assert answer.columns == names
    assert answer.rows == [
        ("IBM", 390, 0.0001, True, date(2026, 11, 20), datetime(2026, 11, 20, 14, 30, 0, 250_000)),  # noqa: DTZ001
        ("fx:EUR/USD", None, None, False, None, None),
    ]


# Each type of https://docs.aws.amazon.com/athena/latest/ug/data-types.html by its names in queries and in
# tables, the sketches of Trino, and the type of a bare NULL: with a text and what becomes of it.
VALUES: list[tuple[str, str, Any]] = [
    ("boolean", "false", False), ("tinyint", "-1", -1), ("smallint", "300", 300), ("int", "7", 7),
    ("integer", "7", 7), ("bigint", "9007199254740993", 9007199254740993), ("real", "0.25", 0.25),
    ("float", "0.25", 0.25), ("double", "1.0E-4", 0.0001), ("decimal", "283.04", 283.04),
    ("date", "2026-11-20", date(2026, 11, 20)),
    ("timestamp", "2026-11-20 14:30:00.250", datetime(2026, 11, 20, 14, 30, 0, 250_000)),  # noqa: DTZ001
    *((kind, text, text) for kind, text in (
        ("varchar", "IBM"), ("char", "I"), ("string", "IBM"), ("json", '{"a":1}'), ("ipaddress", "::1"),
        ("uuid", "12151fd2-7586-11e9-8f9e-2a86e4085a59"), ("varbinary", "65 68"), ("binary", "65 68"),
        ("array", "[1, 2]"), ("map", "{a=1}"), ("row", "{a=1}"), ("struct", "{a=1}"),
        ("time", "14:30:00.000"),
        ("time with time zone", "14:30:00.000+00:00"),
        ("timestamp with time zone", "2026-11-20 14:30:00.000 UTC"),
        ("interval year to month", "0-3"), ("interval day to second", "2 00:00:00.000"),
        ("hyperloglog", "02"), ("p4hyperloglog", "03"), ("setdigest", "01"), ("qdigest", "00"),
        ("tdigest", "00"), ("unknown", "?"),
    )),
]  # fmt: skip


@pytest.mark.parametrize(("kind", "text", "value"), VALUES)
def test_a_value_of_each_type_is_what_the_type_says(kind: str, text: str, value: object) -> None:
    pages: list[list[tuple[str | None, ...]]] = [[("x", "y"), (text, None)]]

    answer = lake(Athena(pages=pages, columns=[("x", kind), ("y", kind)])).query("SELECT ...")

    assert answer.rows == [(value, None)]
    assert type(answer.rows[0][0]) is type(value)


def test_each_type_that_athena_can_name_is_converted_or_said_to_stay_text() -> None:
    assert {kind for kind, _, _ in VALUES} == set(READERS) | LEFT_AS_TEXT
    assert set(READERS).isdisjoint(LEFT_AS_TEXT)


def test_of_a_statement_that_is_no_select_the_first_row_counts() -> None:
    answer = lake(Athena(pages=[[("bars", "1", "1.0", "true", None, None)]], kind="UTILITY")).query(
        "SHOW TABLES"
    )

    assert [row[0] for row in answer.rows] == ["bars"]


def test_a_query_that_runs_is_looked_at_again() -> None:
    waits: list[None] = []

    lake(Athena(("QUEUED", "RUNNING", "SUCCEEDED")), lambda: waits.append(None)).query("SELECT 1")

    assert len(waits) == 2


@pytest.mark.parametrize(
    ("state", "reason", "told"),
    [
        ("FAILED", "COLUMN_NOT_FOUND: line 1:8: Column 'x' cannot be resolved", "COLUMN_NOT_FOUND: line 1:8"),
        ("CANCELLED", "", r"The query was cancelled\."),
    ],
)
def test_a_query_that_fails_is_told_with_athenas_reason(state: str, reason: str, told: str) -> None:
    with pytest.raises(LakeQueryError, match=told):
        lake(Athena((state,), reason=reason)).query("SELECT x")


@pytest.mark.parametrize(
    ("code", "expected"),
    [("InvalidRequestException", LakeQueryError), ("AccessDeniedException", ClientError)],
)
def test_a_query_that_is_refused_at_once_is_told_and_a_missing_permission_goes_on(
    code: str, expected: type[Exception]
) -> None:
    class Refusing(Athena):
        def start_query_execution(self, **asked: Any) -> dict[str, str]:
            raise ClientError({"Error": {"Code": code, "Message": "line 1:1: mismatched input"}}, str(asked))

    with pytest.raises(expected, match="mismatched input"):
        lake(Refusing()).query("SELEKT")


def test_a_query_that_is_interrupted_here_is_stopped_there() -> None:
    def interrupt() -> None:
        raise KeyboardInterrupt

    athena = Athena(("RUNNING",))

    with pytest.raises(KeyboardInterrupt):
        lake(athena, interrupt).query("SELECT 1")

    assert athena.stopped == ["q-1"]


def test_the_receipt_says_what_was_read_and_what_it_costs() -> None:
    """25 MB twice, at $5 a TB: $0.00025."""
    athena = lake(Athena(("SUCCEEDED", "SUCCEEDED")))
    athena.query("SELECT 1")
    athena.query("SELECT 1")

    assert athena.receipt() == "Athena read 50.0 MB, for $0.0003."


def test_what_is_asked_and_read_is_in_the_services_model() -> None:
    """The stubber checks every request and answer against it."""
    client = boto3.client("athena", region_name="us-east-1", aws_access_key_id="x", aws_secret_access_key="x")  # noqa: S106
    execution = {
        "Status": {"State": "SUCCEEDED"},
        "Statistics": {"DataScannedInBytes": 1_000},
        "StatementType": "DML",
    }
    described = {"ColumnInfo": [{"Name": "bars", "Type": "bigint"}]}
    rows = [{"Data": [{"VarCharValue": "bars"}]}, {"Data": [{"VarCharValue": "390"}]}]
    asked = {
        "QueryString": "SELECT 1",
        "QueryExecutionContext": {"Database": "stockstream"},
        "WorkGroup": "stockstream",
    }
    with Stubber(client) as stub:
        stub.add_response("start_query_execution", {"QueryExecutionId": "q-1"}, asked)
        stub.add_response("get_query_execution", {"QueryExecution": execution}, {"QueryExecutionId": "q-1"})
        results = {"ResultSet": {"Rows": rows, "ResultSetMetadata": described}}
        stub.add_response("get_query_results", results, {"QueryExecutionId": "q-1"})

        answer = AthenaLake(client, "stockstream", "stockstream", make_lake_sql(Windows())).query("SELECT 1")

    assert (answer.columns, answer.rows) == (("bars",), [(390,)])
