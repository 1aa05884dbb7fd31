"""The page's picture of the pipeline, held to the template and the code: what it names exists."""

from resolved_template import TEMPLATE, ResolvedTemplate
from said_by_code import metrics_of

from stockstream_operate.page.pipeline_picture import STAGE_ALARMS
from stockstream_operate.stack_metrics import METRICS

# What is no stage of the picture: the sum, prices, joining files, the search index, how people are told.
BESIDE = {
    "PipelineDownAlarm",
    "PriceMoveAlarm",
    "CompactionFailedAlarm",
    "SearchDeliveryIdleAlarm",
    "SearchDeliveryStaleAlarm",
    "SearchDeliveryFailingAlarm",
    "SearchClusterRedAlarm",
    "SearchStorageLowAlarm",
    "DeadLettersAlarm",
    "AlertsGivenUpAlarm",
    "AlertsUndeliveredAlarm",
}


def test_each_alarm_stands_at_a_stage_or_beside_the_pipeline() -> None:
    alarms = {
        name
        for name, resource in TEMPLATE["Resources"].items()
        if resource["Type"] in {"AWS::CloudWatch::Alarm", "AWS::CloudWatch::CompositeAlarm"}
    }

    assert alarms == STAGE_ALARMS.keys() | BESIDE
    assert STAGE_ALARMS.keys() & BESIDE == set()


def test_each_metric_is_measured_by_the_code_or_shown_on_the_dashboard() -> None:
    ours = {(service, name) for service in ("producer", "transform") for name in metrics_of(service)}
    (dashboard,) = ResolvedTemplate().of_kind("AWS::CloudWatch::Dashboard").values()
    for metric in METRICS.values():
        if metric.namespace:
            assert f'["{metric.namespace}", "{metric.name}", "{metric.dimension}"' in str(dashboard)
            assert metric.of in TEMPLATE["Outputs"]
        else:
            assert (metric.of, metric.name) in ours
