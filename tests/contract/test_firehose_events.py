"""The sample events are what their generator writes, and hold each failure."""

import importlib.util
import json
from pathlib import Path

from stockstream.errors import Reason
from stockstream.windows import Windows
from transform.firehose import transform_records

EVENTS = Path(__file__).parents[2] / "events"


def test_the_files_are_what_the_generator_writes() -> None:
    spec = importlib.util.spec_from_file_location("generate", EVENTS / "generate.py")
    assert spec
    assert spec.loader
    generator = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(generator)
    for name, make in generator.EVENTS.items():
        assert json.loads((EVENTS / name).read_text(encoding="utf-8")) == make()


def test_the_bad_records_have_each_reason_but_too_large() -> None:
    event = json.loads((EVENTS / "firehose-bad.json").read_text(encoding="utf-8"))
    _, rejections = transform_records(event["records"], Windows())
    assert [error.reason for _, error in rejections] == [each for each in Reason if each != Reason.TOO_LARGE]
