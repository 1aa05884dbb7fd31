"""The lake in AWS: Athena answers, in the stack's workgroup and within its limit."""

import time
from collections.abc import Callable, Iterable, Iterator
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from stockstream_operate.cost.prices import ATHENA_LEAST_BYTES, PRICES
from stockstream_operate.lake.answers import as_json_lines
from stockstream_operate.lake.files import Written, write_lines
from stockstream_operate.lake.result import LakeQueryError, Result, in_words
from stockstream_operate.lake.sql import LakeSql

if TYPE_CHECKING:
    from mypy_boto3_athena import AthenaClient
    from mypy_boto3_athena.type_defs import ColumnInfoTypeDef, DatumTypeDef, QueryExecutionTypeDef

POLL_SECONDS = 0.5
_DOLLARS_A_BYTE = PRICES["us-east-1"].athena_tb / 1e12
_UNFINISHED = {"QUEUED", "RUNNING"}
# Athena returns every value as text.
READERS: dict[str, Callable[[str], Any]] = {
    **dict.fromkeys(("tinyint", "smallint", "int", "integer", "bigint"), int),
    **dict.fromkeys(("real", "float", "double", "decimal"), float),
    "boolean": lambda text: text == "true",
    "date": date.fromisoformat,
    "timestamp": datetime.fromisoformat,
}
# Types that stay as Athena writes them: those that are text, and those that it writes in a form of its own.
LEFT_AS_TEXT = frozenset(
    {
        "varchar",
        "char",
        "string",
        "json",
        "uuid",
        "ipaddress",
        "varbinary",
        "binary",
        "array",
        "map",
        "row",
        "struct",
    }
    | {"time", "time with time zone", "timestamp with time zone"}
    | {"interval year to month", "interval day to second"}
    | {"hyperloglog", "p4hyperloglog", "setdigest", "qdigest", "tdigest", "unknown"}
)


class AthenaLake:
    """The lake's database in AWS.

    Args:
        athena: boto3's client.
        database: the lake's.
        workgroup: the stack's, which limits what a query may read.
        lake_sql: the stack's tables, views and saved queries.
        wait: what is called between two looks at a query.
    """

    def __init__(
        self,
        athena: "AthenaClient",
        database: str,
        workgroup: str,
        lake_sql: LakeSql,
        wait: Callable[[], None] = lambda: time.sleep(POLL_SECONDS),
    ) -> None:
        self._athena = athena
        self._database = database
        self._workgroup = workgroup
        self.lake_sql = lake_sql
        self._wait = wait
        self._read_bytes = 0
        self._billed_bytes = 0

    def query(self, sql: str) -> Result:
        """The answer to one statement; a query that is interrupted here is stopped there, too.

        Raises:
            LakeQueryError: Athena cannot answer it; the text is Athena's reason.
        """
        try:
            started = self._athena.start_query_execution(
                QueryString=sql,
                QueryExecutionContext={"Database": self._database},
                WorkGroup=self._workgroup,
            )
        except ClientError as error:
            if error.response["Error"]["Code"] != "InvalidRequestException":
                raise
            raise LakeQueryError(error.response["Error"]["Message"]) from error
        name = started["QueryExecutionId"]
        try:
            execution = self._await(name)
        except KeyboardInterrupt:
            self._athena.stop_query_execution(QueryExecutionId=name)
            raise
        scanned = execution.get("Statistics", {}).get("DataScannedInBytes", 0)
        self._read_bytes += scanned
        self._billed_bytes += max(scanned, ATHENA_LEAST_BYTES)
        status = execution["Status"]
        if status["State"] != "SUCCEEDED":
            raise LakeQueryError(
                status.get("StateChangeReason") or f"The query was {status['State'].lower()}."
            )
        # The first row of a SELECT repeats the names of its columns; that of SHOW TABLES is a row.
        return self._read(name, has_names=execution.get("StatementType") == "DML")

    def export(self, sql: str, path: Path, ending: str, progress: Callable[[float], None]) -> Written:
        """Writes the answer to one SELECT of the columns of `bars_latest` to a file.

        Args:
            sql: what Athena answers.
            path: the file.
            ending: a key of files.FORMS.
            progress: gets how much is done, from 0 to 1: Athena's answer is half of it.

        Raises:
            LakeQueryError: Athena cannot answer it, or it cannot be written.
        """
        result = self.query(sql)
        progress(0.5)
        types = self.lake_sql.views["bars_latest"].columns
        with in_words():
            written = write_lines(as_json_lines(result), types, path, ending)
        progress(1.0)
        return written

    def receipt(self) -> str:
        """What the queries so far have read, and what that costs in us-east-1."""
        return (
            f"Athena read {self._read_bytes / 1e6:,.1f} MB, for ${self._billed_bytes * _DOLLARS_A_BYTE:,.4f}."
        )

    def _await(self, name: str) -> "QueryExecutionTypeDef":
        while True:
            execution = self._athena.get_query_execution(QueryExecutionId=name)["QueryExecution"]
            if execution["Status"]["State"] not in _UNFINISHED:
                return execution
            self._wait()

    def _read(self, name: str, *, has_names: bool) -> Result:
        pages = self._athena.get_paginator("get_query_results").paginate(QueryExecutionId=name)
        columns: list[ColumnInfoTypeDef] = []
        rows: list[tuple[Any, ...]] = []
        for page in pages:
            results = page["ResultSet"]
            page_rows = results["Rows"]
            if not columns:
                columns = list(results["ResultSetMetadata"]["ColumnInfo"])
                page_rows = page_rows[has_names:]
            rows.extend(tuple(_values(row["Data"], columns)) for row in page_rows)
        return Result(tuple(column["Name"] for column in columns), rows)


def _values(cells: "Iterable[DatumTypeDef]", columns: "Iterable[ColumnInfoTypeDef]") -> Iterator[Any]:
    for cell, column in zip(cells, columns, strict=True):
        text = cell.get("VarCharValue")
        yield text if text is None else READERS.get(column["Type"], str)(text)
