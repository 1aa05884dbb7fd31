"""What the page gets: the lake's answer to one request, with its condition and its counts."""

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime, timedelta
from functools import partial
from threading import Lock

from stockstream.intervals import INTERVALS
from stockstream.windows import Windows
from stockstream_operate.lake.result import Result
from stockstream_operate.page.candles import Json, shape_bars, shape_overview, shape_splits
from stockstream_operate.page.conditions import find_condition
from stockstream_operate.page.drawn_fields import RETURNS, list_drawn_fields, shape_fields
from stockstream_operate.page.kept_lake import Progress
from stockstream_operate.page.lake_watch import LAKE_ERRORS, LakeWatch, WatchedLake
from stockstream_operate.page.market_hours import MarketHours, find_market_hours, say_market_hours
from stockstream_operate.page.pipeline_picture import list_alarms, list_notices, say_quota, shape_stages
from stockstream_operate.page.questions import (
    BAR_COLUMNS,
    Newest,
    ask_bars,
    ask_newest,
    ask_overview,
    ask_splits,
)
from stockstream_operate.page.view_request import Span, ViewRequest
from stockstream_operate.price_kinds import PriceKind
from stockstream_operate.stack_report import StackReport

# Where days are billed, what has had no bar for so many is not listed.
LISTED_DAYS = 12
# A bar lies in no folder of a day before the one before its own, in UTC, and a trading day may begin on the
# one before its date.
_DAYS_BEFORE = {Span.HOUR: 1, Span.SESSION: 2, Span.WEEK: 1}
_LENGTHS = {Span.HOUR: timedelta(hours=1), Span.WEEK: timedelta(days=7)}
# The last files of a day are written after its end: Firehose gathers for a quarter of an hour at the most.
_LAST_FILES = timedelta(hours=1)
# A file of a day that is over may come a day late, and the list of instruments does not count it.
_LATE_FILES = timedelta(minutes=15)
_MOST_KEPT = 50


@dataclass(frozen=True, slots=True)
class Subject:
    """What the page is about.

    Attributes:
        where: whose lake it is, for people.
        find_kind: says of what kind the prices are now: another run may have begun.
        windows: of the moving averages.
        reads_days: whether a question should read no more days than it needs, since they are billed. What
            reads many is then asked again only when there can be something new to see, at most once an hour.
        find_report: gives what the stack said of itself last.
        find_joining: says how many of the finished days that are joined meanwhile are ready.
    """

    where: str
    find_kind: Callable[[], PriceKind]
    windows: Windows
    reads_days: bool = False
    find_report: Callable[[], StackReport] = StackReport
    find_joining: Callable[[], Progress] = lambda: Progress(0, 0)


class Views:
    """Answers requests, each question once for each version of the lake.

    Args:
        subject: what the page is about.
        lake: what is asked.
        watch: what knows the lake's version and its troubles.
        now: the clock.
    """

    def __init__(
        self,
        subject: Subject,
        lake: WatchedLake,
        watch: LakeWatch,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._subject = subject
        self._lake = lake
        self._watch = watch
        self._now = now
        self._fields = list_drawn_fields(subject.windows)
        self._lock = Lock()
        self._version = -1
        self._kept: dict[str, Result] = {}
        self._lasting: dict[tuple[str, int | None], tuple[datetime, Result]] = {}

    def view(self, request: ViewRequest | None, known: int | None = None) -> Json:
        """All that the page shows of a request; of the first instrument's last session if none is named.

        Args:
            request: what is asked for.
            known: the version of the lake of which the page shows this request already. What has not changed
                since is left out: the bars, the instruments and the fields.
        """
        # Before the questions: what comes while they are answered is news, and asked for again.
        version, news = self._watch.version, self._watch.news
        trouble, instruments, bars = self._watch.trouble, [], None
        try:
            instruments = self._ask_overview()
            if request is None and instruments:
                first = instruments[0]
                request = ViewRequest(first["instrument"], first["interval"], Span.SESSION)
            splits = self._ask_splits() if instruments else {}
            instruments = [each | {"splits": splits.get(each["instrument"], [])} for each in instruments]
            if request:
                bars = self._ask_bars(request, instruments)
        except LAKE_ERRORS as error:
            trouble = trouble or str(error)
        now = self._now()
        shown = next((each for each in instruments if request and _is_of(each, request)), None)
        kind, report = self._subject.find_kind(), self._subject.find_report()
        market = self._find_market(request, kind, report)
        runs = self._watch.runs
        condition = find_condition(
            has_bars=bool(instruments),
            runs=runs,
            age=timedelta(seconds=now.timestamp() - shown["ends"]) if shown else None,
            interval=INTERVALS[request.interval if request else "1min"],
            now=now,
            market=market,
            trouble=trouble,
        )
        read, found = self._lake.progress
        joined, to_join = self._subject.find_joining()
        seen = {
            "version": version,
            "news": news,
            "now": now.timestamp(),
            "where": self._subject.where,
            "price_kind": {"word": kind.word, "words": kind.words},
            "request": request and _describe(request),
            "condition": {"kind": condition.kind, "title": condition.title, "words": condition.words},
            "progress": {"read": read, "known": found},
            "joining": {"joined": joined, "days": to_join},
            "delays": [asdict(each) for each in self._lake.delays(now)],
            "listed_days": LISTED_DAYS if self._subject.reads_days else None,
            "receipt": self._lake.receipt(),
            "market": say_market_hours(market, now) if market else "",
            "quota": say_quota(report),
            "stages": shape_stages(report, sum(each["delivered"] for each in instruments), runs=runs),
            "alarms": list_alarms(report),
            "notices": list_notices(report, now),
            "report_troubles": list(report.troubles),
        }
        if known == version and not trouble:
            return seen
        return seen | {"fields": shape_fields(self._fields), "instruments": instruments, "bars": bars}

    def _find_market(
        self, request: ViewRequest | None, kind: PriceKind, report: StackReport
    ) -> MarketHours | None:
        if not (instrument := request.instrument if request else report.followed):
            return None
        # A market on this machine never closes.
        hours = report.parameters.get("MarketHours") or ("regular" if kind is PriceKind.LIVE else "always")
        return find_market_hours(instrument, hours, self._now())

    def _ask_overview(self) -> list[Json]:
        if not self._subject.reads_days:
            return shape_overview([self._ask(ask_overview())])
        now = self._now()
        # The days that are over are the many files, and hold the same at the next question.
        day = (now - _LAST_FILES).date()
        since = day - timedelta(days=LISTED_DAYS)
        _, over = self._ask_seldom(ask_overview(since, day), lambda _: timedelta(days=1))
        return shape_overview([over, self._ask(ask_overview(day))])

    def _ask_splits(self) -> dict[str, list[Json]]:
        """The splits of each instrument; none where they cannot be read: the prices are then as traded."""
        try:
            if self._subject.reads_days:
                _, result = self._ask_seldom(ask_splits(), lambda _: timedelta(hours=1))
            else:
                result = self._ask(ask_splits())
        except LAKE_ERRORS:
            return {}
        return shape_splits(result)

    def _ask_bars(self, request: ViewRequest, instruments: Sequence[Json]) -> Json:
        names = [field.name for field in self._fields]
        returns = [field.name for field in self._fields if field.place == RETURNS]
        shape = partial(shape_bars, interval=request.interval, returns=returns)
        if request.span is Span.ALL:
            asked = ask_bars(request, None, names, self._lake.lake_sql)
            if not self._subject.reads_days:
                return shape(self._ask(asked))
            until, result = self._ask_seldom(asked, lambda result: _length_of(shape(result)))
            return shape(result) | {"asked_again": until.timestamp()}
        newest = self._find_newest(request, instruments)
        if newest is None:
            return shape(Result((*BAR_COLUMNS, *names), []))
        since = _find_since(request.span, newest) if self._subject.reads_days else None
        asked = ask_bars(request, newest, names, self._lake.lake_sql, since)
        listed = next((each for each in instruments if _is_of(each, request)), None)
        if not self._subject.reads_days or listed is None:
            return shape(self._ask(asked))
        # Most of what it reads is of days that are over: as long as nothing comes, it says the same.
        _, result = self._ask_seldom(asked, lambda _: _LATE_FILES, delivered=listed["delivered"])
        return shape(result)

    def _find_newest(self, request: ViewRequest, instruments: Sequence[Json]) -> Newest | None:
        """Where its bars end, as it was known then; None where none was."""
        listed = next((each for each in instruments if _is_of(each, request)), None)
        if listed and request.known_at is None:
            opened = datetime.fromtimestamp(listed["newest"], UTC).replace(tzinfo=None)
            return Newest(opened, date.fromisoformat(listed["trading_day"]))
        since = None
        if self._subject.reads_days:
            since = min(request.known_at or self._now(), self._now()).date() - timedelta(days=LISTED_DAYS)
        ((opened, day),) = self._ask(ask_newest(request, since)).rows
        return None if opened is None else Newest(opened, day)

    def _ask(self, sql: str) -> Result:
        # One question at a time: two browsers that ask the same thing cost one answer.
        with self._lock:
            version = self._watch.version
            if version != self._version or len(self._kept) > _MOST_KEPT:
                self._kept, self._version = {}, version
            if sql not in self._kept:
                self._kept[sql] = self._lake.query(sql)
            return self._kept[sql]

    def _ask_seldom(
        self, sql: str, how_long: Callable[[Result], timedelta], delivered: int | None = None
    ) -> tuple[datetime, Result]:
        """An answer that is kept for a while, and until when it is.

        Args:
            sql: the question.
            how_long: says for how long the answer is kept.
            delivered: how many bars had come; another number is another question. None for whatever comes.
        """
        with self._lock:
            now = self._now()
            self._lasting = {asked: kept for asked, kept in self._lasting.items() if kept[0] > now}
            asked = sql, delivered
            if asked not in self._lasting:
                result = self._lake.query(sql)
                self._lasting[asked] = now + how_long(result), result
            return self._lasting[asked]


def _find_since(span: Span, newest: Newest) -> date:
    """The first day of arrival that may hold what a span shows."""
    begins = newest.trading_day if span is Span.SESSION else (newest.open_time - _LENGTHS[span]).date()
    return begins - timedelta(days=_DAYS_BEFORE[span])


def _length_of(bars: Json) -> timedelta:
    """How long one of the bars lasts, an hour at the most: sooner, an answer would look the same."""
    return timedelta(seconds=min(bars["seconds"], 3_600))


def _is_of(each: Json, request: ViewRequest) -> bool:
    return bool(each["instrument"] == request.instrument and each["interval"] == request.interval)


def _describe(request: ViewRequest) -> Json:
    known_at = request.known_at and request.known_at.timestamp()
    return {
        "instrument": request.instrument,
        "interval": request.interval,
        "span": request.span,
        "known_at": known_at,
        "adjusted": 1 if request.adjusted else None,
    }
