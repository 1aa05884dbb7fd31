"""What the picture of the pipeline is made of: the template's parts, their links, and the rooms of the code.

Nothing here is drawn. A picture that leaves something out, or shows what is gone, is an error with a name.
"""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

# Parts of another part, which the picture does not show: who may do what, where it logs, what a person asks;
# and the schedules of further partitions, which are as the first one's.
WITHIN = {
    "AWS::IAM::Role",
    "AWS::IAM::Policy",
    "AWS::Logs::LogGroup",
    "AWS::Logs::ResourcePolicy",
    "AWS::Logs::LogStream",
    "AWS::Logs::QueryDefinition",
    "AWS::S3::BucketPolicy",
    "AWS::SNS::TopicPolicy",
    "AWS::SQS::QueuePolicy",
    "AWS::Glue::Database",
    "AWS::Athena::WorkGroup",
    "AWS::Athena::NamedQuery",
    "AWS::CloudWatch::Dashboard",
    "AWS::Scheduler::Schedule",
}
# Many of a kind that are one box.
ALARMS, VIEWS = "Alarms", "Views"
KINDS = {
    "AWS::CloudWatch::Alarm": ALARMS,
    "AWS::CloudWatch::CompositeAlarm": ALARMS,
    "AWS::Glue::Table": VIEWS,
}


class PictureError(Exception):
    """The picture is not one of this template, or of this code."""


def find_boxes(template: Mapping[str, Any]) -> dict[str, list[str]]:
    """The boxes of a template, each with the logical ids that it stands for."""
    boxes: dict[str, list[str]] = {}
    for name, resource in template["Resources"].items():
        if resource["Type"] not in WITHIN:
            boxes.setdefault(KINDS.get(resource["Type"], name), []).append(name)
    return boxes


def find_links(template: Mapping[str, Any]) -> set[frozenset[str]]:
    """Which boxes know each other: one names the other. What an alarm measures is no link."""
    box_of = {name: box for box, names in find_boxes(template).items() for name in names}
    links = set()
    for name, box in box_of.items():
        resource = template["Resources"][name]
        known = resource["Properties"]
        if resource["Type"].startswith("AWS::CloudWatch::"):
            known = known.get("AlarmActions", [])
        # A function's layer is told to all of them at once.
        if resource["Type"] == "AWS::Serverless::Function":
            known = [known, template["Globals"]["Function"].get("Layers", [])]
        links |= {frozenset({box, box_of[each]}) for each in _find_names(known) if each in box_of}
    return {each for each in links if len(each) > 1}


def _find_names(value: Any) -> Iterator[str]:  # noqa: ANN401 (whatever a property holds)
    match value:
        case {"Ref": str(name)}:
            yield name
        case {"Fn::GetAtt": [name, *_]}:
            yield name
        case {"Fn::Sub": str(text)}:
            yield from re.findall(r"\$\{(\w+)", text)
        case dict():
            for each in value.values():
                yield from _find_names(each)
        case list():
            for each in value:
                yield from _find_names(each)


def is_optional(template: Mapping[str, Any], box: str) -> bool:
    """Whether a box is there only where a parameter asks for it."""
    return all("Condition" in template["Resources"][name] for name in find_boxes(template)[box])


def check_rooms(package: Path, rooms: list[str]) -> None:
    """The rooms that are drawn of a package: each package in it, or modules that are there.

    Raises:
        PictureError: it has others.
    """
    inner = {each.parent.name for each in package.glob("*/__init__.py")}
    modules = {each.stem for each in package.glob("*.py")}
    if gone := [room for room in rooms if room not in inner | modules]:
        raise PictureError(f"{package.name} has no room {', '.join(gone)}")
    if new := inner - set(rooms):
        raise PictureError(f"{package.name} has the room {', '.join(sorted(new))}: draw it")
