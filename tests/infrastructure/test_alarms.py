"""What the template's alarms promise: a reason, a severity, a runbook entry, and one notice for an outage."""

import itertools
import re
from pathlib import Path

import pytest
from alarm_evaluation import is_true
from resolved_template import EMULATED_ACCOUNT, TEMPLATE, ResolvedTemplate

from alert.detail_sources import SOURCES

RUNBOOK = Path(__file__).parents[2] / "docs" / "runbook.md"
KINDS = ("AWS::CloudWatch::Alarm", "AWS::CloudWatch::CompositeAlarm")
# With all that there can be.
EVERYTHING = {"SearchEnabled": "true", "LakeFormat": "PARQUET", "CompactionEnabled": "true"}
IN_AWS = ResolvedTemplate(**EVERYTHING)
ALARMS = IN_AWS.of_kind(*KINDS)
EMULATED = ResolvedTemplate(account_id=EMULATED_ACCOUNT, **EVERYTHING).of_kind(*KINDS)
RULE: str = ALARMS["PipelineDownAlarm"]["AlarmRule"]
CHILDREN = set(re.findall(r'ALARM\("(\w+)"\)', re.sub(r'NOT ALARM\("\w+"\)', "", RULE)))
# Through the alert function they would reach nobody.
ABOUT_ALERTS = {"AlertsGivenUpAlarm", "AlertsUndeliveredAlarm"}
ACTIONS = ("AlarmActions", "OKActions", "InsufficientDataActions")


@pytest.mark.parametrize("name", ALARMS)
def test_an_alarm_says_how_bad_it_is_what_it_means_and_where_the_runbook_tells_of_it(name: str) -> None:
    said = re.fullmatch(
        r"\[(critical|warning)\] ([A-Z].+\.) Runbook: docs/runbook\.md#(\w+)",
        ALARMS[name]["AlarmDescription"],
    )

    assert said
    assert said[3] == name.lower()


@pytest.mark.parametrize("name", ALARMS)
def test_an_alarm_tells_somebody_when_it_comes_and_when_it_goes_or_the_composite_does(name: str) -> None:
    topic = "NoticeTopic" if name in ABOUT_ALERTS else "AlertTopic"
    expected = [None, None] if name in CHILDREN else [[topic], [topic]]

    assert expected == [ALARMS[name].get(kind) for kind in ACTIONS[:2]]


@pytest.mark.parametrize("name", EMULATED)
def test_the_emulator_tells_the_same_people(name: str) -> None:
    assert [EMULATED[name].get(kind) for kind in ACTIONS] == [ALARMS[name].get(kind) for kind in ACTIONS]


def test_the_emulator_has_every_alarm() -> None:
    assert set(EMULATED) == set(ALARMS)


@pytest.mark.parametrize("name", sorted(ABOUT_ALERTS))
def test_the_alert_function_is_not_told_of_its_own_failure(name: str) -> None:
    assert ALARMS[name]["AlarmActions"] == ["NoticeTopic"]


def test_an_alarm_that_sns_cannot_hand_over_is_kept() -> None:
    function = IN_AWS.of_kind("AWS::Serverless::Function")["AlertFunction"]
    policy = IN_AWS.of_kind("AWS::SQS::QueuePolicy")["DeadLetterQueuePolicy"]["PolicyDocument"]

    assert function["Events"]["Alarm"]["Properties"]["RedrivePolicy"] == {
        "deadLetterTargetArn": "arn:DeadLetterQueue"
    }
    assert [
        (each["Action"], each["Resource"], each["Condition"])
        for each in policy["Statement"]
        if each["Effect"] == "Allow" and each["Principal"] == {"Service": "sns.amazonaws.com"}
    ] == [("sqs:SendMessage", "arn:DeadLetterQueue", {"ArnEquals": {"aws:SourceArn": "AlertTopic"}})]


def test_every_alarm_has_a_runbook_entry_and_every_entry_an_alarm() -> None:
    headings = re.findall(r"^## (\w+Alarm)$", RUNBOOK.read_text(encoding="utf-8"), re.MULTILINE)

    assert sorted(headings) == sorted(
        name for name, each in TEMPLATE["Resources"].items() if each["Type"] in KINDS
    )


def test_the_composite_tells_once_of_what_stops_bars_and_of_nothing_that_lasts_until_a_person_acts() -> None:
    # What a person has to mend or to clear away, and what says nothing about the flow of bars: were one of
    # these in the rule, it would hold the composite in ALARM, and hide the next outage.
    by_themselves = {
        *ABOUT_ALERTS,
        "BarsRejectedAlarm",
        "BarsImpossibleAlarm",
        "BatchSetAsideAlarm",
        "CompactionFailedAlarm",
        "ConversionFailingAlarm",
        "DeadLettersAlarm",
        "HolesFoundAlarm",
        "InstrumentSilentAlarm",
        "PriceMoveAlarm",
        "ProducerStoppedAlarm",
        "ProviderRefusalsAlarm",
        "SearchStorageLowAlarm",
    }

    assert set(ALARMS) - CHILDREN - {"PipelineDownAlarm"} == by_themselves
    assert {ALARMS[name]["AlarmDescription"].split()[0] for name in CHILDREN} == {"[critical]"}


@pytest.mark.parametrize("name", sorted(CHILDREN))
def test_each_alarm_without_actions_of_its_own_is_enough_for_the_composite(name: str) -> None:
    assert is_true(RULE, {name})
    assert not is_true(RULE, set())


def test_a_refusal_is_told_once_and_hides_nothing_but_the_overdue_bars_that_follow_from_it() -> None:
    assert not is_true(RULE, {"ProviderRefusalsAlarm"})
    assert not is_true(RULE, {"ProviderRefusalsAlarm", "BarsOverdueAlarm"})
    for name in CHILDREN - {"BarsOverdueAlarm"}:
        assert is_true(RULE, {"ProviderRefusalsAlarm", "BarsOverdueAlarm", name})


def test_another_alarm_never_ends_what_the_composite_tells_of() -> None:
    for one, other in itertools.permutations(sorted(CHILDREN), 2):
        assert is_true(RULE, {one, other})


@pytest.mark.parametrize("name", sorted(set(ALARMS) - {"PipelineDownAlarm"}))
def test_missing_data_is_no_alarm_but_where_its_end_is_the_news(name: str) -> None:
    missing = ALARMS[name]["TreatMissingData"]
    # Between batches there is nothing to judge by: what was unread, still is.
    if name in {"DeliveryIdleAlarm", "SearchDeliveryIdleAlarm"}:
        assert missing == "ignore"
        return

    if name == "ProducerStoppedAlarm":
        assert (missing, ALARMS[name]["InsufficientDataActions"]) == ("missing", ["AlertTopic"])
    else:
        assert (missing, ALARMS[name].get("InsufficientDataActions")) == ("notBreaching", None)


def test_a_paused_producer_does_not_count_as_stopped() -> None:
    assert "ProducerStoppedAlarm" not in ResolvedTemplate(ScheduleState="DISABLED").of_kind(*KINDS)


@pytest.mark.parametrize("name", sorted(IN_AWS.of_kind("AWS::Serverless::Function")))
def test_a_function_that_fails_is_told_of(name: str) -> None:
    dimensions = [{"Name": "FunctionName", "Value": name}]
    # An event of the alert function fails only once no attempt is left.
    metric = "AsyncEventsDropped" if name == "AlertFunction" else "Errors"

    assert [
        alarm["MetricName"]
        for alarm in ALARMS.values()
        if alarm.get("Dimensions") == dimensions and alarm["MetricName"] in {"Errors", "AsyncEventsDropped"}
    ] == [metric]


def test_a_refusal_is_remembered_until_the_next_request_can_come() -> None:
    # An hour, and 31 minutes more where a day's requests are counted.
    alarm = ALARMS["ProviderRefusalsAlarm"]

    assert alarm["Period"] * alarm["EvaluationPeriods"] > (60 + 31) * 60


def test_with_a_runbook_address_every_alarm_has_a_link() -> None:
    alarms = ResolvedTemplate(RunbookUrl="https://git.io/x/docs/runbook.md").of_kind(*KINDS)

    assert [
        name
        for name, alarm in alarms.items()
        if not alarm["AlarmDescription"].endswith(
            f" Runbook: https://git.io/x/docs/runbook.md#{name.lower()}"
        )
    ] == []


def test_the_alert_function_knows_what_the_alarms_watch_that_the_composite_names() -> None:
    function = IN_AWS.of_kind("AWS::Serverless::Function")["AlertFunction"]
    told = function["Environment"]["Variables"]["ALARM_METRICS"].split(",")

    # Those whose metric has details in a log.
    assert sorted(told) == sorted(
        f"{name}={ALARMS[name]['MetricName']}"
        for name in CHILDREN
        if ALARMS[name].get("MetricName") in SOURCES
    )


def test_what_could_not_become_parquet_is_told_of_where_parquet_is_written() -> None:
    alarm = ALARMS["ConversionFailingAlarm"]

    assert (alarm["MetricName"], alarm["Threshold"]) == ("FailedConversion.Records", 1)
    assert alarm["Dimensions"] == [{"Name": "DeliveryStreamName", "Value": "BarDelivery"}]
    # Each alarm costs ten cents a month, and JSON needs none.
    assert "ConversionFailingAlarm" not in ResolvedTemplate().of_kind(*KINDS)


def test_without_search_the_composite_names_no_alarm_of_it() -> None:
    rule = ResolvedTemplate().of_kind(*KINDS)["PipelineDownAlarm"]["AlarmRule"]

    assert "Search" not in rule
    assert rule.endswith('ALARM("DeliveryStaleAlarm") OR\nALARM("DeliveryIdleAlarm")')
