"""The lake's tables, views and saved queries, as template.yaml holds them: their SQL stands nowhere else."""

import base64
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from samcli.yamlhelper import yaml_parse

from stockstream.errors import StockstreamError
from stockstream_operate.workplace import ROOT

TEMPLATE = ROOT / "template.yaml"
JSON_TABLE, PARQUET_TABLE = "bars", "bars_parquet"
_VIEW = re.compile(r"/\* Presto View: (\S+) \*/")

type Properties = dict[str, Any]


class LakeSqlError(StockstreamError):
    """A view of the template cannot be read; the text names it."""


@dataclass(frozen=True, slots=True)
class View:
    """One view of the lake's database.

    Attributes:
        name: what a query calls it.
        description: one sentence.
        sql: a SELECT in Athena's dialect.
        columns: the type of each column, in Athena's words (`timestamp(3)`), in their order.
    """

    name: str
    description: str
    sql: str
    columns: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class NamedQuery:
    """One query that is saved in the workgroup: its name, what it shows, and a SELECT in Athena's dialect."""

    name: str
    description: str
    sql: str


@dataclass(frozen=True, slots=True)
class LakeSql:
    """What the lake's database and workgroup hold.

    Attributes:
        columns: of the tables of delivered documents: the type of each field in Glue's words (`string`).
        views: by name; each reads only tables and views before it.
        queries: by name.
    """

    columns: Mapping[str, str]
    views: Mapping[str, View]
    queries: Mapping[str, NamedQuery]


@cache
def read_lake_sql(template: Path = TEMPLATE) -> LakeSql:
    """The lake's SQL and columns.

    Args:
        template: the project's template, as it is before a build.

    Raises:
        LakeSqlError: a view is not what Athena would read.
    """
    resources: dict[str, Properties] = yaml_parse(template.read_text(encoding="utf-8"))["Resources"]
    tables = {each["Name"]: each for each in _inputs(resources, "AWS::Glue::Table", "TableInput")}
    views = [_read_view(each) for each in tables.values() if each["TableType"] == "VIRTUAL_VIEW"]
    queries = [
        NamedQuery(each["Name"], each["Description"], str(_resolve(each["QueryString"])))
        for each in _inputs(resources, "AWS::Athena::NamedQuery")
    ]
    columns = tables[JSON_TABLE]["StorageDescriptor"]["Columns"]
    return LakeSql(
        {column["Name"]: column["Type"] for column in columns},
        {view.name: view for view in views},
        {query.name: query for query in queries},
    )


def _inputs(resources: Mapping[str, Properties], kind: str, *path: str) -> list[Properties]:
    found = [each["Properties"] for each in resources.values() if each["Type"] == kind]
    for key in path:
        found = [properties[key] for properties in found]
    return found


def _read_view(table: Properties) -> View:
    name, text = table["Name"], str(_resolve(table["ViewOriginalText"]))
    encoded = _VIEW.fullmatch(text)
    try:
        view = json.loads(base64.b64decode(encoded[1] if encoded else ""))
    except ValueError as error:
        raise LakeSqlError(f"{TEMPLATE.name}: the view {name} is not what Athena reads: {error}") from error
    columns = {column["name"]: column["type"] for column in view["columns"]}
    return View(name, table["Description"], view["originalSql"], columns)


def _resolve(value: Any) -> Any:  # noqa: ANN401 (a template's values are of any kind)
    """The value as CloudFormation would work it out; a reference is its logical id."""
    match value:
        case {"Fn::Base64": argument}:
            return base64.b64encode(str(_resolve(argument)).encode()).decode()
        case {"Fn::Sub": [str(text), variables]}:
            known = {name: str(_resolve(item)) for name, item in variables.items()}
            return re.sub(r"\$\{(\w+)\}", lambda found: known.get(found[1], found[1]), text)
    return value
