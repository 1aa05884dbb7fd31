"""What the default stack costs in a month, at us-east-1's list prices, counted from the template.

The default stack follows IBM in one-minute bars on 25 requests a day. `make cost` prints the table of
docs/cost.md.
"""

from typing import Any, NamedTuple

from stockstream_generate.template_file import read_template

HOURS = 730
SESSIONS, BARS = 21, 21 * 390
ASKS = 21 * 25
# From the hour of the opening bell to the one of the last look after the close.
OPEN_HOURS = SESSIONS * 8
RUNS = HOURS * 60
# What producer and transform send while a market is open, each in every hour; see the test of this script.
METRICS_WHILE_OPEN = 16
# Guesses on the safe side, until somebody has measured them in AWS: seconds of a run that asks nothing, of
# one that asks, of a call of the transform; KB that a run leaves in the log.
IDLE_SECONDS, ASKING_SECONDS, TRANSFORM_SECONDS, LOG_KB = 0.2, 3.0, 0.3, 0.8

ARM_GB_SECOND, LAMBDA_CALL = 0.0000133334, 0.20 / 1e6
METRIC_HOUR = 0.30 / HOURS
OPTIONAL = {"HasSearch", "HasSearchInAws", "HasOwnSearchDomain", "IsParquet"}


class Line(NamedTuple):
    """What one thing costs in a month, in dollars; free is what the always-free tier takes off."""

    what: str
    dollars: float
    free: float = 0.0


def monthly_cost(template: dict[str, Any]) -> list[Line]:
    """The lines of the bill.

    Args:
        template: template.yaml, as CloudFormation reads it.
    """
    resources = [each for each in template["Resources"].values() if each.get("Condition") not in OPTIONAL]
    alarmed_metrics = sum(map(_alarmed_metrics, resources))
    composites = sum(each["Type"] == "AWS::CloudWatch::CompositeAlarm" for each in resources)
    dashboards = sum(each["Type"] == "AWS::CloudWatch::Dashboard" for each in resources)
    metric_hours = METRICS_WHILE_OPEN * OPEN_HOURS + HOURS  # QuotaRemaining is sent all day
    memory = {
        name: each["Properties"]["MemorySize"] / 1024
        for name, each in template["Resources"].items()
        if each["Type"] == "AWS::Serverless::Function"
    }
    producing = memory["ProducerFunction"] * ((RUNS - ASKS) * IDLE_SECONDS + ASKS * ASKING_SECONDS)
    transforming = memory["TransformFunction"] * ASKS * TRANSFORM_SECONDS
    return [
        Line("Kinesis: one shard, and its PUT units", 0.015 * HOURS + BARS * 0.014 / 1e6),
        Line(
            f"CloudWatch: alarms on {alarmed_metrics} metrics",
            0.10 * alarmed_metrics,
            free=0.10 * min(10, alarmed_metrics),
        ),
        Line("CloudWatch: the composite alarm", 0.50 * composites),
        Line(
            f"CloudWatch: {METRICS_WHILE_OPEN + 1} metrics, by the hour in which they are sent",
            METRIC_HOUR * metric_hours,
            free=METRIC_HOUR * min(10 * HOURS, metric_hours),
        ),
        Line("CloudWatch: the dashboard", 3.0 * dashboards, free=3.0 * min(3, dashboards)),
        Line("CloudWatch: logs", RUNS * LOG_KB / 1e6 * 0.50, free=RUNS * LOG_KB / 1e6 * 0.50),
        Line(
            "Lambda",
            (producing + transforming) * ARM_GB_SECOND + (RUNS + ASKS) * LAMBDA_CALL,
            free=(producing + transforming) * ARM_GB_SECOND + (RUNS + ASKS) * LAMBDA_CALL,
        ),
        # Of each run the ledger is read; a run that asks writes it twice, and a head for each answer.
        Line("DynamoDB", RUNS * 0.125 / 1e6 + ASKS * 4 * 0.625 / 1e6),
        Line("Firehose: 5 KB a bar", BARS * 5 / 1024**2 * 0.029),
        Line("S3: a file for each answer, and 20 MB", ASKS * 0.005 / 1000 + 0.02 * 0.023),
    ]


def format_table(lines: list[Line]) -> str:
    """The lines as a Markdown table, with their sum."""
    total = Line("**together**", sum(line.dollars for line in lines), sum(line.free for line in lines))
    rows = [
        f"| {line.what} | {line.dollars:.2f} | {line.dollars - line.free:.2f} |" for line in [*lines, total]
    ]
    return "\n".join(["| a month, in $ | list price | with the always-free tier |", "|---|--:|--:|", *rows])


def _alarmed_metrics(resource: dict[str, Any]) -> int:
    """How many metrics an alarm is billed for; with a formula, each that goes into it."""
    if resource["Type"] != "AWS::CloudWatch::Alarm":
        return 0
    metrics = resource["Properties"].get("Metrics", [{"MetricStat": {}}])
    if isinstance(metrics, dict):  # only in AWS
        metrics = metrics["Fn::If"][1]
    return sum("MetricStat" in metric for metric in metrics)


if __name__ == "__main__":
    print(format_table(monthly_cost(read_template())))
