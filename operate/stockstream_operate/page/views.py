"""What the page is told: the lake's answer to one sight, with its condition and its counts."""

from collections.abc import Callable, Hashable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from threading import Lock

from stockstream.intervals import INTERVALS
from stockstream.windows import Windows
from stockstream_operate.lake.engine import Result
from stockstream_operate.page.candles import Json, shape_bars, shape_overview
from stockstream_operate.page.conditions import find_condition
from stockstream_operate.page.drawn_fields import RETURNS, describe, list_drawn_fields
from stockstream_operate.page.lake_watch import LAKE_ERRORS, LakeWatch, WatchedLake
from stockstream_operate.page.market_hours import MarketHours, find_market_hours, say_market_hours
from stockstream_operate.page.pipeline_picture import draw_pipeline, list_alarms, list_notices, say_quota
from stockstream_operate.page.questions import BAR_COLUMNS, Newest, ask_bars, ask_newest, ask_overview
from stockstream_operate.page.sights import Sight, Span
from stockstream_operate.price_kinds import PriceKind
from stockstream_operate.stack_report import StackReport

# How many days of arrival hold what a span needs: the newest session may lie before a long weekend.
_DAYS = {Span.HOUR: 5, Span.SESSION: 5, Span.WEEK: 12, Span.ALL: None}
_MOST_KEPT = 50


@dataclass(frozen=True, slots=True)
class Subject:
    """What the page is about.

    Attributes:
        where: whose lake it is, for people.
        find_kind: says of what kind the prices are now: another run may have begun.
        windows: of the moving averages.
        reads_days: whether a question should read no more days than it needs, since they are billed.
        find_report: gives what the stack said of itself last.
    """

    where: str
    find_kind: Callable[[], PriceKind]
    windows: Windows
    reads_days: bool = False
    find_report: Callable[[], StackReport] = StackReport


class Views:
    """Answers sights, each question once for each version of the lake.

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
        self._kept: dict[Hashable, Result] = {}

    def view(self, sight: Sight | None, known: int | None = None) -> Json:
        """All that the page shows of a sight; of the first instrument's last session if none is named.

        Args:
            sight: what is asked for.
            known: the version of the lake of which the page shows this sight already. What has not changed
                since is left out: the bars, the instruments and the fields.
        """
        # Before the questions: what comes while they are answered is news, and asked for again.
        version = self._watch.version
        trouble, instruments, bars = self._watch.trouble, [], None
        try:
            instruments = shape_overview(self._ask(ask_overview(self._since(Span.WEEK))))
            if sight is None and instruments:
                first = instruments[0]
                sight = Sight(first["instrument"], first["interval"], Span.SESSION)
            if sight:
                bars = self._ask_bars(sight)
        except LAKE_ERRORS as error:
            trouble = trouble or str(error)
        now = self._now()
        shown = next((each for each in instruments if sight and _is_of(each, sight)), None)
        kind, report = self._subject.find_kind(), self._subject.find_report()
        market = self._find_market(sight, kind, report)
        runs = self._watch.runs
        condition = find_condition(
            has_bars=bool(instruments),
            runs=runs,
            age=timedelta(seconds=now.timestamp() - shown["ends"]) if shown else None,
            interval=INTERVALS[sight.interval if sight else "1min"],
            now=now,
            market=market,
            trouble=trouble,
        )
        read, found = self._lake.progress
        told = {
            "version": version,
            "now": now.timestamp(),
            "where": self._subject.where,
            "price_kind": {"word": kind.word, "words": kind.words},
            "sight": sight and _describe(sight),
            "condition": {"kind": condition.kind, "title": condition.title, "words": condition.words},
            "progress": {"read": read, "known": found},
            "receipt": self._lake.receipt(),
            "market": say_market_hours(market, now) if market else "",
            "quota": say_quota(report),
            "stages": draw_pipeline(report, sum(each["bars"] for each in instruments), runs=runs),
            "alarms": list_alarms(report),
            "notices": list_notices(report, now),
            "report_troubles": list(report.troubles),
        }
        if known == version and not trouble:
            return told
        return told | {"fields": describe(self._fields), "instruments": instruments, "bars": bars}

    def _find_market(self, sight: Sight | None, kind: PriceKind, report: StackReport) -> MarketHours | None:
        if not (instrument := sight.instrument if sight else report.followed):
            return None
        # A market on this machine never closes.
        hours = report.parameters.get("MarketHours") or ("regular" if kind is PriceKind.LIVE else "always")
        return find_market_hours(instrument, hours, self._now())

    def _ask_bars(self, sight: Sight) -> Json:
        since = self._since(sight.span, sight.known_at)
        ((opened, day),) = self._ask(ask_newest(sight, since)).rows
        names = [field.name for field in self._fields]
        if opened is None:
            return shape_bars(Result((*BAR_COLUMNS, *names), []), sight.interval, ())
        returns = [field.name for field in self._fields if field.place == RETURNS]
        asked = ask_bars(sight, Newest(opened, day), names, self._lake.lake_sql, since)
        return shape_bars(self._ask(asked), sight.interval, returns)

    def _since(self, span: Span, known_at: datetime | None = None) -> date | None:
        days = _DAYS[span]
        if days is None or not self._subject.reads_days:
            return None
        return min(known_at or self._now(), self._now()).date() - timedelta(days=days)

    def _ask(self, sql: str) -> Result:
        # One question at a time: two browsers that ask the same thing cost one answer.
        with self._lock:
            version = self._watch.version
            if version != self._version or len(self._kept) > _MOST_KEPT:
                self._kept, self._version = {}, version
            if sql not in self._kept:
                self._kept[sql] = self._lake.query(sql)
            return self._kept[sql]


def _is_of(each: Json, sight: Sight) -> bool:
    return bool(each["instrument"] == sight.instrument and each["interval"] == sight.interval)


def _describe(sight: Sight) -> Json:
    known_at = sight.known_at and sight.known_at.timestamp()
    return {
        "instrument": sight.instrument,
        "interval": sight.interval,
        "span": sight.span,
        "known_at": known_at,
    }
