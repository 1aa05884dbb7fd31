from collections.abc import Iterator

import pytest

from alert.links import LinkTargets
from alert.settings import Settings, WebChannel, read_settings
from stockstream.errors import SettingsError

TOPIC = "arn:aws:sns:eu-west-1:123456789012:notices"


@pytest.fixture(autouse=True)
def _environment(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    for name in (
        "CHANNELS",
        "NOTICE_TOPIC_ARN",
        "DASHBOARD_NAME",
        "LOG_GROUP_NAMES",
        "DETAIL_LOG_GROUPS",
        "ALARM_METRICS",
    ):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("WEBHOOK_TIMEOUT_SECONDS", "5")
    monkeypatch.setenv("NOTICE_TABLE_NAME", "notices")
    read_settings.cache_clear()
    yield
    read_settings.cache_clear()


def test_reads_all_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CHANNELS", "/prod/slack,/dependencies/webhook")
    monkeypatch.setenv("NOTICE_TOPIC_ARN", TOPIC)
    monkeypatch.setenv("DASHBOARD_NAME", "stockstream-prod")
    monkeypatch.setenv("LOG_GROUP_NAMES", "producer,transform")
    monkeypatch.setenv("DETAIL_LOG_GROUPS", "producer=prod-ProducerLog-1, transform=prod-TransformLog-2")
    monkeypatch.setenv("ALARM_METRICS", "prod-SlowAlarm-1A2B=Duration")

    assert read_settings() == Settings(
        web_channels=(WebChannel("slack", "/prod/slack"), WebChannel("webhook", "/dependencies/webhook")),
        notice_topic_arn=TOPIC,
        webhook_timeout_seconds=5.0,
        notice_table_name="notices",
        link_targets=LinkTargets("stockstream-prod", ("producer", "transform")),
        log_groups={"producer": "prod-ProducerLog-1", "transform": "prod-TransformLog-2"},
        alarm_metrics={"prod-SlowAlarm-1A2B": "Duration"},
    )


def test_one_channel_is_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NOTICE_TOPIC_ARN", TOPIC)

    assert read_settings() == Settings((), TOPIC, 5.0, "notices", LinkTargets(), {}, {})


def test_refuses_a_log_group_without_its_function(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NOTICE_TOPIC_ARN", TOPIC)
    monkeypatch.setenv("DETAIL_LOG_GROUPS", "producer=a,prod-TransformLog-2")

    with pytest.raises(SettingsError, match="DETAIL_LOG_GROUPS: 'prod-TransformLog-2'"):
        read_settings()


def test_refuses_an_alarm_without_its_metric(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NOTICE_TOPIC_ARN", TOPIC)
    monkeypatch.setenv("ALARM_METRICS", "prod-SlowAlarm-1A2B=")

    with pytest.raises(
        SettingsError, match="ALARM_METRICS: 'prod-SlowAlarm-1A2B=' is not written as an alarm"
    ):
        read_settings()


def test_refuses_to_tell_nobody() -> None:
    with pytest.raises(SettingsError, match="CHANNELS and NOTICE_TOPIC_ARN are both empty"):
        read_settings()


def test_refuses_a_channel_that_stands_there_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CHANNELS", "/prod/webhook,/prod/webhook")

    with pytest.raises(SettingsError, match="/prod/webhook is listed twice"):
        read_settings()


@pytest.mark.parametrize(
    "item",
    [
        "/prod/pigeon",
        "webhook",
        "/",
        "/prod/slack/",
        "prod/slack",
        "https://x.io/webhook",
        "//slack",
        "/a/slack, /b/slack",
        "/a/slack,",
    ],
)
def test_refuses_what_is_no_channel_and_keeps_it_out_of_the_text(
    monkeypatch: pytest.MonkeyPatch, item: str
) -> None:
    monkeypatch.setenv("CHANNELS", item)

    with pytest.raises(SettingsError, match=r"the name of its SSM parameter, .*/stockstream/teams") as caught:
        read_settings()
    assert "x.io" not in str(caught.value)


def test_five_channels_are_the_most(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CHANNELS", ",".join(f"/{name}/slack" for name in "abcdef"))

    with pytest.raises(SettingsError, match="CHANNELS: 6 are listed, and at most 5 may be"):
        read_settings()


@pytest.mark.parametrize("seconds", ["0", "-1", "60", "soon", ""])
def test_refuses_a_timeout_that_lets_an_answer_outlast_the_function(
    monkeypatch: pytest.MonkeyPatch, seconds: str
) -> None:
    monkeypatch.setenv("NOTICE_TOPIC_ARN", TOPIC)
    monkeypatch.setenv("WEBHOOK_TIMEOUT_SECONDS", seconds)

    with pytest.raises(SettingsError, match="WEBHOOK_TIMEOUT_SECONDS"):
        read_settings()


def test_refuses_to_start_without_a_table(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NOTICE_TOPIC_ARN", TOPIC)
    monkeypatch.delenv("NOTICE_TABLE_NAME")

    with pytest.raises(SettingsError, match="NOTICE_TABLE_NAME is not set"):
        read_settings()
