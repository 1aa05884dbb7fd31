"""The intervals."""

from datetime import timedelta

from stockstream.intervals import INTERVALS


def test_an_interval_lasts_as_long_as_its_name_says() -> None:
    minutes = {name: timedelta(minutes=int(name.removesuffix("min"))) for name in INTERVALS}
    assert minutes == INTERVALS
