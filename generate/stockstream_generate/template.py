"""The parts of template.yaml that follow from elsewhere: the lake's columns, views and queries, the version.

Each part stands between two comments there, `# made by make generate: NAME` and `# end of NAME`.
CloudFormation has no loops, and the windows of the moving averages are known only when a stack is deployed.
So texts join them out of the parameters, and lists have a place for each window that there can be, which a
condition leaves out.
"""

import json
import re
import tomllib
from collections.abc import Iterable, Iterator

from stockstream.fields import list_fields
from stockstream.windows import MOST_WINDOWS, Windows
from stockstream_generate.template_file import ROOT, TEMPLATE
from stockstream_operate.lake.sql import (
    VIEWS,
    SqlFile,
    glue_type,
    in_one_line,
    in_todays_shares,
    make_placeholders,
    query_files,
    view_columns,
    view_files,
)

# What a field that is one of many begins with, and the parameter that says how many.
AVERAGES = {"sma_": "SmaWindows", "ema_": "EmaWindows"}
ONE = Windows((2,), (2,))
# What Glue calls each of Athena's types.
GLUE_TYPES = {
    "varchar": "string",
    "double": "double",
    "integer": "int",
    "date": "date",
    "timestamp(3)": "timestamp",
}
LINE = 118


def make_template() -> str:
    """The text of template.yaml, with what is made in it made anew.

    Raises:
        ValueError: a part's two comments are not there.
    """
    text = TEMPLATE.read_text(encoding="utf-8")
    for name, lines in {
        "windows": _conditions(),
        "columns": _table_columns(),
        "views": _views(),
        "queries": _queries(),
        "version": _version(),
    }.items():
        text = _replace(text, name, lines)
    return text


def _replace(text: str, name: str, lines: Iterable[str]) -> str:
    begins, ends = f"# made by make generate: {name}", f"# end of {name}"
    found = re.search(rf"^( *){begins}$.*?^ *{ends}$", text, re.MULTILINE | re.DOTALL)
    if found is None:
        raise ValueError(f"template.yaml has no place for {name}")
    made = "\n".join(f"{found[1]}{line}".rstrip() for line in (begins, *lines, ends))
    return text[: found.start()] + made + text[found.end() :]


def _version() -> Iterator[str]:
    """Which version a stack is of; a tag would be written on each of its resources with every release."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    yield "Version:"
    yield f"  Description: The version of {project['name']} that is deployed."
    yield f'  Value: "{project["version"]}"'


def _conditions() -> Iterator[str]:
    """Whether there is a second, a third ... window; the first is always there."""
    for parameter in AVERAGES.values():
        for place in range(2, MOST_WINDOWS + 1):
            yield f'{_condition(parameter, place)}: !Not [!Equals [{_window(parameter, place)}, "-"]]'


def _condition(parameter: str, place: int) -> str:
    return f"Has{parameter.removesuffix('s')}{place}"


def _window(parameter: str, place: int) -> str:
    """The window at a place of a parameter's list; a dash where there is none."""
    padding = ",-" * (MOST_WINDOWS - 1)
    return f'!Select [{place - 1}, !Split [",", !Sub "${{{parameter}}}{padding}"]]'


def _table_columns() -> Iterator[str]:
    yield "Columns: &document-columns"
    columns = {field.name: glue_type(field) for field in list_fields(ONE)}
    yield from _list(item for name, kind in columns.items() for item in _first_items(name, kind))


def _first_items(name: str, kind: str) -> Iterator[str]:
    """A column; of an average one for each window that there can be, under a name for the views."""
    prefix = name[:4]
    if prefix not in AVERAGES:
        yield _column(name, kind)
        return
    parameter = AVERAGES[prefix]
    for place in range(1, MOST_WINDOWS + 1):
        column = _column(f'!Join ["", [{prefix}, {_window(parameter, place)}]]', kind)
        if place > 1:
            column = f"!If [{_condition(parameter, place)}, {column}, !Ref AWS::NoValue]"
        yield f"&{prefix}column-{place} {column}"


def _items(name: str, kind: str) -> Iterator[str]:
    """The same where the columns of the averages have their names."""
    prefix = name[:4]
    if prefix not in AVERAGES:
        yield _column(name, kind)
        return
    yield from (f"*{prefix}column-{place}" for place in range(1, MOST_WINDOWS + 1))


def _column(name: str, kind: str) -> str:
    return f"{{ Name: {name}, Type: {kind} }}"


def _list(items: Iterable[str]) -> Iterator[str]:
    """A list of Glue's columns, as many a line as fit."""
    yield "  ["
    line = ""
    for item in items:
        if line and len(line) + len(item) > LINE:
            yield f"    {line}"
            line = ""
        line += f"{' ' if line else ''}{item},"
    yield f"    {line}"
    yield "  ]"


def _views() -> Iterator[str]:
    for name, file in view_files().items():
        columns = {**view_columns(ONE), **VIEWS[name]}
        yield from (
            f"{_camel(name)}View:",
            "  Type: AWS::Glue::Table",
            "  DeletionPolicy: Delete",
            "  UpdateReplacePolicy: Delete",
            "  Properties:",
            "    CatalogId: !Ref AWS::AccountId",
            "    DatabaseName: !Ref LakeDatabase",
            "    TableInput:",
            f"      Name: {name}",
            f"      Description: {file.description}",
            "      TableType: VIRTUAL_VIEW",
            '      Parameters: { presto_view: "true", comment: Presto View }',
            "      ViewExpandedText: /* Presto View */",
            "      ViewOriginalText: !Sub",
            '        - "/* Presto View: ${View} */"',
            "        - View:",
            "            Fn::Base64: !Sub",
            f"              - {_yaml(_definition(file, columns))}",
            "              - SmaColumns: " + _joined("SmaWindows", '{"name": "sma_', '", "type": "double"}'),
            "                EmaColumns: " + _joined("EmaWindows", '{"name": "ema_', '", "type": "double"}'),
            "                SmaFields: " + _joined("SmaWindows", "sma_", ""),
            "                EmaFields: " + _joined("EmaWindows", "ema_", ""),
        )
        if "{in_shares}" in file.sql:
            yield "                SmaInShares: " + _joined("SmaWindows", "sma_", " / shares")
            yield "                EmaInShares: " + _joined("EmaWindows", "ema_", " / shares")
        yield from (
            "      StorageDescriptor:",
            '        SerdeInfo: { Name: "-", SerializationLibrary: "-" }',
            "        Columns:",
        )
        items = (item for column, kind in columns.items() for item in _items(column, GLUE_TYPES[kind]))
        yield from (f"        {line}" for line in _list(items))
        yield ""


def _definition(file: SqlFile, columns: dict[str, str]) -> str:
    """A view as Athena keeps it, with the places of the averages."""
    told = [
        {"sma_2": "${SmaColumns}", "ema_2": "${EmaColumns}"}.get(name)
        or json.dumps({"name": name, "type": kind})
        for name, kind in columns.items()
    ]
    sql = in_one_line(file.fill(_placeholders()))
    return (
        '{"catalog": "awsdatacatalog", "schema": "${LakeDatabase}", "columns": ['
        f'{", ".join(told)}], "originalSql": {json.dumps(sql)}}}'
    )


def _placeholders() -> dict[str, str]:
    """What stands in the files' braces, with the places of the averages."""
    places = {"sma_2": "${SmaFields}", "ema_2": "${EmaFields}"}
    names = [places.get(name, name) for name in view_columns(ONE)]
    first = names.index("lookback_bars") + 1
    shares = {"sma_2": "${SmaInShares}", "ema_2": "${EmaInShares}"}
    restated = [shares.get(name) or in_todays_shares(name) for name in view_columns(ONE)]
    filled = make_placeholders(analytics=names[first:], columns=names, in_shares=restated, averages=["sma_2"])
    return filled | {"fast": "${Fast}", "slow": "${Slow}"}


def _joined(parameter: str, before: str, after: str) -> str:
    """An expression that writes each window of a parameter between two texts, with commas."""
    between = _yaml(f"{after}, {before}")
    return f'!Join ["", [{_yaml(before)}, !Join [{between}, !Split [",", !Ref {parameter}]], {_yaml(after)}]]'


def _yaml(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def _queries() -> Iterator[str]:
    for file in query_files().values():
        sql = file.fill(_placeholders())
        yield from (
            f"{_camel(file.stem)}Query:",
            "  Type: AWS::Athena::NamedQuery",
            "  Condition: IsInAws",
            "  Properties:",
            f"    Name: {file.name}",
            f"    Description: {file.description}",
            "    Database: !Ref LakeDatabase",
            "    WorkGroup: !Ref LakeWorkGroup",
        )
        variables = {
            "SmaFields": _joined("SmaWindows", "sma_", ""),
            "EmaFields": _joined("EmaWindows", "ema_", ""),
            "Fast": f'!If [HasSmaWindow3, !Join ["", [sma_, {_window("SmaWindows", 2)}]], close]',
            "Slow": '!Join ["", [sma_, !If [HasSmaWindow3, '
            f"{_window('SmaWindows', 3)}, {_window('SmaWindows', 1)}]]]",
        }
        used = [name for name in variables if f"${{{name}}}" in sql]
        if not used:
            yield "    QueryString: |-"
            yield from (f"      {line}" for line in sql.splitlines())
        else:
            yield "    QueryString: !Sub"
            yield "      - |-"
            yield from (f"        {line}" for line in sql.splitlines())
            for number, name in enumerate(used):
                yield f"      {' ' if number else '-'} {name}: {variables[name]}"
        yield ""


def _camel(stem: str) -> str:
    return "".join(word.capitalize() for word in stem.split("_"))
