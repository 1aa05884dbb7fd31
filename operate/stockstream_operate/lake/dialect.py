"""Athena's SQL for DuckDB: the translation, and what makes DuckDB answer as Athena does."""

from functools import lru_cache

import sqlglot
from sqlglot import exp

from stockstream_operate.lake.result import LakeQueryError

SETTINGS = (
    "SET TimeZone = 'UTC'",
    "SET integer_division = true",  # as in Athena: 3 / 2 is 1
    "SET python_enable_replacements = false",  # a table is never a variable of this program
    "SET autoinstall_known_extensions = false",  # nothing is fetched from the network
)
# What Athena's SQL calls and DuckDB lacks.
AT_TIMEZONE = "CREATE MACRO at_timezone(moment, zone) AS timezone(zone, moment)"


def find_tables(sql: str) -> set[str]:
    """The names of tables and views that a statement in Athena's dialect reads."""
    return {table.name.lower() for each in _parse(sql) for table in each.find_all(exp.Table)}


# A page asks for hours, with statements that never come again.
@lru_cache(maxsize=256)
def to_duckdb(sql: str) -> str:
    """One SELECT in Athena's dialect, translated.

    Raises:
        LakeQueryError: it is something else.
    """
    statements = _parse(sql)
    if len(statements) != 1 or not isinstance(statements[0], exp.Query):
        raise LakeQueryError("The lake answers one SELECT at a time, and nothing else.")
    return statements[0].transform(_keep_nulls).sql(dialect="duckdb", identify=True)


def _parse(sql: str) -> list[exp.Expr]:
    try:
        # After the last semicolon there may be nothing, or a comment, which is no statement.
        parsed = sqlglot.parse(sql, read="athena")
        return [each for each in parsed if each and not isinstance(each, exp.Semicolon)]
    except sqlglot.ParseError as error:
        first = error.errors[0]
        raise LakeQueryError(
            f"Line {first['line']} is not SQL as Athena has it, "
            f"at {first['highlight']!r}: {first['description']}"
        ) from error
    except sqlglot.errors.SqlglotError as error:
        raise LakeQueryError(f"This is not SQL as Athena has it: {error}") from error


def _keep_nulls(node: exp.Expression) -> exp.Expression:
    # Athena's max_by and min_by take the row with the greatest or least value, even if what it holds is null.
    if isinstance(node, exp.ArgMax | exp.ArgMin) and not node.args.get("count"):
        name = "arg_max_null" if isinstance(node, exp.ArgMax) else "arg_min_null"
        return exp.Anonymous(this=name, expressions=[node.this, node.expression])
    return node
