"""The books of a run, worked by hand."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest

from producer.bookkeeping import record_run
from producer.fetched import Fetched
from producer.markets.watchlist import Watchlist
from producer.ohlcv import Ohlcv
from producer.planning.allowance import AllowanceSpentError
from producer.planning.ledger import Ledger, RequestState
from producer.planning.ledger_entries import record_answer
from producer.providers.answers import Answer
from producer.providers.provider_errors import (
    DailyQuotaError,
    MinuteLimitError,
    NoDataError,
    ProviderError,
    ProviderUnavailableError,
)
from producer.publishing.sending import Published
from stockstream.instruments import parse_instrument

IBM, MSFT = parse_instrument("IBM"), parse_instrument("MSFT")
WATCHLIST = Watchlist((IBM, MSFT), "1min", "regular")
NOW = datetime(2026, 11, 20, 15, 10, 5, tzinfo=UTC)  # 10:10 in New York
MINUTE = NOW.replace(second=0)
BAR = Ohlcv(10.0, 12.0, 9.0, 11.0, 100.0)
# There is none of 15:05 to 15:07.
BARS = dict.fromkeys([f"2026-11-20T15:{minute}:00Z" for minute in ("03", "04", "08", "09")], BAR)
LEDGER = Ledger(date(2026, 11, 20), spent=5)


def answer(failure: ProviderError | None = None) -> Answer:
    return Answer(BARS, [], NOW, NOW, reaches_back=True, failure=failure)


def test_an_answer_is_booked_with_its_newest_finished_bar_its_silence_and_what_waits() -> None:
    fetched = Fetched([IBM], NOW, {"IBM": answer()}, {"IBM": Published(unsent=2)})

    ledger = record_run(LEDGER, WATCHLIST, [fetched], 3, NOW)

    assert ledger.spent == 8  # three pages are three requests
    assert ledger.instruments == {
        "IBM": RequestState(
            MINUTE,
            newest=MINUTE - timedelta(minutes=1),
            quiet=timedelta(minutes=3),
            deferred=2,
            reread_at=MINUTE,
        )
    }


@pytest.mark.parametrize(
    ("again", "published", "is_read_again"),
    [
        (True, {"IBM": Published()}, True),
        (False, {"IBM": Published()}, False),
        (True, {"IBM": Published(unsent=1)}, False),
        (True, {}, False),  # its tail could not be written
    ],
)
def test_what_is_read_again_has_been_so_when_all_that_it_brought_is_sent(
    again: bool,  # noqa: FBT001 (a parameter of the table)
    published: dict[str, Published],
    is_read_again: bool,  # noqa: FBT001
) -> None:
    before = MINUTE - timedelta(hours=3)
    ledger = Ledger(date(2026, 11, 20), instruments={"IBM": RequestState(reread_at=before)})
    fetched = Fetched([IBM], NOW, {"IBM": answer()}, published, rereads=again)

    ledger = record_run(ledger, WATCHLIST, [fetched], 1, NOW)

    assert ledger.of_instrument("IBM").reread_at == (MINUTE if is_read_again else before)


def cursor(fetched: Fetched, before: datetime | None = None) -> datetime | None:
    """Until when IBM is sent, after a run with this answer."""
    ledger = Ledger(date(2026, 11, 20), instruments={"IBM": RequestState(sent_until=before)})
    return record_run(ledger, WATCHLIST, [fetched], 1, NOW).instruments["IBM"].sent_until


def published(newest: str, unsent: int = 0) -> dict[str, Published]:
    return {"IBM": Published(unsent=unsent, newest=newest and f"2026-11-{newest}:00Z")}


def test_the_cursor_is_the_newest_bar_that_was_put_and_not_the_newest_that_was_shown() -> None:
    fetched = Fetched([IBM], NOW, {"IBM": answer()}, published("20T15:04", unsent=3))

    assert cursor(fetched) == datetime(2026, 11, 20, 15, 4, tzinfo=UTC)


def test_the_cursor_follows_what_came_before_a_failure() -> None:
    fetched = Fetched([IBM], NOW, {"IBM": answer(MinuteLimitError("slower"))}, published("20T15:09"))

    assert cursor(fetched) == datetime(2026, 11, 20, 15, 9, tzinfo=UTC)


def test_the_cursor_of_what_is_not_traded_stays_a_week_behind_its_answers() -> None:
    fetched = Fetched([IBM], NOW, {"IBM": answer()}, published("02T20:59"))

    assert cursor(fetched) == datetime(2026, 11, 13, 15, 10, 5, tzinfo=UTC)


def test_a_gap_of_one_instrument_keeps_no_other_cursor_back() -> None:
    before = datetime(2026, 11, 20, 14, 31, tzinfo=UTC)
    ledger = Ledger(
        date(2026, 11, 20), instruments=dict.fromkeys(("IBM", "MSFT"), RequestState(sent_until=before))
    )
    owed = replace(answer(), reaches_back=False, is_owed=True)
    sent = {name: Published(newest="2026-11-20T15:09:00Z") for name in ("IBM", "MSFT")}

    fetched = Fetched([IBM, MSFT], NOW, {"IBM": owed, "MSFT": answer()}, sent)
    cursors = record_run(ledger, WATCHLIST, [fetched], 1, NOW).instruments

    assert cursors["IBM"].sent_until == before
    assert cursors["MSFT"].sent_until == datetime(2026, 11, 20, 15, 9, tzinfo=UTC)


def test_the_cursor_stays_before_a_gap_that_a_longer_answer_is_to_fill_however_old_it_is() -> None:
    before = datetime(2026, 11, 2, 20, 59, tzinfo=UTC)
    owed = replace(answer(), reaches_back=False, is_owed=True)
    fetched = Fetched([IBM], NOW, {"IBM": owed}, published("20T15:09"))

    assert cursor(fetched, before) == before


@pytest.mark.parametrize(
    ("before", "is_owed", "after"),
    [("14:00", False, "15:09"), ("14:00", True, "14:00"), (None, True, "15:09")],
)
def test_the_cursor_stays_before_a_gap_whose_longer_answer_is_owed(
    before: str | None,
    is_owed: bool,  # noqa: FBT001 (a parameter of the table)
    after: str,
) -> None:
    known = before and datetime.fromisoformat(f"2026-11-20T{before}:00+00:00")
    fetched = Fetched([IBM], NOW, {"IBM": replace(answer(), is_owed=is_owed)}, published("20T15:09"))

    assert cursor(fetched, known or None) == datetime.fromisoformat(f"2026-11-20T{after}:00+00:00")


def test_the_cursor_stays_while_the_stream_does_not_take_what_was_shown() -> None:
    before = datetime(2026, 11, 20, 14, 59, tzinfo=UTC)
    fetched = Fetched([IBM], NOW, {"IBM": answer()}, published("", unsent=3))

    assert cursor(fetched, before) == before


def test_a_failed_request_is_booked_for_each_of_its_instruments_and_the_run_as_unanswered() -> None:
    fetched = Fetched([IBM, MSFT], NOW, failure=ProviderUnavailableError("no answer"))

    ledger = record_run(LEDGER, WATCHLIST, [fetched], 1, NOW)

    failed = RequestState(not_before=MINUTE + timedelta(minutes=1), failures=1, failed_at=MINUTE)
    assert ledger.instruments == {"IBM": failed, "MSFT": failed}
    assert (ledger.spent, ledger.unanswered, ledger.unanswered_at) == (6, 1, MINUTE)


def test_one_answer_among_failures_is_an_answered_run() -> None:
    fetched = [
        Fetched([IBM], NOW, failure=ProviderUnavailableError("no answer")),
        Fetched([MSFT], NOW, {"MSFT": answer()}, {"MSFT": Published()}),
    ]

    assert record_run(LEDGER, WATCHLIST, fetched, 2, NOW).unanswered == 0


def test_an_answer_that_broke_off_is_a_failure_and_shows_no_newest_bar() -> None:
    fetched = Fetched([IBM], NOW, {"IBM": answer(MinuteLimitError("slower"))}, {"IBM": Published()})

    ledger = record_run(LEDGER, WATCHLIST, [fetched], 1, NOW)

    assert ledger.instruments["IBM"].newest is None
    assert ledger.instruments["IBM"].failures == 1


def test_what_the_runs_allowance_cut_off_is_no_failure() -> None:
    fetched = Fetched([IBM], NOW, failure=AllowanceSpentError("spent"))

    ledger = record_run(LEDGER, WATCHLIST, [fetched], 0, NOW)
    ledger = record_run(ledger, WATCHLIST, [replace(fetched, asked_at=NOW + timedelta(hours=1))], 0, NOW)

    # Since then it waits for its turn.
    assert ledger == replace(LEDGER, instruments={"IBM": RequestState(failed_at=MINUTE)})
    assert record_answer(ledger, NOW, {"IBM": MINUTE}).instruments["IBM"].failed_at is None


def test_an_empty_answer_is_an_answer_of_what_has_never_had_a_bar() -> None:
    fetched = Fetched([IBM], NOW, failure=NoDataError("the answer is empty"))

    new = record_run(LEDGER, WATCHLIST, [fetched], 1, NOW).instruments["IBM"]
    known = record_answer(LEDGER, NOW - timedelta(hours=1), {"IBM": MINUTE})
    old = record_run(known, WATCHLIST, [fetched], 1, NOW).instruments["IBM"]

    assert (new.asked_at, new.failures) == (MINUTE, 1)
    assert (old.asked_at, old.failures) == (MINUTE - timedelta(hours=1), 1)


def test_a_refusal_that_needs_a_person_is_no_silence() -> None:
    fetched = Fetched([IBM], NOW, failure=DailyQuotaError("25 requests per day"))

    ledger = record_run(LEDGER, WATCHLIST, [fetched], 1, NOW)

    assert ledger.unanswered == 0
    assert ledger.stopped_until == datetime(2026, 11, 21, 5, tzinfo=UTC)


@pytest.mark.parametrize(
    ("fetched", "reread_at"),
    [
        pytest.param(Fetched([IBM], NOW, {"IBM": answer(AllowanceSpentError("spent"))}), MINUTE, id="begun"),
        pytest.param(Fetched([IBM], NOW, failure=AllowanceSpentError("spent")), None, id="no turn"),
        pytest.param(
            Fetched([IBM], NOW, {"IBM": replace(answer(AllowanceSpentError("spent")), bars={})}),
            None,
            id="its page did not come",
        ),
    ],
)
def test_only_a_reading_that_had_begun_is_left_for_the_next_time(
    fetched: Fetched, reread_at: datetime | None
) -> None:
    ledger = record_run(LEDGER, WATCHLIST, [replace(fetched, rereads=True)], 1, NOW)

    assert ledger.of_instrument("IBM").reread_at == reread_at
