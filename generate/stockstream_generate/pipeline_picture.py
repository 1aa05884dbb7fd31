"""docs/pipeline.svg: the stack, the flow of a bar, and the rooms of the code.

Where a box lies and which way a line goes is drawn by hand, in `pipeline_places`. What there is, what it is
called, what knows what, and the numbers are the template's and the code's: `pipeline_parts` reads them, and a
picture that differs from them is not made.
"""

import textwrap
from collections.abc import Iterable, Mapping
from html import escape
from pathlib import Path
from typing import Any

from alert.channels.kinds import KINDS as CHANNELS
from producer.providers.catalogue import PROVIDERS
from stockstream_generate.pipeline_parts import (
    ALARMS,
    VIEWS,
    PictureError,
    check_rooms,
    find_boxes,
    find_links,
    is_optional,
)
from stockstream_generate.pipeline_places import (
    CHANNEL,
    HEIGHT,
    LINES,
    PACKAGES,
    PLACES,
    PROVIDER,
    ROOMS,
    SCHEDULE,
    SHARED,
    UNDRAWN,
    WIDTH,
    A,
    Line,
    Place,
)
from stockstream_generate.template_file import ROOT, read_template

STYLE = """
svg { --ground: #f7f9fb; --line: #5b6775; --name: #1d2733; --note: #4c5866; --plain: #ffffff; --room: #ffffff;
  --code: #fff4e0; --code-edge: #c77800; --data: #e6f2ff; --data-edge: #2166b0 }
@media (prefers-color-scheme: dark) {
  svg { --ground: #161b22; --line: #9aa7b5; --name: #f0f3f6; --note: #b6c0cb; --plain: #222a33;
    --room: #241c0d; --code: #3a2c12; --code-edge: #e09a2b; --data: #14304d; --data-edge: #5b9fe0 }
}
.ground { fill: var(--ground) }
.plain { fill: var(--plain); stroke: var(--line); stroke-width: 1.4 }
.code { fill: var(--code); stroke: var(--code-edge); stroke-width: 1.6 }
.data { fill: var(--data); stroke: var(--data-edge); stroke-width: 1.6 }
.room { fill: var(--room); stroke: var(--code-edge); stroke-width: 0.8 }
.way { stroke: var(--code-edge); stroke-width: 1.2 }
.line { fill: none; stroke: var(--line); stroke-width: 1.5; marker-end: url(#arrow) }
.both { marker-start: url(#arrow) }
.optional { stroke-dasharray: 5 4 }
.head { fill: var(--line) }
.name { fill: var(--name) }
.note { fill: var(--note) }
"""
NAME, NOTE = 12.5, 12
FONT = "system-ui, -apple-system, 'Segoe UI', Helvetica, Arial, sans-serif"
ARROW = (
    '<marker id="arrow" viewBox="0 0 10 10" refX="8" refY="5" markerWidth="7" markerHeight="7" '
    'orient="auto-start-reverse"><path class="head" d="M0 0 10 5 0 10z"/></marker>'
)


def draw_pipeline(template: Mapping[str, Any], root: Path = ROOT) -> str:
    """The picture.

    Args:
        template: as `read_template` gives it.
        root: the repository, for the rooms of the code.

    Raises:
        PictureError: the template or the code has what is not drawn, or has no longer what is.
    """
    _check(template, root)
    notes = _write_notes(template)
    named = ", ".join(name for name in PLACES if name not in {ALARMS, VIEWS, CHANNEL})
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" '
        f'font-family="{FONT}" aria-label="The pipeline: {named}">'
    )
    return "\n".join(
        [
            head,
            "<!-- made by make generate -->",
            f"<style>{STYLE}</style>",
            f"<defs>{ARROW}</defs>",
            f'<rect class="ground" width="{WIDTH}" height="{HEIGHT}" rx="10"/>',
            _text(A, 20, "the flow of a bar", anchor="start"),
            _text(A, 394, "when something breaks", anchor="start"),
            *(_draw_line(template, line) for line in LINES),
            *(part for name in PLACES for part in _draw_box(template, name, notes[name])),
            "</svg>\n",
        ]
    )


def write_picture() -> str:
    """The picture of this repository."""
    return draw_pipeline(read_template())


def _check(template: Mapping[str, Any], root: Path) -> None:
    boxes, drawn = set(find_boxes(template)), set(PLACES) - {PROVIDER, SCHEDULE, CHANNEL}
    if boxes != drawn:
        raise PictureError(f"drawn or in the template, and not both: {', '.join(sorted(boxes ^ drawn))}")
    # The schedule is a property of the producer.
    joined = {
        frozenset({"ProducerFunction" if name == SCHEDULE else name for name in (line.start, line.end)})
        for line in LINES
        if not {line.start, line.end} & {PROVIDER, CHANNEL}
    } - {frozenset({"ProducerFunction"})}
    if differing := (joined | UNDRAWN) ^ find_links(template):
        raise PictureError(
            "a line or a link of the template, and not both: "
            + ", ".join(sorted("-".join(sorted(each)) for each in differing))
        )
    for function, package in PACKAGES.items():
        check_rooms(root / package, ROOMS.get(function, SHARED))


def _write_notes(template: Mapping[str, Any]) -> dict[str, list[str]]:
    """What stands in each box under its name, or in the place of one."""
    resources, boxes = template["Resources"], find_boxes(template)
    schedule = resources["ProducerFunction"]["Properties"]["Events"][SCHEDULE]["Properties"]
    prefixes = resources["BarDelivery"]["Properties"]["ExtendedS3DestinationConfiguration"]["Prefix"][
        "Fn::If"
    ]
    rules = resources["LakeBucket"]["Properties"]["LifecycleConfiguration"]["Rules"]
    refused = next(rule["Prefix"] for rule in rules if rule.get("Id") == "expire-failed-records")
    hours = resources["BarStream"]["Properties"]["RetentionPeriodHours"]
    days = resources["DeadLetterQueue"]["Properties"]["MessageRetentionPeriod"] // 86400
    return {name: list[str]() for name in PLACES} | {
        SCHEDULE: [schedule["ScheduleExpression"]],
        PROVIDER: [name for name in PROVIDERS if name != "replay"],
        "InstrumentTable": ["what was sent"],
        "BarStream": ["bar.v1", f"Kinesis, {hours} h"],
        "BarDelivery": ["Firehose"],
        "SearchDelivery": ["Firehose"],
        "LakeBucket": [prefixes[2].split("/")[0] + "/", refused],
        "LakeCompaction": ["Athena, each night"],
        VIEWS: [name for name in boxes[VIEWS] if name.endswith("View")] + ["asked by Athena"],
        "SearchDomain": ["OpenSearch,", "Dashboards"],
        "CommonLayer": [" · ".join(SHARED)],
        ALARMS: [f"{len(boxes[ALARMS])} of CloudWatch"],
        "AlertTopic": ["SNS"],
        "NoticeTopic": ["SNS"],
        "NoticeEmail": [resources["NoticeEmail"]["Properties"]["Protocol"]],
        "DeadLetterQueue": [f"SQS, {days} days"],
        "NoticeTable": ["who was told"],
        CHANNEL: textwrap.wrap(", ".join(CHANNELS), 20),
    }


def _draw_box(template: Mapping[str, Any], name: str, notes: list[str]) -> Iterable[str]:
    place = PLACES[name]
    optional = name in find_boxes(template) and is_optional(template, name)
    middle = place.left + place.width / 2
    yield (
        f'<rect class="{place.kind}{" optional" if optional else ""}" x="{place.left}" y="{place.top}" '
        f'width="{place.width}" height="{place.height}" rx="7"/>'
    )
    rooms = ROOMS.get(name, [])
    # A name that is not the template's is not written as one.
    heading = [] if name in {VIEWS, CHANNEL} else [name]
    step, first = 17, place.top + 20
    if not rooms:
        first = place.top + place.height / 2 + 4.5 - step * (len(heading) + len(notes) - 1) / 2
    for row, words in enumerate([*heading, *notes]):
        size, bold = (NAME, True) if words in heading else (NOTE, False)
        if len(words) * size * (0.64 if bold else 0.56) > place.width - 4:
            raise PictureError(f"{name}: {words!r} is wider than its box")
        yield _text(middle, first + row * step, words, size=size, bold=bold)
    if rooms:
        yield from _draw_rooms(place, rooms)


def _draw_rooms(place: Place, rooms: list[str]) -> Iterable[str]:
    """The rooms of a function, one below the other, with the way that leads through them."""
    left, width, height = place.left + 12, place.width - 24, 22
    top, bottom = place.top + 32, place.top + place.height - 10
    step = (bottom - top - height) / (len(rooms) - 1)
    middle = left + width / 2
    yield f'<path class="way" d="M{middle} {top}V{bottom}"/>'
    for row, room in enumerate(rooms):
        y = top + row * step
        yield f'<rect class="room" x="{left}" y="{y:g}" width="{width}" height="{height}" rx="4"/>'
        yield _text(middle, y + 15.5, room)


def _draw_line(template: Mapping[str, Any], line: Line) -> str:
    boxes = find_boxes(template)
    ends = [name for name in (line.start, line.end) if name in boxes]
    classes = ["line"]
    if line.both:
        classes.append("both")
    if any(is_optional(template, name) for name in ends):
        classes.append("optional")
    return f'<path class="{" ".join(classes)}" d="{line.path}"/>'


def _text(
    x: float, y: float, words: str, *, size: float = NOTE, bold: bool = False, anchor: str = "middle"
) -> str:
    weight = ' font-weight="bold"' if bold else ""
    return (
        f'<text class="{"name" if bold else "note"}" x="{x:g}" y="{y:g}" font-size="{size}"{weight} '
        f'text-anchor="{anchor}">{escape(words)}</text>'
    )
