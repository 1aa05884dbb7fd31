"""The saved queries: what they look for is what the functions log. Their syntax is not run here."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
from resolved_template import EMULATED_ACCOUNT, ResolvedTemplate
from said_by_code import keys_of, messages_of

QUERIES: dict[str, dict[str, Any]] = ResolvedTemplate().of_kind("AWS::Logs::QueryDefinition")
FUNCTIONS = {"ProducerLog": "producer", "TransformLog": "transform", "AlertLog": "alert"}
WORDS = {
    *(
        "filter",
        "fields",
        "sort",
        "limit",
        "stats",
        "parse",
        "by",
        "as",
        "and",
        "or",
        "in",
        "like",
        "asc",
        "desc",
    ),
    *("count", "latest", "earliest", "strcontains"),
}


def functions_of(query: dict[str, Any]) -> list[str]:
    return [FUNCTIONS[group] for group in query["LogGroupNames"] if group in FUNCTIONS]


@pytest.mark.parametrize("query", QUERIES.values(), ids=list(QUERIES))
def test_a_field_that_a_query_names_is_a_key_that_a_function_of_its_logs_writes(
    query: dict[str, Any],
) -> None:
    text = re.sub(r"#.*", "", query["QueryString"])
    made = set(re.findall(r"\bas (\w+)", text)) | set(re.findall(r"\?<(\w+)>", text))
    bare = re.sub(r'"[^"]*"|/(\\.|[^/])+/', "", text)
    named = set(re.findall(r"(?<![@\w])[a-z]\w*", bare)) - WORDS - made

    assert named <= {key for function in functions_of(query) for key in keys_of(function)}


@pytest.mark.parametrize("query", QUERIES.values(), ids=list(QUERIES))
def test_a_message_that_a_query_looks_for_is_one_that_is_logged_there(query: dict[str, Any]) -> None:
    conditions = re.findall(r'(?<!@)\bmessage (?:= ("[^"]*")|in \[([^\]]*)\])', query["QueryString"])
    messages = {text for one, some in conditions for text in re.findall(r'"([^"]*)"', one or some)}

    assert messages <= {message for function in functions_of(query) for message in messages_of(function)}


def test_the_queries_are_in_the_folder_of_their_stack_and_only_in_aws() -> None:
    assert {query["Name"].split("/")[0] for query in QUERIES.values()} == {"stockstream"}
    assert ResolvedTemplate(account_id=EMULATED_ACCOUNT).of_kind("AWS::Logs::QueryDefinition") == {}


def test_the_runbook_names_queries_and_panels_that_there_are() -> None:
    text = (Path(__file__).parents[2] / "docs" / "runbook.md").read_text(encoding="utf-8")
    body = ResolvedTemplate().of_kind("AWS::CloudWatch::Dashboard")["PipelineDashboard"]["DashboardBody"]
    titles = [widget["properties"].get("title", "") for widget in json.loads(body)["widgets"]]
    queries = set(re.findall(r"[Qq]uery \*([^*]+)\*", text))
    panels = set(re.findall(r"[Pp]anels? \*([^*]+)\*", text))

    assert queries
    assert queries <= {query["Name"].split("/", 1)[1] for query in QUERIES.values()}
    assert panels
    assert [panel for panel in panels if not any(title.startswith(panel) for title in titles)] == []
