"""The picture of the pipeline: it cannot be of another template or of other code, and it can be read."""

import copy
import itertools
import re
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest
from drawn_text import find_texts

from stockstream_generate.pipeline_parts import PictureError, check_rooms, find_links
from stockstream_generate.pipeline_picture import STYLE, draw_pipeline
from stockstream_generate.template_file import ROOT, read_template

TEMPLATE = read_template()
PICTURE = (ROOT / "docs" / "pipeline.svg").read_text(encoding="utf-8")
SVG = "{http://www.w3.org/2000/svg}"
# Between GitHub's margins; a wider picture would be made smaller, and its text with it.
README_PIXELS = 830


@pytest.fixture
def template() -> dict[str, Any]:
    return copy.deepcopy(TEMPLATE)


def test_a_resource_that_is_not_drawn_is_named(template: dict[str, Any]) -> None:
    template["Resources"]["SpareBucket"] = {"Type": "AWS::S3::Bucket", "Properties": {}}

    with pytest.raises(PictureError, match="SpareBucket"):
        draw_pipeline(template)


def test_a_box_whose_resource_is_gone_is_named(template: dict[str, Any]) -> None:
    del template["Resources"]["NoticeTable"]

    with pytest.raises(PictureError, match="NoticeTable"):
        draw_pipeline(template)


def test_a_line_that_the_template_lacks_is_named(template: dict[str, Any]) -> None:
    function = template["Resources"]["ProducerFunction"]["Properties"]
    del function["Environment"]["Variables"]["INSTRUMENT_TABLE_NAME"]

    with pytest.raises(PictureError, match="InstrumentTable-ProducerFunction"):
        draw_pipeline(template)


def test_a_link_of_the_template_without_a_line_is_named(template: dict[str, Any]) -> None:
    function = template["Resources"]["TransformFunction"]["Properties"]
    function["Environment"]["Variables"]["INSTRUMENT_TABLE_NAME"] = {"Ref": "InstrumentTable"}

    with pytest.raises(PictureError, match="InstrumentTable-TransformFunction"):
        draw_pipeline(template)


def test_what_a_parameter_asks_for_is_dashed_with_its_lines(template: dict[str, Any]) -> None:
    before = draw_pipeline(template).count("optional")
    template["Resources"]["NoticeTable"]["Condition"] = "HasAlertEmail"

    # The box, and its line from the alert function.
    assert draw_pipeline(template).count("optional") == before + 2


def test_numbers_in_it_are_the_templates(template: dict[str, Any]) -> None:
    template["Resources"]["BarStream"]["Properties"]["RetentionPeriodHours"] = 48
    del template["Resources"]["PriceMoveAlarm"]
    alarms = sum(
        "::Alarm" in each["Type"] or "::CompositeAlarm" in each["Type"]
        for each in TEMPLATE["Resources"].values()
    )
    words = {text.words for text in find_texts(draw_pipeline(template))}

    assert {"Kinesis, 48 h", f"{alarms - 1} of CloudWatch"} <= words


def test_a_room_that_is_not_drawn_or_is_gone_is_named(tmp_path: Path) -> None:
    (tmp_path / "planning").mkdir()
    (tmp_path / "planning" / "__init__.py").touch()
    (tmp_path / "handler.py").touch()
    check_rooms(tmp_path, ["planning", "handler"])

    with pytest.raises(PictureError, match="no room memory"):
        check_rooms(tmp_path, ["planning", "memory"])
    with pytest.raises(PictureError, match="the room planning"):
        check_rooms(tmp_path, ["handler"])


def test_links_are_what_one_part_says_of_another() -> None:
    parts = {
        "Globals": {"Function": {}},
        "Resources": {
            "Stream": {"Type": "AWS::Kinesis::Stream", "Properties": {}},
            "Role": {"Type": "AWS::IAM::Role", "Properties": {"Of": {"Ref": "Stream"}}},
            "Table": {"Type": "AWS::DynamoDB::Table", "Properties": {"By": {"Fn::Sub": "x/${Stream.Arn}"}}},
            "Late": {
                "Type": "AWS::CloudWatch::Alarm",
                "Properties": {"Of": {"Ref": "Stream"}, "AlarmActions": [{"Ref": "Topic"}]},
            },
            "Topic": {"Type": "AWS::SNS::Topic", "Properties": {"Of": [{"Fn::GetAtt": ["Table", "Arn"]}]}},
        },
    }

    assert find_links(parts) == {
        frozenset({"Stream", "Table"}),
        frozenset({"Alarms", "Topic"}),
        frozenset({"Table", "Topic"}),
    }


def test_it_can_be_read_at_the_width_of_a_readme() -> None:
    picture = ET.fromstring(PICTURE)  # noqa: S314 (our own drawing)
    _, _, width, height = (float(number) for number in picture.attrib["viewBox"].split())
    texts = find_texts(PICTURE)

    assert width <= README_PIXELS
    assert len(texts) > 40
    assert min(text.size for text in texts) >= 12
    assert [
        (one.words, other.words) for one, other in itertools.combinations(texts, 2) if one.overlaps(other)
    ] == []
    assert [text for text in texts if text.left < 0 or text.right > width or text.bottom > height] == []


def test_every_line_begins_and_ends_beside_a_box() -> None:
    picture = ET.fromstring(PICTURE)  # noqa: S314 (our own drawing)
    boxes = [
        tuple(float(each.attrib[name]) for name in ("x", "y", "width", "height"))
        for each in picture.iter(f"{SVG}rect")
        if each.get("class", "").split()[0] in {"plain", "code", "data"}
    ]
    loose = []
    for line in picture.iter(f"{SVG}path"):
        if "line" not in line.get("class", "").split():
            continue
        x = y = 0.0
        points = []
        for letter, numbers in re.findall(r"([MHV])([\d. ]+)", line.attrib["d"]):
            values = [float(number) for number in numbers.split()]
            x, y = values if letter == "M" else (values[0], y) if letter == "H" else (x, values[0])
            points.append((x, y))
        # An arrow's point is two pixels before its box.
        loose += [
            point
            for point in (points[0], points[-1])
            if not any(
                left - 2 <= point[0] <= left + width + 2 and top - 2 <= point[1] <= top + height + 2
                for left, top, width, height in boxes
            )
        ]

    assert loose == []


def luminance(color: str) -> float:
    parts = [int(color[start : start + 2], 16) / 255 for start in (1, 3, 5)]
    red, green, blue = (
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


@pytest.mark.parametrize("theme", [0, 1], ids=["light", "dark"])
def test_text_stands_out_from_what_lies_below_it(theme: int) -> None:
    rule = re.findall(r"svg \{ (.*?) \}", STYLE, re.DOTALL)[theme]
    colors = dict(re.findall(r"--([\w-]+): (#\w{6})", rule))
    assert len(colors) == 10

    for ground in ("ground", "plain", "code", "data", "room"):
        for ink in ("name", "note"):
            dark, light = sorted((luminance(colors[ground]), luminance(colors[ink])))
            # WCAG 2.2, 1.4.3.
            assert (light + 0.05) / (dark + 0.05) >= 4.5, f"{ink} on {ground}"
