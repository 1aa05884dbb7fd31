"""What a search index of the bars consists of: the sources in dashboards/index/, and the table of fields."""

import json
from dataclasses import dataclass, field
from typing import Any

from stockstream.fields import COUNT, INSTANT, TEXT, TIME, list_fields
from stockstream.windows import Windows
from stockstream_operate.workplace import SEARCH_SOURCES

SOURCES = SEARCH_SOURCES / "index"

# Firehose writes to this index; the pipeline moves each document to the month of its bar.
WRITE_INDEX = "bars"
MONTHS = "bars-*"
REJECTED = "rejected"
PIPELINE = "stockstream-bars"
BARS_TEMPLATE = "stockstream-bars"
REJECTED_TEMPLATE = "stockstream-rejected"
RETENTION = "stockstream-retention"
DELIVERY_ROLE = "stockstream-delivery"
RETENTION_PATH = f"/_plugins/_ism/policies/{RETENTION}"
PIPELINE_PATH = f"/_ingest/pipeline/{PIPELINE}"
TEMPLATE_PATH = f"/_index_template/{BARS_TEMPLATE}"
ROLE_PATH = f"/_plugins/_security/api/roles/{DELIVERY_ROLE}"
ROLE_MAPPING_PATH = f"/_plugins/_security/api/rolesmapping/{DELIVERY_ROLE}"
AUDIT_PATH = "/_plugins/_security/api/audit"
# An index holds a month, and its age counts from when it was made.
MONTH_DAYS = 31

type Body = dict[str, Any]

# By a field's unit; all others are numbers with digits behind the point.
_TYPES: dict[str, Body] = {
    TEXT: {"type": "keyword"},
    COUNT: {"type": "integer"},
    TIME: {"type": "date", "format": "strict_date_time_no_millis"},
    INSTANT: {"type": "date", "format": "strict_date_time"},
}


@dataclass(frozen=True, slots=True)
class Part:
    """One thing that is put on a server, and can be read back.

    Attributes:
        name: what people call it.
        path: where it is read.
        body: what is put.
        within: the keys that lead to it in what is read.
        needs: the feature without which a server does not know the path.
        is_vital: whether the index is wrong without it.
        below: what follows the path where it is put.
    """

    name: str
    path: str
    body: Body
    within: tuple[str | int, ...] = ()
    needs: str = ""
    is_vital: bool = True
    below: str = ""


@dataclass(frozen=True, slots=True)
class Wanted:
    """How the index should be.

    Attributes:
        windows: of the moving averages, each of which is a field.
        retention_days: how long bars are kept at least.
        delivery_role_arn: the role that may write; empty where no role is needed.
        is_audited: whether the domain is the stack's own, and publishes an audit log.
    """

    windows: Windows = field(default_factory=Windows)
    retention_days: int = 90
    delivery_role_arn: str = ""
    is_audited: bool = False


def list_parts(wanted: Wanted, *, has_pipelines: bool = True) -> list[Part]:
    """The parts in the order in which they are put: the permission to write comes last.

    Args:
        wanted: how they should be.
        has_pipelines: whether the server knows ingest pipelines; else the index names none, since that would
            fail each document.
    """
    template = ("index_templates", 0, "index_template")
    parts = [
        Part(
            "retention policy",
            RETENTION_PATH,
            retention(wanted.retention_days),
            needs="index state management",
            is_vital=False,
        ),
        Part("ingest pipeline", PIPELINE_PATH, pipeline(), (PIPELINE,), needs="ingest pipelines"),
        Part(
            "index template",
            TEMPLATE_PATH,
            bars_template(wanted.windows, has_pipelines=has_pipelines),
            template,
        ),
        Part(
            "template of refused documents",
            f"/_index_template/{REJECTED_TEMPLATE}",
            _read("rejected-template.json"),
            template,
        ),
    ]
    needs = "fine-grained access control"
    if wanted.is_audited:
        audit = Part(
            "audit log", AUDIT_PATH, _read("audit.json"), ("config",), needs, is_vital=False, below="/config"
        )
        parts.append(audit)
    if wanted.delivery_role_arn:
        who: Body = {"backend_roles": [wanted.delivery_role_arn]}
        parts += [
            Part("role of the delivery", ROLE_PATH, _read("delivery-role.json"), (DELIVERY_ROLE,), needs),
            Part("who has that role", ROLE_MAPPING_PATH, who, (DELIVERY_ROLE,), needs),
        ]
    return parts


def mapping(windows: Windows) -> Body:
    """The field types of a document, from the table of fields, with the averages of these windows."""
    return {field.name: _TYPES.get(field.unit, {"type": "double"}) for field in list_fields(windows)}


def bars_template(windows: Windows, *, has_pipelines: bool) -> Body:
    """The template of the months' indices."""
    template = _read("bars-template.json")
    template["template"]["mappings"]["properties"] = mapping(windows)
    if not has_pipelines:
        del template["template"]["settings"]["index"]["default_pipeline"]
    return template


def pipeline() -> Body:
    """The pipeline, with its script in it."""
    body = _read("pipeline.json")
    body["processors"][0]["script"]["source"] = script()
    return body


def script() -> str:
    """The pipeline's script."""
    return (SOURCES / "pipeline.painless").read_text(encoding="utf-8")


def retention(days: int) -> Body:
    """The policy under which an index is deleted when even its newest bar is so many days old."""
    body = _read("retention.json")
    kept = body["policy"]["states"][0]
    kept["transitions"][0]["conditions"]["min_index_age"] = f"{days + MONTH_DAYS}d"
    return body


def _read(name: str) -> Body:
    body: Body = json.loads((SOURCES / name).read_text(encoding="utf-8"))
    return body
