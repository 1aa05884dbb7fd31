from collections.abc import Iterator

import pytest

from alert.links import Places
from alert.settings import Settings, WebChannel, read_settings
from stockstream.errors import SettingsError

TOPIC = "arn:aws:sns:eu-west-1:123456789012:notices"


@pytest.fixture(autouse=True)
def _environment(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    for name in ("CHANNELS", "NOTICE_TOPIC_ARN", "DASHBOARD_NAME", "LOG_GROUP_NAMES"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("WEBHOOK_TIMEOUT_SECONDS", "5")
    read_settings.cache_clear()
    yield
    read_settings.cache_clear()


def test_reads_all_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CHANNELS", " webhook=/prod/pager , webhook=/prod/desk,")
    monkeypatch.setenv("NOTICE_TOPIC_ARN", TOPIC)
    monkeypatch.setenv("DASHBOARD_NAME", "stockstream-prod")
    monkeypatch.setenv("LOG_GROUP_NAMES", "producer,transform")

    assert read_settings() == Settings(
        web_channels=(WebChannel("webhook", "/prod/pager"), WebChannel("webhook", "/prod/desk")),
        notice_topic_arn=TOPIC,
        webhook_timeout_seconds=5.0,
        places=Places("stockstream-prod", ("producer", "transform")),
    )


def test_one_channel_is_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NOTICE_TOPIC_ARN", TOPIC)

    assert read_settings() == Settings((), TOPIC, 5.0, Places())


def test_refuses_to_tell_nobody() -> None:
    with pytest.raises(SettingsError, match="CHANNELS and NOTICE_TOPIC_ARN are both empty"):
        read_settings()


def test_refuses_a_channel_that_stands_there_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CHANNELS", "webhook=/prod/pager,webhook=/prod/pager")

    with pytest.raises(SettingsError, match="webhook=/prod/pager stands there twice"):
        read_settings()


@pytest.mark.parametrize(
    "item", ["pigeon=/prod/pager", "/prod/pager", "webhook", "webhook=", "webhook=https://x.io/token"]
)
def test_refuses_what_is_no_channel_and_keeps_it_out_of_the_text(
    monkeypatch: pytest.MonkeyPatch, item: str
) -> None:
    monkeypatch.setenv("CHANNELS", item)

    with pytest.raises(SettingsError, match="write each channel as kind=") as caught:
        read_settings()
    assert "x.io" not in str(caught.value)


@pytest.mark.parametrize("seconds", ["0", "-1", "60", "soon", ""])
def test_refuses_a_timeout_that_lets_an_answer_outlast_the_function(
    monkeypatch: pytest.MonkeyPatch, seconds: str
) -> None:
    monkeypatch.setenv("NOTICE_TOPIC_ARN", TOPIC)
    monkeypatch.setenv("WEBHOOK_TIMEOUT_SECONDS", seconds)

    with pytest.raises(SettingsError, match="WEBHOOK_TIMEOUT_SECONDS"):
        read_settings()
