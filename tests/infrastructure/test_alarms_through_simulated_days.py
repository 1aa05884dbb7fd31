"""The template's alarms on our own metrics, through simulated days: silent in good ones, heard in bad ones.

The producer is the real one; its market is a model (simulated_pipeline), as CloudWatch is (alarm_evaluation).
"""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from functools import cache

import pytest
from alarm_evaluation import Change, MetricAlarm, Metrics, changes, composite_changes, read_alarms
from resolved_template import ResolvedTemplate
from simulated_pipeline import (
    Days,
    Jump,
    Trouble,
    each_third_hour,
    never,
    on_no_holiday,
    quiet_early_and_late,
    seldom,
    simulate,
    until_a_quarter_to_ten,
)

from producer.planning.planner import Plan
from producer.providers.provider_errors import DailyQuotaError, KeyRefusedError, ProviderUnavailableError

TEMPLATE = ResolvedTemplate()
ALARMS: list[MetricAlarm] = read_alarms(TEMPLATE.of_kind("AWS::CloudWatch::Alarm"), "stockstream")
DOWN: str = TEMPLATE.of_kind("AWS::CloudWatch::CompositeAlarm")["PipelineDownAlarm"]["AlarmRule"]
# What has actions of its own.
TOLD = {alarm for alarm, each in TEMPLATE.of_kind("AWS::CloudWatch::Alarm").items() if "AlarmActions" in each}
FREE, PAID = Plan(requests_per_day=25, requests_per_minute=1), Plan(None, 75)
DELAYED = timedelta(minutes=15)
MINUTE = timedelta(minutes=1)


@pytest.fixture(autouse=True)
def _one_namespace(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("stockstream.observability.metrics.provider.service", "producer")


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def heard(days: Days) -> list[Change]:
    return changes(ALARMS, simulate(days), days.start, days.end)


def test_there_are_alarms_to_be_heard() -> None:
    expected = {
        "BarsDeferredAlarm",
        "BarsImpossibleAlarm",
        "BarsOverdueAlarm",
        "HolesFoundAlarm",
        "InstrumentSilentAlarm",
        "PriceMoveAlarm",
        "ProviderFailuresAlarm",
        "ProviderRefusalsAlarm",
    }
    assert expected <= {alarm.name for alarm in ALARMS}


@pytest.mark.parametrize(
    "alarm", [each for each in ALARMS if each.name in TOLD and each.dimensions == {("service", "producer")}]
)
@pytest.mark.parametrize("minutes", range(1, 16))
def test_what_is_counted_once_is_one_notice_whenever_the_next_run_counts_nothing(
    alarm: MetricAlarm, minutes: int
) -> None:
    noon, metrics = utc("2026-11-24T12:00"), Metrics()
    metrics.add(alarm.metric, alarm.dimensions, noon, alarm.threshold)
    metrics.add(alarm.metric, alarm.dimensions, noon + minutes * MINUTE, 0)

    found = changes([alarm], metrics, noon, noon + timedelta(hours=3))

    assert [each.state for each in found] == ["ALARM", "OK"]


# From Wednesday to Saturday: closed on the 26th, until 13:00 on the 27th.
THANKSGIVING = utc("2026-11-25T05:00"), utc("2026-11-28T23:00")
ONE_DAY = utc("2026-11-24T05:00"), utc("2026-11-25T05:00")
TWO_DAYS = utc("2026-11-24T05:00"), utc("2026-11-26T05:00")
# From Friday on around the nights in which clocks change.
CHANGE_IN_AMERICA = utc("2026-03-06T05:00"), utc("2026-03-11T04:00")
CHANGE_IN_EUROPE = utc("2026-03-27T15:00"), utc("2026-03-30T22:00")
# The currency market's week ends and begins.
WEEKEND = utc("2026-11-27T18:00"), utc("2026-11-30T00:00")
# Christmas was a Wednesday, and so was New Year's Day.
CHRISTMAS = utc("2024-12-24T12:00"), utc("2024-12-26T12:00")
NEW_YEAR = utc("2024-12-31T12:00"), utc("2025-01-02T12:00")


@pytest.mark.sampled(2)
@pytest.mark.parametrize(
    "days",
    [
        pytest.param(Days("IBM", FREE, *THANKSGIVING), id="25 a day, Thanksgiving"),
        pytest.param(Days("IBM", FREE, *TWO_DAYS, delay=DELAYED), id="25 a day, delayed"),
        pytest.param(
            Days("IBM,TINY,TSCO.LON", PAID, *THANKSGIVING, together=100, trades={"TINY": seldom}),
            id="paid, Thanksgiving",
        ),
        pytest.param(
            Days("IBM", PAID, *THANKSGIVING, trades={"IBM": quiet_early_and_late}, hours="extended"),
            id="paid, extended hours, Thanksgiving",
        ),
        pytest.param(
            Days("IBM", FREE, *TWO_DAYS, trades={"IBM": quiet_early_and_late}, hours="extended"),
            id="25 a day, extended hours",
        ),
        pytest.param(
            Days("TINY", PAID, *TWO_DAYS, trades={"TINY": seldom}),
            id="paid, seldom traded",
        ),
        pytest.param(Days("IBM,TSCO.LON", FREE, *CHANGE_IN_AMERICA), id="25 a day, clocks change in America"),
        pytest.param(
            Days("IBM,TSCO.LON", FREE, *CHANGE_IN_EUROPE, together=100),
            id="together, clocks change in Europe",
        ),
        pytest.param(
            Days("fx:EUR/USD,crypto:BTC/USD", PAID, *WEEKEND, together=100), id="paid, a weekend of pairs"
        ),
        pytest.param(
            Days("fx:EUR/USD", PAID, *CHRISTMAS, trades={"fx:EUR/USD": on_no_holiday}),
            id="paid, currencies on Christmas",
        ),
        pytest.param(
            Days("fx:EUR/USD", FREE, *NEW_YEAR, trades={"fx:EUR/USD": on_no_holiday}),
            id="25 a day, currencies on New Year's Day",
        ),
        pytest.param(
            Days("crypto:BTC/USD", PAID, *TWO_DAYS, trades={"crypto:BTC/USD": each_third_hour}),
            id="paid, a coin with a bar each third hour",
        ),
        pytest.param(
            Days("crypto:BTC/USD", FREE, *TWO_DAYS, trades={"crypto:BTC/USD": each_third_hour}),
            id="25 a day, a coin with a bar each third hour",
        ),
    ],
)
def test_when_all_is_well_no_alarm_is_heard(days: Days) -> None:
    metrics = simulate(days)

    assert changes(ALARMS, metrics, days.start, days.end) == []
    # Or the silence would prove nothing.
    assert {
        alarm.metric for alarm in ALARMS if ("service", "producer") in alarm.dimensions
    } <= metrics.names()


@pytest.mark.sampled(1)
@pytest.mark.parametrize(
    "days",
    [
        pytest.param(Days("IBM", PAID, *TWO_DAYS, flaky=20), id="paid"),
        pytest.param(Days("IBM", FREE, *TWO_DAYS, flaky=20), id="25 a day"),
        # In every tenth run one of twenty requests fails.
        pytest.param(
            Days(",".join(["IBM", *(f"X{number}" for number in range(19))]), PAID, *ONE_DAY, flaky=5),
            id="twenty instruments",
        ),
    ],
)
def test_a_request_that_fails_now_and_then_is_no_outage(days: Days) -> None:
    metrics = simulate(days)

    assert changes(ALARMS, metrics, days.start, days.end) == []
    failures = next(alarm for alarm in ALARMS if alarm.name == "ProviderFailuresAlarm")
    counted = metrics.minutes(failures._replace(metric="ProviderFailures")).values()
    assert sum(map(sum, counted)) > 0


# A Friday of trading: 14:30 to 21:00 UTC in New York.
FRIDAY = utc("2026-11-20T14:00"), utc("2026-11-20T22:30")


@cache
def friday(plan: Plan, *troubles: Trouble, jumps: Sequence[Jump] = ()) -> list[Change]:
    return heard(Days("IBM", plan, *FRIDAY, troubles=troubles, jumps=jumps))


def alarms_of(found: Sequence[Change]) -> list[tuple[str, str]]:
    return [(change.alarm, change.state) for change in found]


def told(found: Sequence[Change]) -> list[tuple[str, str]]:
    """The notices that people get of it in AWS, in their order."""
    notices = [change for change in found if change.alarm in TOLD]
    return alarms_of(sorted([*notices, *composite_changes("PipelineDownAlarm", DOWN, found)]))


def at(time: str) -> datetime:
    return utc(f"2026-11-20T{time}")


RINGS_AND_ENDS = ("ALARM", "OK")


@pytest.mark.sampled(1)
@pytest.mark.parametrize(("plan", "minutes"), [(PAID, 30), (FREE, 50)])
def test_a_provider_that_stands_still_is_noticed(plan: Plan, minutes: int) -> None:
    found = friday(plan, Trouble(at("16:00"), at("18:30"), freezes=True))

    assert alarms_of(found) == [("BarsOverdueAlarm", state) for state in RINGS_AND_ENDS]
    assert at("16:00") < found[0].at <= at("16:00") + minutes * MINUTE
    assert at("18:30") < found[1].at <= at("18:30") + (5 if plan is PAID else 25) * MINUTE


def test_what_is_seldom_traded_hides_no_provider_that_stands_still() -> None:
    still = Trouble(at("16:00"), at("18:30"), freezes=True)
    found = heard(Days("IBM,TINY", PAID, *FRIDAY, together=100, trades={"TINY": seldom}, troubles=[still]))

    assert alarms_of(found) == [("BarsOverdueAlarm", state) for state in RINGS_AND_ENDS]
    assert at("16:00") < found[0].at <= at("16:30")


def test_a_provider_that_stands_still_is_noticed_after_twice_the_rhythm_of_a_coin() -> None:
    # The bar of 6:00 is the last one. It ended at 6:01; two silences of 179 minutes are over at 11:59. The
    # quarter of an hour that all providers are granted, two bars, five minutes and three of the alarm follow.
    still = Trouble(at("08:00"), at("15:30"), freezes=True)
    found = heard(
        Days(
            "crypto:BTC/USD",
            PAID,
            at("00:00"),
            at("20:00"),
            trades={"crypto:BTC/USD": each_third_hour},
            troubles=[still],
        )
    )

    assert alarms_of(found) == [("BarsOverdueAlarm", state) for state in RINGS_AND_ENDS]
    assert at("12:20") <= found[0].at <= at("12:30")
    assert found[1].at <= at("15:35")


@pytest.mark.slow
def test_a_provider_that_has_not_come_back_after_christmas_is_noticed() -> None:
    # From 18:00 in New York on, 23:00 UTC, bars are missed.
    still = Trouble(utc("2024-12-25T10:00"), utc("2024-12-26T06:00"), freezes=True)
    found = heard(
        Days("fx:EUR/USD", PAID, *CHRISTMAS, trades={"fx:EUR/USD": on_no_holiday}, troubles=[still])
    )

    assert alarms_of(found) == [("BarsOverdueAlarm", state) for state in RINGS_AND_ENDS]
    assert utc("2024-12-25T23:00") < found[0].at <= utc("2024-12-25T23:30")
    assert found[1].at <= utc("2024-12-26T06:05")


def test_a_provider_that_stands_still_until_the_close_is_no_matter_for_the_night() -> None:
    still = Trouble(at("20:00"), at("23:00"), freezes=True)
    found = heard(Days("IBM", PAID, at("19:00"), FRIDAY[1], troubles=[still]))

    assert alarms_of(found) == [("BarsOverdueAlarm", state) for state in RINGS_AND_ENDS]
    assert at("21:00") < found[1].at <= at("21:05")


def test_a_provider_that_is_down_is_heard_within_minutes_and_overdue_bars_later() -> None:
    down = ProviderUnavailableError("no answer")
    found = friday(PAID, Trouble(at("16:00"), at("17:00"), failure=down))

    assert [name for name, state in alarms_of(found) if state == "ALARM"] == [
        "ProviderFailuresAlarm",
        "BarsOverdueAlarm",
    ]
    assert [name for name, state in alarms_of(found) if state == "OK"] == [
        "BarsOverdueAlarm",
        "ProviderFailuresAlarm",
    ]
    assert found[0].at <= at("16:05")
    assert found[-1].at <= at("17:05")


def test_a_short_outage_is_one_alarm_and_not_two() -> None:
    found = friday(PAID, Trouble(at("16:00"), at("16:10"), failure=ProviderUnavailableError("no answer")))

    assert alarms_of(found) == [("ProviderFailuresAlarm", state) for state in RINGS_AND_ENDS]


@pytest.mark.parametrize("plan", [PAID, FREE])
def test_a_key_that_is_refused_all_day_is_heard_at_once_and_so_are_the_missing_bars(plan: Plan) -> None:
    found = friday(plan, Trouble(at("14:00"), at("23:30"), failure=KeyRefusedError("the key is refused")))

    rings = {change.alarm: change.at for change in found if change.state == "ALARM"}
    assert set(rings) == {"ProviderRefusalsAlarm", "BarsOverdueAlarm"}
    assert rings["ProviderRefusalsAlarm"] <= at("15:00")
    assert rings["BarsOverdueAlarm"] <= at("15:45")
    # When the market has closed, nothing is overdue.
    assert [change.alarm for change in found if change.state == "OK" and change.at <= at("21:05")] == [
        "BarsOverdueAlarm"
    ]


def test_a_quota_that_is_spent_is_heard_and_so_are_the_missing_bars() -> None:
    spent = Trouble(at("17:00"), at("23:30"), failure=DailyQuotaError("25 requests per day"))
    found = friday(FREE, spent)

    assert {change.alarm for change in found if change.state == "ALARM"} == {
        "ProviderRefusalsAlarm",
        "BarsOverdueAlarm",
    }


@pytest.mark.sampled(1)
@pytest.mark.parametrize(("plan", "minutes"), [(PAID, 5), (FREE, 20)])
def test_a_stream_that_takes_nothing_is_heard_and_nothing_else(plan: Plan, minutes: int) -> None:
    found = friday(plan, Trouble(at("16:00"), at("18:00"), stream_refuses=True))

    assert alarms_of(found) == [("BarsDeferredAlarm", state) for state in RINGS_AND_ENDS]
    assert at("16:00") < found[0].at <= at("16:00") + minutes * MINUTE
    assert at("18:00") < found[1].at <= at("18:00") + (10 + minutes) * MINUTE


def test_a_refusal_that_the_next_run_makes_good_is_no_alarm() -> None:
    assert friday(PAID, Trouble(at("16:00"), at("16:02"), stream_refuses=True)) == []


@pytest.mark.parametrize(("plan", "minutes", "factor"), [(PAID, 3, 0.93), (FREE, 20, 1.07)])
def test_a_price_that_jumps_is_heard_and_nothing_else(plan: Plan, minutes: int, factor: float) -> None:
    found = friday(plan, jumps=(Jump("IBM", at("16:00"), factor),))

    assert alarms_of(found) == [("PriceMoveAlarm", state) for state in RINGS_AND_ENDS]
    assert at("16:00") < found[0].at <= at("16:00") + minutes * MINUTE
    assert found[1].at - found[0].at <= 20 * MINUTE


@pytest.mark.sampled(1)
@pytest.mark.parametrize("moment", ["14:30", "21:00"])
def test_a_price_that_jumps_while_the_market_is_closed_is_no_alarm(moment: str) -> None:
    assert friday(PAID, jumps=(Jump("IBM", at(moment), 1.2),)) == []


@pytest.mark.sampled(1)
@pytest.mark.parametrize(("plan", "latest"), [(PAID, "14:35"), (FREE, "14:55")])
@pytest.mark.parametrize("factor", [0.1, 8.0])
def test_a_split_that_nobody_has_confirmed_is_told_once(plan: Plan, latest: str, factor: float) -> None:
    morning = utc("2026-11-25T05:00")
    evening, next_evening = utc("2026-11-24T19:00"), utc("2026-11-25T22:00")
    found = heard(Days("IBM", plan, evening, next_evening, jumps=[Jump("IBM", morning, factor)]))

    assert alarms_of(found) == [("PriceMoveAlarm", state) for state in RINGS_AND_ENDS]
    assert utc("2026-11-25T14:31") < found[0].at <= utc(f"2026-11-25T{latest}")


@pytest.mark.sampled(1)
@pytest.mark.parametrize(
    ("plan", "latest"),
    # Two hours after 14:45; on 25 requests a day two instruments are asked each 44 minutes at the latest.
    [(PAID, "16:50"), (FREE, "18:15")],
)
def test_a_symbol_that_is_renamed_beside_a_live_one_is_told_once(plan: Plan, latest: str) -> None:
    # It is no news on Monday.
    start, end = FRIDAY[0], utc("2026-11-23T17:00")
    days = Days("IBM,XYZ", plan, start, end, trades={"XYZ": until_a_quarter_to_ten})
    found = heard(days)

    assert alarms_of(found) == [("InstrumentSilentAlarm", state) for state in RINGS_AND_ENDS]
    assert at("16:45") < found[0].at <= at(latest)


@pytest.mark.sampled(1)
@pytest.mark.parametrize(("plan", "latest"), [(PAID, "14:50"), (FREE, "15:30")])
def test_a_symbol_that_is_wrong_from_the_beginning_is_told_once(plan: Plan, latest: str) -> None:
    found = heard(Days("IBM,XYZ", plan, *FRIDAY, trades={"XYZ": never}))

    assert alarms_of(found) == [("InstrumentSilentAlarm", state) for state in RINGS_AND_ENDS]
    assert at("14:40") < found[0].at <= at(latest)


def test_whoever_is_followed_alone_and_never_has_a_bar_is_missed_as_its_market_is() -> None:
    found = heard(Days("XYZ", PAID, *FRIDAY, trades={"XYZ": never}))

    assert alarms_of(found) == [("BarsOverdueAlarm", state) for state in RINGS_AND_ENDS]
    assert at("14:45") < found[0].at <= at("15:00")


@pytest.mark.sampled(1)
@pytest.mark.parametrize(("plan", "minutes"), [(PAID, 35), (FREE, 60)])
def test_a_provider_that_has_shown_nothing_but_impossible_bars_is_heard(plan: Plan, minutes: int) -> None:
    found = friday(plan, Trouble(*FRIDAY, impossible=True))

    rings = {change.alarm: change.at for change in found if change.state == "ALARM"}
    assert set(rings) == {"BarsImpossibleAlarm", "BarsOverdueAlarm"}
    assert at("14:30") < rings["BarsImpossibleAlarm"] <= at("14:40")
    assert rings["BarsOverdueAlarm"] <= at("14:30") + minutes * MINUTE
    # Once for all of them.
    assert alarms_of(found).count(("BarsImpossibleAlarm", "ALARM")) == 1


def test_nobody_falls_silent_because_others_were_asked_first_after_an_outage() -> None:
    down = Trouble(at("15:00"), at("19:00"), failure=ProviderUnavailableError("no answer"))
    found = heard(Days("A,B,C,D,E,F", Plan(None, 1), *FRIDAY, troubles=[down]))

    assert {change.alarm for change in found} == {"ProviderFailuresAlarm", "BarsOverdueAlarm"}


DOWN_AND_UP = [("PipelineDownAlarm", state) for state in RINGS_AND_ENDS]


@pytest.mark.sampled(2)
@pytest.mark.parametrize("plan", [PAID, FREE])
@pytest.mark.parametrize("delay", [timedelta(), DELAYED])
def test_a_provider_that_is_down_is_told_once_and_its_end_once(plan: Plan, delay: timedelta) -> None:
    # On the free plan requests that fail come ever more seldom; overdue bars take over where they thin out.
    down = Trouble(at("16:00"), at("19:30"), failure=ProviderUnavailableError("no answer"))
    found = heard(Days("IBM", plan, *FRIDAY, troubles=[down], delay=delay))

    assert {change.alarm for change in found} == {"ProviderFailuresAlarm", "BarsOverdueAlarm"}
    assert told(found) == DOWN_AND_UP


def test_a_provider_that_stands_still_is_told_once_and_its_end_once() -> None:
    assert told(friday(PAID, Trouble(at("16:00"), at("18:30"), freezes=True))) == DOWN_AND_UP


def test_a_stream_that_takes_nothing_is_told_once_and_its_end_once() -> None:
    assert told(friday(PAID, Trouble(at("16:00"), at("18:00"), stream_refuses=True))) == DOWN_AND_UP


@pytest.mark.parametrize("plan", [PAID, FREE])
def test_a_key_that_is_refused_for_hours_is_told_once_and_its_end_once(plan: Plan) -> None:
    refused = Trouble(at("14:00"), at("19:30"), failure=KeyRefusedError("the key is refused"))

    assert told(friday(plan, refused)) == [("ProviderRefusalsAlarm", state) for state in RINGS_AND_ENDS]
