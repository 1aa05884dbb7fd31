"""Every file that is made, and what makes it: a new one is an entry here."""

from collections.abc import Callable
from pathlib import Path

from stockstream.windows import Windows
from stockstream_dashboards.saved_objects import make_saved_objects
from stockstream_generate.calendars import make_calendars
from stockstream_generate.delay_page import write_delay_page
from stockstream_generate.fields_page import write_page
from stockstream_generate.parameters_page import write_parameters_page
from stockstream_generate.pipeline_picture import write_picture
from stockstream_generate.scaling_page import write_scaling_page
from stockstream_generate.schemas import bar_schema, document_schema, write_schema
from stockstream_generate.template import make_template

ROOT = Path(__file__).parents[2]

FILES: dict[str, Callable[[], str]] = {
    "docs/bar.v1.schema.json": lambda: write_schema(bar_schema(Windows())),
    "docs/enriched.v1.schema.json": lambda: write_schema(document_schema(Windows())),
    "docs/delay.md": write_delay_page,
    "docs/parameters.md": write_parameters_page,
    "docs/pipeline.svg": write_picture,
    "docs/scaling.md": write_scaling_page,
    "docs/fields.md": lambda: write_page(Windows()),
    "template.yaml": make_template,
    "dashboards/saved-objects.ndjson": make_saved_objects,
    "layers/common/stockstream/calendars.py": make_calendars,
}


def write_files() -> list[str]:
    """Writes what has changed; the names of those files."""
    stale = [name for name in FILES if is_stale(name)]
    for name in stale:
        (ROOT / name).write_text(FILES[name](), encoding="utf-8")
    return stale


def is_stale(name: str) -> bool:
    """Whether a file is not what would be made today."""
    file = ROOT / name
    return not file.exists() or file.read_text(encoding="utf-8") != FILES[name]()
