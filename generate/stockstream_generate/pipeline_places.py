"""Where each part of the picture of the pipeline lies, and which way its lines go: what is drawn by hand."""

from typing import NamedTuple

from stockstream_generate.pipeline_parts import ALARMS, VIEWS

# As wide as GitHub shows a picture between its margins.
WIDTH, HEIGHT = 830, 558
# Not of the template: the world outside, and the event that is a property of a function.
PROVIDER, SCHEDULE, CHANNEL = "Provider", "EveryMinute", "Channels"
CODE, DATA, PLAIN = "code", "data", "plain"


class Place(NamedTuple):
    """Where a box lies, in the picture's pixels, and what its colour says of it."""

    left: float
    top: float
    width: float
    height: float
    kind: str = PLAIN


A, B, C, D, E = 14, 172, 346, 494, 678
PLACES = {
    SCHEDULE: Place(A, 34, 128, 50),
    PROVIDER: Place(A, 134, 128, 84),
    "InstrumentTable": Place(A, 250, 128, 50, DATA),
    "ProducerFunction": Place(B, 34, 138, 266, CODE),
    "BarStream": Place(C, 194, 112, 66, DATA),
    "BarDelivery": Place(D, 34, 148, 50),
    "TransformFunction": Place(D, 114, 148, 122, CODE),
    "SearchDelivery": Place(D, 266, 148, 50),
    "LakeBucket": Place(E, 28, 138, 54, DATA),
    "LakeCompaction": Place(E, 110, 138, 40),
    VIEWS: Place(E, 162, 138, 90, DATA),
    "SearchDomain": Place(E, 264, 138, 54, DATA),
    "CommonLayer": Place(B, 332, 644, 46, CODE),
    ALARMS: Place(A, 430, 128, 50),
    "AlertTopic": Place(B, 430, 138, 50),
    "AlertFunction": Place(C, 414, 112, 126, CODE),
    "NoticeTopic": Place(D, 430, 148, 50),
    "NoticeTable": Place(D, 498, 148, 42, DATA),
    "DeadLetterQueue": Place(B, 498, 138, 42, DATA),
    CHANNEL: Place(E, 498, 138, 42),
    "NoticeEmail": Place(E, 430, 138, 50),
}
# In the order in which a bar, or an alarm, goes through them.
ROOMS = {
    "ProducerFunction": ["markets", "planning", "providers", "publishing", "memory"],
    "TransformFunction": ["firehose", "documents", "answers"],
    "AlertFunction": ["details", "notices", "channels"],
}
PACKAGES = {
    "ProducerFunction": "functions/producer/producer",
    "TransformFunction": "functions/transform/transform",
    "AlertFunction": "functions/alert/alert",
    "CommonLayer": "layers/common/stockstream",
}
SHARED = ["bars", "records", "lookbacks", "validation", "fields", "indicators", "sessions"]


class Line(NamedTuple):
    """From one box to another, by a path of SVG; `both` where it goes both ways."""

    start: str
    end: str
    path: str
    both: bool = False


LINES = [
    Line(SCHEDULE, "ProducerFunction", "M142 59H170"),
    Line("ProducerFunction", PROVIDER, "M170 178H144", both=True),
    Line("ProducerFunction", "InstrumentTable", "M170 279H144", both=True),
    Line("ProducerFunction", "BarStream", "M310 228H344"),
    Line("BarStream", "BarDelivery", "M402 194V59H492"),
    Line("BarStream", "SearchDelivery", "M402 260V291H492"),
    Line("BarDelivery", "TransformFunction", "M568 86V112", both=True),
    Line("SearchDelivery", "TransformFunction", "M568 264V238", both=True),
    Line("BarDelivery", "LakeBucket", "M642 52H676"),
    Line("LakeBucket", "LakeCompaction", "M747 84V108", both=True),
    Line("LakeBucket", VIEWS, "M816 61H824V207H818"),
    Line("SearchDelivery", "SearchDomain", "M642 300H676"),
    Line("SearchDelivery", "LakeBucket", "M642 280H660V82H676"),
    Line(ALARMS, "AlertTopic", "M142 455H170"),
    Line("AlertTopic", "AlertFunction", "M310 455H344"),
    Line("AlertFunction", "NoticeTopic", "M458 455H492"),
    Line(ALARMS, "NoticeTopic", "M78 430V402H568V428"),
    Line("NoticeTopic", "NoticeEmail", "M642 455H676"),
    Line("AlertFunction", "NoticeTable", "M460 508H492", both=True),
    Line("AlertFunction", CHANNEL, "M458 529H476V550H660V519H676"),
    Line("AlertFunction", "DeadLetterQueue", "M346 519H312"),
    Line(SCHEDULE, "DeadLetterQueue", "M14 59H6V519H170"),
]
# Links of the template that are no way of a bar or an alarm.
UNDRAWN = {
    frozenset({"AlertFunction", ALARMS}),  # is told what they measure
    frozenset({"LakeBucket", "ProducerFunction"}),  # may hold the list of instruments
    frozenset({"DeadLetterQueue", "LakeCompaction"}),  # has the nights that could not begin
    frozenset({"BarDelivery", VIEWS}),  # writes Parquet in a table's columns
    *(frozenset({"CommonLayer", function}) for function in ROOMS),  # lies below them
}
