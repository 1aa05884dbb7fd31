import pytest

from producer.backfill import read_backfill
from stockstream.errors import StockstreamError


def test_the_schedule_asks_for_no_history() -> None:
    assert read_backfill({"scheduled_time": "2026-11-20T21:00:00Z"}) is None


def test_reads_what_is_asked_for() -> None:
    backfill = read_backfill({"backfill": {"instruments": ["IBM", "fx:EUR/USD"], "month": "2026-10"}})

    assert backfill is not None
    assert [each.name for each in backfill.instruments] == ["IBM", "fx:EUR/USD"]
    assert backfill.month == "2026-10"


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        ([], "write it as"),
        ({"month": "2026-10"}, "write it as"),
        ({"instruments": "IBM", "month": "2026-10"}, "write it as"),
        ({"instruments": [1], "month": "2026-10"}, "write it as"),
        ({"instruments": ["ibm"], "month": "2026-10"}, "'ibm' names no instrument"),
        ({"instruments": [], "month": "2026-10"}, "empty"),
        ({"instruments": ["IBM"], "month": "2026-13"}, "'2026-13' is no month"),
    ],
)
def test_another_form_is_refused_with_a_reason(asked: object, told: str) -> None:
    with pytest.raises(StockstreamError, match=told):
        read_backfill({"backfill": asked})
