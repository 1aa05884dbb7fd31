"""The dashboard: it is valid, it fits, it is free, and what it shows exists."""

import itertools
import json
from typing import Any

import pytest
from resolved_template import EMULATED_ACCOUNT, TEMPLATE, ResolvedTemplate
from said_by_code import metrics_of

SERVICES = ("producer", "transform", "alert")
OURS = {(service, name) for service in SERVICES for name in metrics_of(service)}
# As docs.aws.amazon.com has them: lambda/latest/dg/monitoring-metrics-types.html,
# streams/latest/dev/monitoring-with-cloudwatch.html, firehose/latest/dev/cloudwatch-metrics.html,
# opensearch-service/latest/developerguide/managedomains-cloudwatchmetrics.html,
# sns/latest/dg/sns-monitoring-using-cloudwatch.html,
# AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-available-cloudwatch-metrics.html.
OF_AWS = {
    ("AWS/Lambda", "FunctionName"): {
        "AsyncEventsDropped",
        "Duration",
        "Errors",
        "Invocations",
        "Throttles",
    },
    ("AWS/Kinesis", "StreamName"): {
        "GetRecords.IteratorAgeMilliseconds",
        "IncomingRecords",
        "PutRecords.FailedRecords",
        "PutRecords.SuccessfulRecords",
        "PutRecords.TotalRecords",
        "WriteProvisionedThroughputExceeded",
    },
    ("AWS/States", "StateMachineArn"): {"ExecutionsFailed"},
    ("AWS/Firehose", "DeliveryStreamName"): {
        "DataReadFromKinesisStream.Records",
        "DeliveryToAmazonOpenSearchService.DataFreshness",
        "DeliveryToAmazonOpenSearchService.Success",
        "DeliveryToS3.DataFreshness",
        "DeliveryToS3.Success",
        "ExecuteProcessing.Duration",
        "ExecuteProcessing.Success",
        "FailedConversion.Records",
    },
    ("AWS/ES", "DomainName"): {"ClusterStatus.red", "FreeStorageSpace"},
    ("AWS/SNS", "TopicName"): {"NumberOfNotificationsFailed"},
    ("AWS/SQS", "QueueName"): {"ApproximateNumberOfMessagesVisible"},
}
NAMED_BY = {
    "FunctionName": "AWS::Serverless::Function",
    "StreamName": "AWS::Kinesis::Stream",
    "DeliveryStreamName": "AWS::KinesisFirehose::DeliveryStream",
    "QueueName": "AWS::SQS::Queue",
    "DomainName": "AWS::OpenSearchService::Domain",
}
DEPLOYMENTS = [
    ResolvedTemplate(),
    ResolvedTemplate(account_id=EMULATED_ACCOUNT),
    ResolvedTemplate(SearchEnabled="true"),
    ResolvedTemplate(LakeFormat="PARQUET"),
    ResolvedTemplate(CompactionEnabled="true"),
    ResolvedTemplate(
        SearchEnabled="true", SearchEndpoint="https://search.example.com", SearchDomainArn="arn"
    ),
    ResolvedTemplate(ScheduleState="DISABLED", PriceMovePercent="0"),
    ResolvedTemplate(StreamMode="ON_DEMAND", RunbookUrl="https://git.io/x/docs/runbook.md"),
]


def body(template: ResolvedTemplate) -> dict[str, Any]:
    dashboard = template.of_kind("AWS::CloudWatch::Dashboard")["PipelineDashboard"]
    return dict(json.loads(dashboard["DashboardBody"]))


WIDGETS: list[dict[str, Any]] = body(DEPLOYMENTS[0])["widgets"]
METRICS: list[list[Any]] = [
    metric
    for widget in WIDGETS
    for metric in widget["properties"].get("metrics", [])
    if isinstance(metric[0], str)
]


@pytest.mark.parametrize("template", DEPLOYMENTS)
def test_whatever_the_parameters_the_body_is_json_and_its_first_row_shows_every_alarm(
    template: ResolvedTemplate,
) -> None:
    first = body(template)["widgets"][0]
    alarms = template.of_kind("AWS::CloudWatch::Alarm", "AWS::CloudWatch::CompositeAlarm")

    assert (first["type"], first["y"], first["width"]) == ("alarm", 0, 24)
    assert sorted(first["properties"]["alarms"]) == sorted(f"arn:{name}" for name in alarms)


def test_the_widgets_fill_the_grid_and_none_lies_upon_another() -> None:
    cells = [
        (x, y)
        for widget in WIDGETS
        for x in range(widget["x"], widget["x"] + widget["width"])
        for y in range(widget["y"], widget["y"] + widget["height"])
    ]

    height = max(y for _, y in cells) + 1
    assert sorted(cells) == sorted(itertools.product(range(24), range(height)))


def test_a_title_is_short_enough_to_be_read_whole_in_a_third_of_the_screen() -> None:
    # About so many characters fit above a graph of 8 columns; CloudWatch cuts what is longer.
    titles = [widget["properties"]["title"] for widget in WIDGETS if widget["type"] == "metric"]

    assert [title for title in titles if len(title) > 56] == []


def test_the_dashboard_shows_no_more_than_what_is_free() -> None:
    # https://aws.amazon.com/cloudwatch/pricing: 3 dashboards of up to 50 metrics each. A metric is a
    # namespace, a name and its dimensions (AmazonCloudWatch/latest/monitoring/cloudwatch_concepts.html):
    # two statistics of one are one metric.
    assert len({tuple(metric[:4]) for metric in METRICS}) <= 50


@pytest.mark.parametrize("metric", METRICS, ids=lambda metric: f"{metric[1]}-{metric[3]}")
def test_a_metric_on_the_dashboard_is_one_that_is_sent(metric: list[Any]) -> None:
    namespace, name, dimension, value = metric[:4]

    if namespace == "stockstream":
        assert (dimension, (value, name) in OURS) == ("service", True)
    else:
        assert name in OF_AWS[namespace, dimension]
        assert DEPLOYMENTS[0].resources[value]["Type"] == NAMED_BY[dimension]


EVERY_ALARM = ResolvedTemplate(SearchEnabled="true", LakeFormat="PARQUET", CompactionEnabled="true").of_kind(
    "AWS::CloudWatch::Alarm"
)


@pytest.mark.parametrize("name", sorted(EVERY_ALARM))
def test_a_metric_in_an_alarm_is_one_that_is_sent(name: str) -> None:
    alarm = EVERY_ALARM[name]
    metrics = [each["MetricStat"]["Metric"] for each in alarm.get("Metrics", [alarm]) if "MetricStat" in each]

    for metric in metrics or [alarm]:
        dimension, *_ = metric["Dimensions"]
        if metric["Namespace"] == "stockstream":
            assert (dimension["Name"], (dimension["Value"], metric["MetricName"]) in OURS) == (
                "service",
                True,
            )
        else:
            assert metric["MetricName"] in OF_AWS[metric["Namespace"], dimension["Name"]]


def test_every_metric_of_ours_is_on_the_dashboard() -> None:
    assert {(metric[3], metric[1]) for metric in METRICS if metric[0] == "stockstream"} == OURS


def test_a_formula_names_the_metrics_of_its_widget() -> None:
    for widget in WIDGETS:
        metrics = widget["properties"].get("metrics", [])
        ids = {options["id"] for *_, options in metrics if isinstance(options, dict) and "id" in options}
        for formula in (metric[0]["expression"] for metric in metrics if isinstance(metric[0], dict)):
            words = {word for word in formula.replace("(", " ").replace(")", " ").split() if word.isalpha()}
            assert words - {"PERIOD"} <= ids, formula


def test_the_lines_that_ring_are_where_the_alarms_have_them() -> None:
    alarms = DEPLOYMENTS[0].of_kind("AWS::CloudWatch::Alarm")
    thresholds = {
        alarm["MetricName"]: float(alarm["Threshold"]) for alarm in alarms.values() if "MetricName" in alarm
    }
    thresholds["BarsRejected"] = float(alarms["BarsRejectedAlarm"]["Threshold"])
    drawn = 0
    for widget in WIDGETS:
        shown = {
            metric[1] for metric in widget["properties"].get("metrics", []) if isinstance(metric[0], str)
        }
        for line in widget["properties"].get("annotations", {}).get("horizontal", []):
            assert line["value"] in {thresholds[name] for name in shown & set(thresholds)}, widget
            drawn += 1
    assert drawn == 6


def test_a_notice_leads_to_the_dashboard_that_there_is() -> None:
    template = DEPLOYMENTS[0]
    name = template.of_kind("AWS::CloudWatch::Dashboard")["PipelineDashboard"]["DashboardName"]
    function = template.of_kind("AWS::Serverless::Function")["AlertFunction"]

    assert function["Environment"]["Variables"]["DASHBOARD_NAME"] == name
    assert template.resolve(TEMPLATE["Outputs"]["DashboardUrl"]["Value"]).endswith(
        f"#dashboards/dashboard/{name}"
    )
