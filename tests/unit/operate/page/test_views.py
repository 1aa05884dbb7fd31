"""What the page is told of a request."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from delivered_files import document, write_file

from stockstream.fields import list_fields
from stockstream.splits import Split
from stockstream.windows import Windows
from stockstream_operate.lake.delays import Delay
from stockstream_operate.lake.engine import LakeEngine
from stockstream_operate.lake.result import LakeQueryError, Result
from stockstream_operate.lake.splits import SPLITS_FILE, keep_splits
from stockstream_operate.lake.sql import make_lake_sql
from stockstream_operate.page.kept_lake import Progress
from stockstream_operate.page.lake_watch import LakeWatch
from stockstream_operate.page.questions import ask_splits
from stockstream_operate.page.view_request import Span, ViewRequest
from stockstream_operate.page.views import Subject, Views
from stockstream_operate.price_kinds import PriceKind
from stockstream_operate.stack_report import StackReport

NOW = datetime(2026, 11, 20, 14, 34, 30, tzinfo=UTC)


class FileLake:
    """A lake of files that counts its questions."""

    def __init__(self, folder: Path) -> None:
        self.lake_sql = make_lake_sql(Windows())
        self.progress = Progress(1, 1)
        self.trouble = ""
        self.asked: list[str] = []
        self.error = ""
        self._folder = folder

    def look(self) -> bool:
        return False

    def query(self, sql: str) -> Result:
        self.asked.append(sql)
        if self.error:
            raise LakeQueryError(self.error)
        with LakeEngine(self._folder, self.lake_sql) as engine:
            return engine.query(sql)

    def receipt(self) -> str:
        return "Athena read 3 MB."

    def delays(self, _now: datetime) -> list[Delay]:
        return [Delay("in all", 31.5, 60.25, 60)]


@pytest.fixture
def lake(tmp_path: Path) -> FileLake:
    documents = [document(f"2026-11-20T14:{minute}:00Z", 100 + minute) for minute in (30, 31, 32, 33)]
    others = [document("2026-11-20T14:00:00Z", 1.1, instrument="fx:EUR/USD")]
    write_file(tmp_path, "2026-11-20", "0", documents + others)
    return FileLake(tmp_path)


@pytest.fixture
def watch(lake: FileLake) -> Iterator[LakeWatch]:
    with LakeWatch(lake, 60, lambda: True) as watch:
        yield watch


@pytest.fixture
def views(lake: FileLake, watch: LakeWatch) -> Views:
    return Views(Subject("here", lambda: PriceKind.RECORDED, Windows()), lake, watch, lambda: NOW)


def test_without_a_wish_it_is_the_first_instrument_s_session(views: Views) -> None:
    view = views.view(None)

    assert view["request"] == {
        "instrument": "IBM",
        "interval": "1min",
        "span": "session",
        "known_at": None,
        "adjusted": None,
    }
    assert view["bars"]["close"] == [130.0, 131.0, 132.0, 133.0]
    assert [each["instrument"] for each in view["instruments"]] == ["IBM", "fx:EUR/USD"]
    assert view["condition"]["kind"] == "flowing"
    assert view["price_kind"]["word"] == "RECORDED"
    assert view["receipt"] == "Athena read 3 MB."
    assert view["delays"] == [{"stage": "in all", "p50": 31.5, "p99": 60.25, "bars": 60}]


def test_a_wish_is_answered(views: Views) -> None:
    view = views.view(ViewRequest("fx:EUR/USD", "1min", Span.HOUR))

    assert view["bars"]["close"] == [1.1]
    # Its newest bar ended 33 minutes ago.
    assert view["condition"]["kind"] == "quiet"


def test_a_bar_is_shown_where_all_is_null_that_may_be(views: Views, tmp_path: Path) -> None:
    empty = {field.name: None for field in list_fields(Windows()) if field.null}
    write_file(tmp_path, "2026-11-20", "1", [document("2026-11-20T14:34:00Z", 134) | empty])

    view = views.view(None)

    assert view["bars"]["close"] == [130.0, 131.0, 132.0, 133.0, 134.0]


def test_the_same_question_is_asked_once(views: Views, lake: FileLake) -> None:
    first = views.view(None)
    asked = len(lake.asked)

    assert views.view(None) == first
    assert len(lake.asked) == asked == 3


def test_what_the_browser_knows_already_is_not_sent_again(views: Views, watch: LakeWatch) -> None:
    first = views.view(None)

    again = views.view(None, first["version"])
    assert {"bars", "instruments", "fields"} & set(again) == set()
    assert again == {name: told for name, told in first.items() if name in again}
    assert views.view(None, watch.version - 1) == first


def test_what_comes_while_a_question_is_answered_is_asked_for_again(
    lake: FileLake, watch: LakeWatch, views: Views, monkeypatch: pytest.MonkeyPatch
) -> None:
    query = lake.query

    def query_while_a_bar_comes(sql: str) -> Result:
        watch.version += 1
        return query(sql)

    monkeypatch.setattr(lake, "query", query_while_a_bar_comes)
    assert views.view(None)["version"] < watch.version


@pytest.mark.parametrize(
    ("kind", "parameters", "market"),
    [
        # The session of a Friday in November.
        (PriceKind.LIVE, {}, "Open until 21:00 UTC"),
        (PriceKind.LIVE, {"MarketHours": "extended"}, "Open until Sat 21 Nov, 01:00 UTC"),
        (PriceKind.INVENTED, {}, "Always open"),
    ],
)
def test_the_market_is_open_as_its_stack_takes_it(
    lake: FileLake, watch: LakeWatch, kind: PriceKind, parameters: dict[str, str], market: str
) -> None:
    subject = Subject(
        "there", lambda: kind, Windows(), find_report=lambda: StackReport(parameters=parameters)
    )
    at_ten = NOW.replace(hour=15)

    assert Views(subject, lake, watch, lambda: at_ten).view(None)["market"] == market


def test_an_empty_lake_waits_for_the_market_of_what_its_stack_follows(
    tmp_path: Path, watch: LakeWatch
) -> None:
    report = StackReport(parameters={"MarketHours": "regular"}, followed="IBM")
    subject = Subject("there", lambda: PriceKind.LIVE, Windows(), find_report=lambda: report)
    (tmp_path / "empty").mkdir()
    saturday = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)

    view = Views(subject, FileLake(tmp_path / "empty"), watch, lambda: saturday).view(None)
    assert view["condition"]["kind"] == "empty"
    assert "Mon 23 Nov, 14:30 UTC" in view["condition"]["words"]


def test_before_the_first_bar_there_are_none(views: Views) -> None:
    view = views.view(ViewRequest("IBM", "1min", Span.ALL, datetime(2026, 11, 1, tzinfo=UTC)))

    assert (view["bars"]["start"], view["bars"]["close"]) == ([], [])
    assert view["instruments"]


def test_a_lake_that_cannot_be_read_says_why(views: Views, lake: FileLake) -> None:
    lake.error = "The disk is gone."

    view = views.view(None)
    assert (view["bars"], view["instruments"]) == (None, [])
    assert view["condition"]["kind"] == "trouble"
    assert "The disk is gone." in view["condition"]["words"]


@pytest.fixture
def billed(lake: FileLake, watch: LakeWatch) -> Views:
    subject = Subject("there", lambda: PriceKind.LIVE, Windows(), reads_days=True)
    return Views(subject, lake, watch, lambda: NOW)


def of_bars(lake: FileLake) -> list[str]:
    """What was asked but for the splits, whose file is one."""
    return [sql for sql in lake.asked if sql != ask_splits()]


def days_read(sql: str) -> list[str]:
    return re.findall(r"dt (?:>=|<) '[^']+'", sql)


@pytest.mark.parametrize(
    ("span", "first"),
    [
        # The newest bar began on 20 November at 14:33, and is of that day's session.
        (Span.HOUR, "2026-11-19"),
        (Span.SESSION, "2026-11-18"),
        (Span.WEEK, "2026-11-12"),
    ],
)
def test_what_is_billed_reads_the_days_that_it_needs(
    billed: Views, lake: FileLake, span: Span, first: str
) -> None:
    view = billed.view(ViewRequest("IBM", "1min", span))

    over, today, bars = of_bars(lake)
    assert days_read(over) == ["dt >= '2026-11-08'", "dt < '2026-11-20'"]
    assert days_read(today) == ["dt >= '2026-11-20'"]
    assert days_read(bars) == [f"dt >= '{first}'"]
    assert view["bars"]["close"] == [130.0, 131.0, 132.0, 133.0]
    assert view["listed_days"] == 12


def test_what_is_billed_is_not_asked_again_of_days_that_are_over_as_long_as_nothing_comes(
    billed: Views, lake: FileLake, watch: LakeWatch, tmp_path: Path
) -> None:
    billed.view(ViewRequest("IBM", "1min", Span.SESSION))
    del lake.asked[:]
    watch.version += 1
    billed.view(ViewRequest("IBM", "1min", Span.SESSION))

    assert [days_read(sql) for sql in of_bars(lake)] == [["dt >= '2026-11-20'"]]

    write_file(tmp_path, "2026-11-20", "1", [document("2026-11-20T14:34:00Z", 134)])
    del lake.asked[:]
    watch.version += 1
    view = billed.view(ViewRequest("IBM", "1min", Span.SESSION))

    assert [days_read(sql) for sql in of_bars(lake)] == [["dt >= '2026-11-20'"], ["dt >= '2026-11-18'"]]
    assert view["bars"]["close"][-1] == 134.0


def test_what_comes_late_of_a_day_that_is_over_is_seen_a_quarter_of_an_hour_later(
    lake: FileLake, watch: LakeWatch, tmp_path: Path
) -> None:
    now = [NOW]
    subject = Subject("there", lambda: PriceKind.LIVE, Windows(), reads_days=True)
    views = Views(subject, lake, watch, lambda: now[-1])
    session = ViewRequest("IBM", "1min", Span.SESSION)
    views.view(session)
    revised = document("2026-11-20T14:30:00Z", 7.0, as_of="2026-11-20T15:00:00.000Z")
    write_file(tmp_path, "2026-11-19", "late", [revised])
    for minutes, close in ((14, 130.0), (15, 7.0)):
        now.append(NOW + timedelta(minutes=minutes))
        watch.version += 1
        assert views.view(session)["bars"]["close"][0] == close


def test_a_moment_of_before_is_looked_for_in_the_days_before_it(billed: Views, lake: FileLake) -> None:
    billed.view(ViewRequest("IBM", "1min", Span.SESSION, datetime(2026, 11, 10, tzinfo=UTC)))

    assert days_read(lake.asked[-1]) == ["dt >= '2026-10-29'"]


def test_all_that_is_billed_is_asked_for_again_when_its_newest_bar_may_be_another(
    lake: FileLake, watch: LakeWatch
) -> None:
    now = [NOW]
    subject = Subject("there", lambda: PriceKind.LIVE, Windows(), reads_days=True)
    views = Views(subject, lake, watch, lambda: now[-1])
    everything = ViewRequest("IBM", "1min", Span.ALL)

    view = views.view(everything)
    assert days_read(lake.asked[-1]) == []
    assert view["bars"]["asked_again"] == (NOW + timedelta(minutes=1)).timestamp()
    for seconds, times in ((59, 1), (60, 2)):
        now.append(NOW + timedelta(seconds=seconds))
        watch.version += 1
        views.view(everything)
        assert sum(not days_read(sql) for sql in of_bars(lake)) == times


# From the opening of 20 November on, in New York: five hours later in UTC.
SPLIT = {"IBM": (Split("2026-11-20T05:00:00Z", 10, 1),)}


def test_a_split_is_told_with_its_day_at_the_exchange_and_shown_in_todays_shares(
    views: Views, watch: LakeWatch, tmp_path: Path
) -> None:
    write_file(tmp_path, "2026-11-19", "0", [document("2026-11-19T20:59:00Z", 1500.0, volume=7.0)])
    assert [each["splits"] for each in views.view(None)["instruments"]] == [[], []]
    keep_splits(SPLIT, tmp_path)
    watch.version += 1

    traded = views.view(ViewRequest("IBM", "1min", Span.ALL))
    todays = views.view(ViewRequest("IBM", "1min", Span.ALL, adjusted=True))

    assert [each["splits"] for each in traded["instruments"]] == [
        [{"day": "2026-11-20", "ratio": "10:1"}],
        [],
    ]
    assert (traded["bars"]["close"][:2], traded["bars"]["volume"][:2]) == ([1500.0, 130.0], [7.0, 1000.0])
    assert (todays["bars"]["close"][:2], todays["bars"]["volume"][:2]) == ([150.0, 130.0], [70.0, 1000.0])
    assert (traded["request"]["adjusted"], todays["request"]["adjusted"]) == (None, 1)


def test_splits_that_cannot_be_read_cost_no_bar(views: Views, tmp_path: Path) -> None:
    (tmp_path / SPLITS_FILE).parent.mkdir()
    (tmp_path / SPLITS_FILE).write_text("no splits")

    view = views.view(None)

    assert view["bars"]["close"] == [130.0, 131.0, 132.0, 133.0]
    assert view["instruments"][0]["splits"] == []


def test_of_a_stack_the_splits_are_asked_for_once_an_hour(lake: FileLake, watch: LakeWatch) -> None:
    now = [NOW]
    subject = Subject("there", lambda: PriceKind.LIVE, Windows(), reads_days=True)
    views = Views(subject, lake, watch, lambda: now[-1])
    for minutes, times in ((0, 1), (1, 1), (59, 1), (60, 2)):
        now.append(NOW + timedelta(minutes=minutes))
        watch.version += 1
        views.view(None)
        assert lake.asked.count(ask_splits()) == times
