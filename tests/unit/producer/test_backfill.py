from collections import Counter
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import pytest

from producer.backfill import (
    MONTHS_PER_BACKFILL,
    BackfillError,
    check_requests,
    describe_month,
    read_backfill,
    requests_of_backfill,
    unfinished_since,
)
from producer.fetched import Fetched
from producer.memory.tail import TailError
from producer.ohlcv import Ohlcv
from producer.planning.planner import Plan
from producer.providers.answers import Answer
from producer.providers.provider_errors import (
    DailyQuotaError,
    KeyRefusedError,
    MinuteLimitError,
    NotEntitledError,
    ProviderError,
    ProviderUnavailableError,
    UnknownInstrumentError,
)
from producer.publishing.publication import Cause
from producer.publishing.sending import Published
from stockstream.errors import StockstreamError
from stockstream.instruments import parse_instrument
from stockstream.times import parse_time


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
    ],
)
def test_another_form_is_refused_with_a_reason(asked: object, told: str) -> None:
    with pytest.raises(StockstreamError, match=told):
        read_backfill({"backfill": asked})


@pytest.mark.parametrize(
    "month", ["2026-13", "2026-00", "2026-1", "26-10", "2026-10-01", "November", "", "٢٠٢٦-10"]
)
def test_what_is_no_month_is_refused(month: str) -> None:
    with pytest.raises(BackfillError, match=f"^'{month}' is no month: write it as 2026-10$"):
        read_backfill({"backfill": {"instruments": ["IBM"], "month": month}})


def test_a_month_takes_the_month_before_it_too() -> None:
    provider: Any = SimpleNamespace(requests_per_month=lambda _, interval: {"1min": 5, "5min": 1}[interval])

    assert MONTHS_PER_BACKFILL == 2
    assert requests_of_backfill(provider, parse_instrument("IBM"), "1min") == 10
    assert requests_of_backfill(provider, parse_instrument("IBM"), "5min") == 2


@pytest.mark.parametrize("takes", [2, 10])
def test_a_run_with_just_enough_requests_begins(takes: int) -> None:
    check_requests(takes, takes, Plan(None, takes))
    check_requests(takes, takes, Plan(25, takes))


def test_a_plan_whose_minute_is_too_short_is_refused_with_the_parameter_to_change() -> None:
    with pytest.raises(
        BackfillError, match=r"takes 10 requests .* set RequestsPerMinute to 10 or more; it is 9"
    ):
        check_requests(10, 9, Plan(None, 9))
    # With 37 to 39, the last of four partitions has 9.
    divided = r"set RequestsPerMinute to 40 or more; the share of one of 4 partitions is 9"
    with pytest.raises(BackfillError, match=divided):
        check_requests(10, 9, Plan(None, 9, partitions=4))


def test_a_day_whose_requests_are_spent_is_refused_with_what_is_left() -> None:
    with pytest.raises(BackfillError, match=r"takes 2 requests .* of RequestsPerDay, 25, 1 are left today"):
        check_requests(2, 1, Plan(25, 75))


@pytest.mark.parametrize(
    ("error", "helps"),
    [
        (ProviderUnavailableError("it is down"), True),
        (DailyQuotaError("tomorrow"), True),
        (KeyRefusedError("the key is wrong"), False),
        (NotEntitledError("the plan has no history"), False),
        (UnknownInstrumentError("there is no IBN"), False),
    ],
)
def test_to_start_again_is_the_advice_only_where_it_helps(error: ProviderError, *, helps: bool) -> None:
    month = Fetched([parse_instrument("IBM")], datetime(2026, 11, 20, tzinfo=UTC), failure=error)

    advice = "; start the backfill again, and it goes on from there" if helps else ""
    assert describe_month(month) == {"sent": 0, "reason": f"{error}{advice}"}


BAR = Ohlcv(10.0, 12.0, 9.0, 11.0, 100.0)
ASKED = datetime(2026, 11, 20, tzinfo=UTC)
AGAIN = "start the backfill again, and it goes on from there"


def fetched(
    published: Published | None = None,
    *times: str,
    failure: ProviderError | None = None,
    left: TailError | None = None,
) -> Fetched:
    """What came of a month of IBM: its bars, and what became of them."""
    answer = Answer(dict.fromkeys(times, BAR), [], ASKED, ASKED, reaches_back=True, failure=failure)
    return Fetched(
        [parse_instrument("IBM")],
        ASKED,
        {"IBM": answer},
        {"IBM": published} if published else {},
        left={"IBM": left} if left else {},
    )


@pytest.mark.parametrize(
    ("month", "said"),
    [
        (fetched(Published(Counter({Cause.NEW: 3, Cause.REPEATED: 2}))), {"sent": 5}),
        (
            fetched(Published(Counter({Cause.NEW: 3}), unsent=4, unsent_from="2026-10-02T13:30:00Z")),
            {
                "sent": 3,
                "left": 4,
                "from": "2026-10-02T13:30:00Z",
                "reason": f"the run's time or the stream did not suffice; {AGAIN}",
            },
        ),
        (
            fetched(Published(Counter({Cause.NEW: 3})), failure=MinuteLimitError("slower")),
            {"sent": 3, "reason": f"slower; {AGAIN}"},
        ),
        (fetched(), {"sent": 0, "reason": f"the run had no time for it; {AGAIN}"}),
        (fetched(left=TailError("no table")), {"sent": 0, "reason": f"no table; {AGAIN}"}),
    ],
    ids=["all", "some", "broke off", "no time", "no table"],
)
def test_who_asked_is_told_what_was_sent_what_is_left_and_why(
    month: Fetched, said: dict[str, object]
) -> None:
    assert describe_month(month) == said


FIRST, LAST = "2026-10-01T13:30:00Z", "2026-10-02T13:30:00Z"
BEGUN = datetime(2026, 10, 1, 14, tzinfo=UTC)


@pytest.mark.parametrize(
    ("month", "since"),
    [
        (fetched(Published(), FIRST, LAST), None),
        (fetched(Published(unsent=1, unsent_from=FIRST), FIRST, LAST), FIRST),
        # It broke off between two pages, or before the first.
        (fetched(Published(), FIRST, LAST, failure=MinuteLimitError("slower")), LAST),
        (fetched(Published(), failure=MinuteLimitError("slower")), None),
    ],
    ids=["whole", "refused", "broke off", "nothing came"],
)
def test_a_month_goes_on_with_the_first_bar_that_is_missing(month: Fetched, since: str | None) -> None:
    assert unfinished_since(month, BEGUN) == (since and parse_time(since))


def test_a_month_that_did_not_come_goes_on_from_where_it_was_to() -> None:
    assert unfinished_since(fetched(), BEGUN) == BEGUN
