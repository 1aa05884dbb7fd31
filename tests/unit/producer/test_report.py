"""What a run reports of its answers: the metrics, and the lines for a person."""

import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from io import StringIO
from typing import Any

import pytest

from producer.fetched import Fetched
from producer.markets.watchlist import Watchlist
from producer.memory.tail import TailError
from producer.ohlcv import Ohlcv
from producer.planning.allowance import AllowanceSpentError
from producer.providers.answers import Answer, RejectedBar
from producer.providers.provider_errors import (
    DailyQuotaError,
    MinuteLimitError,
    NotEntitledError,
    ProviderError,
)
from producer.publishing.price_moves import PriceMove, PriceWatch
from producer.publishing.publication import Cause
from producer.publishing.sending import Published
from producer.publishing.split_suspicions import SplitSuspicion
from producer.report import (
    report_answers,
    report_deferred,
    report_holes,
    report_moves,
    report_overdue,
    report_quota,
    report_silent,
    report_unanswered,
)
from producer.reported_bars import ReportedBars
from stockstream.errors import Reason, StockstreamError
from stockstream.instruments import parse_instrument
from stockstream.observability import metrics

NOW = datetime(2026, 11, 20, 15, 0, 31, tzinfo=UTC)
IBM, MSFT, KO = (parse_instrument(name) for name in ("IBM", "MSFT", "KO"))


@pytest.fixture(autouse=True)
def _clear() -> Iterator[None]:
    metrics.clear_metrics()
    yield
    metrics.clear_metrics()


def measured(name: str) -> list[float]:
    metric: dict[str, Any] = metrics.metric_set.get(name, {"Value": []})
    return list(metric["Value"])


def lines(log: StringIO, message: str) -> list[dict[str, Any]]:
    return [line for line in map(json.loads, log.getvalue().splitlines()) if line["message"] == message]


def answer(
    *rejected: RejectedBar, failure: ProviderError | None = None, cut_off_by: ProviderError | None = None
) -> Answer:
    return Answer({}, rejected, NOW, NOW, reaches_back=True, failure=failure, cut_off_by=cut_off_by)


def test_bars_are_counted_by_why_they_were_sent() -> None:
    causes = (
        {Cause.NEW: 3, Cause.REVISED: 1},
        {Cause.NEW: 1, Cause.LATE: 2, Cause.REVISED: 1, Cause.REPEATED: 4},
    )
    fetched = [
        Fetched([each], NOW, {each.name: answer()}, {each.name: Published(Counter(cause))})
        for each, cause in zip((IBM, MSFT), causes, strict=True)
    ]

    report_answers(fetched, "1min", 7, ReportedBars())

    names = ("BarsPublished", "BarsRevised", "BarsLate", "BarsImpossible", "ProviderRequests")
    assert [measured(name) for name in names] == [[12], [2], [2], [0], [7]]
    assert [measured(name) for name in ("ProviderFailures", "ProviderRefusals")] == [[0], [0]]


def test_a_failure_of_many_is_one_and_what_needs_a_person_is_a_refusal(log: StringIO) -> None:
    busy, refused = MinuteLimitError("slower"), NotEntitledError("premium")
    fetched = [
        Fetched([IBM, MSFT], NOW, failure=busy),
        Fetched([IBM, MSFT], NOW, {"IBM": answer(failure=busy), "MSFT": answer(failure=refused)}),
    ]

    report_answers(fetched, "1min", 2, ReportedBars())

    assert (measured("ProviderFailures"), measured("ProviderRefusals")) == ([2], [1])
    told = {(line["kind"], line["detail"]) for line in lines(log, "provider failed")}
    assert told == {("MinuteLimitError", "slower"), ("NotEntitledError", "premium")}
    assert len(lines(log, "provider failed")) == 2


def test_a_longer_answer_that_did_not_come_is_told_unless_it_was_not_asked_for(log: StringIO) -> None:
    cut_off = [DailyQuotaError("spent"), AllowanceSpentError("the run's requests are spent"), None]
    fetched = [Fetched([IBM], NOW, {"IBM": answer(cut_off_by=error)}) for error in cut_off]

    report_answers(fetched, "1min", 1, ReportedBars())

    (line,) = lines(log, "longer answer did not come")
    assert line["kind"] == "DailyQuotaError"
    assert measured("ProviderFailures") == [0]


@pytest.mark.parametrize(("instruments", "named"), [(99, 99), (100, 100), (101, 100)])
def test_a_line_names_a_hundred_answers_that_brought_something(
    monkeypatch: pytest.MonkeyPatch, instruments: int, named: int
) -> None:
    written: dict[str, Any] = {}
    monkeypatch.setattr(metrics, "add_metadata", written.__setitem__)
    followed = [parse_instrument(f"S{number:03}") for number in range(instruments)]
    published = {each.name: Published(Counter({Cause.NEW: 1})) for each in followed}
    answers = {each.name: answer() for each in (*followed, IBM)}

    fetched = Fetched([*followed, IBM], NOW, answers, {**published, "IBM": Published()})
    report_answers([fetched], "1min", 1, ReportedBars())

    assert len(written["correlation_ids"]) == named
    assert written["correlation_ids"][0] == "S000|1min|2026-11-20T15:00:31.000Z"


def test_a_run_has_lines_for_a_hundred_impossible_bars_however_many_requests_it_made(log: StringIO) -> None:
    bars = [RejectedBar(f"t{number}", Reason.BAD_PRICE, "close is 0") for number in range(60)]
    fetched = [Fetched([each], NOW, {each.name: answer(*bars)}) for each in (IBM, MSFT)]
    told = ReportedBars()

    report_answers(fetched, "1min", 2, told)
    assert (len(lines(log, "bar rejected")), measured("BarsImpossible")) == (100, [100])

    # The next run has the others: forty of the second request were told of.
    report_answers(fetched, "1min", 2, told)
    rest = lines(log, "bar rejected")[100:]
    assert [(each["instrument"], each["stamp"]) for each in rest] == [
        ("MSFT", f"t{number}") for number in range(40, 60)
    ]
    assert measured("BarsImpossible") == [100, 20]


def test_each_answer_of_which_the_stream_lacks_bars_is_told_with_their_number(log: StringIO) -> None:
    shown = dict.fromkeys(("2026-11-20T14:58:00Z", "2026-11-20T14:59:00Z"), Ohlcv(1.0, 1.0, 1.0, 1.0, 1.0))
    answers = {"IBM": replace(answer(), bars=shown), "MSFT": answer(), "KO": answer()}
    published = {"MSFT": Published(unsent=3), "KO": Published()}
    left: dict[str, StockstreamError] = {"IBM": TailError("the table did not answer")}

    report_answers([Fetched([IBM, MSFT, KO], NOW, answers, published, left=left)], "1min", 1, ReportedBars())

    (not_published,) = lines(log, "bars left for the next run")
    assert [not_published[key] for key in ("instrument", "bars", "kind", "detail")] == [
        "IBM", 2, "TailError", "the table did not answer",
    ]  # fmt: skip
    (refused,) = lines(log, "stream refused bars")
    assert [refused[key] for key in ("instrument", "bars", "correlation_id")] == [
        "MSFT", 3, "MSFT|1min|2026-11-20T15:00:31.000Z",
    ]  # fmt: skip


# New York trades from 14:30 to 21:00 UTC. 2026-11-20 is a Friday.
@pytest.mark.parametrize(
    ("after", "before", "holes"),
    [
        ("19T20:59", "20T14:30", 0),  # the night
        ("19T20:58", "20T14:30", 1),
        ("19T20:59", "20T14:31", 1),
        ("20T20:59", "22T15:00", 1),  # a Sunday: since when there was trading, no calendar says
    ],
)
def test_a_hole_is_a_time_of_trading_whose_bars_are_shown_no_longer(
    log: StringIO, after: str, before: str, holes: int
) -> None:
    hole = (f"2026-11-{after}:00Z", f"2026-11-{before}:00Z")
    fetched = Fetched([MSFT, IBM], NOW, published={"MSFT": Published(), "IBM": Published(hole=hole)})

    report_holes([fetched], Watchlist((IBM, MSFT), "1min", "regular"))

    assert measured("HolesFound") == [holes]
    told = [(line["instrument"], line["after"], line["before"]) for line in lines(log, "hole found")]
    assert told == [("IBM", *hole)] * holes


def move(change: float) -> PriceMove:
    return PriceMove(change, 100.0, 100.0 + change, "2026-11-20T14:55:00Z", "2026-11-20T15:00:00Z")


def test_the_greatest_move_is_measured_and_those_over_the_threshold_are_told(log: StringIO) -> None:
    published = {
        "IBM": Published(move=move(-4.0)),
        "MSFT": Published(move=move(6.0)),
        "AAPL": Published(),
        "KO": Published(move=move(-5.0)),
    }
    followed = [parse_instrument(name) for name in published]
    answers = {name: answer() for name in published}

    report_moves([Fetched(followed, NOW, answers, published)], "1min", PriceWatch(5.0))

    assert measured("PriceMovePercent") == [6.0]
    assert [(line["instrument"], line["change_percent"]) for line in lines(log, "price moved")] == [
        ("MSFT", 6.0),
        ("KO", -5.0),
    ]


def test_what_looks_like_a_split_is_a_move_and_is_told_with_what_to_say(log: StringIO) -> None:
    suspicion = SplitSuspicion("5:1", "2026-11-30", 40.0, 8.0, "2026-11-30T14:30:00Z")
    published = {"IBM": Published(suspicion=suspicion, move=move(3.0))}

    report_moves([Fetched([IBM], NOW, {"IBM": answer()}, published)], "1min", PriceWatch(5.0))

    assert measured("PriceMovePercent") == [80.0]
    (line,) = lines(log, "split suspected")
    assert "it opened at 8 on 2026-11-30, after a close at 40." in line["detail"]
    assert "stockstream split IBM 5:1 --at 2026-11-30" in line["detail"]
    assert lines(log, "price moved") == []


def test_where_nothing_is_measured_there_is_no_metric() -> None:
    report_moves([Fetched([IBM], NOW, {"IBM": answer()}, {"IBM": Published()})], "1min", PriceWatch(5.0))
    report_overdue(None)

    assert (measured("PriceMovePercent"), measured("BarsOverdueSeconds")) == ([], [])


def test_what_is_left_of_the_day_is_never_below_nothing() -> None:
    report_quota(3)
    report_quota(0)
    report_quota(-2)

    assert measured("QuotaRemaining") == [3, 0, 0]


def test_a_delay_is_measured_in_seconds() -> None:
    report_overdue(timedelta(minutes=1, seconds=30))

    assert measured("BarsOverdueSeconds") == [90.0]


def test_runs_without_an_answer_and_bars_that_wait_are_measured() -> None:
    report_unanswered(4)
    report_deferred(17)

    assert (measured("RunsUnanswered"), measured("BarsDeferred")) == ([4], [17])


def test_who_is_silent_is_told_since_when(log: StringIO) -> None:
    report_silent({"IBM": datetime(2026, 11, 19, 21, tzinfo=UTC), "XYZ": None})

    assert measured("InstrumentsSilent") == [2]
    details = {line["instrument"]: line["detail"] for line in lines(log, "instrument silent")}
    assert details["IBM"].startswith("no bar since 2026-11-19T21:00:00Z, while others of its market")
    assert details["XYZ"].startswith("no bar has come yet, while others")
