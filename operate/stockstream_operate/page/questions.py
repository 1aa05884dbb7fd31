"""The page's questions to the lake's views, in Athena's dialect, each answered in a few thousand rows."""
# ruff: noqa: S608  # what SQL takes from outside is checked, and quoted or formatted here

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from stockstream.intervals import INTERVALS
from stockstream_operate.lake.literals import timestamp
from stockstream_operate.lake.splits import SPLITS_TABLE
from stockstream_operate.lake.sql import LakeSql, adjusted_over, history_over
from stockstream_operate.page.view_request import Span, ViewRequest

# More bars than these do not fit a screen: longer ones are made of them.
MOST_BARS = 1_000
# Days are the longest: these are years of them.
MOST_ROWS = 4_000
DAY_SECONDS = 86_400
BAR_SECONDS = (60, 300, 900, 1_800, 3_600, 14_400, DAY_SECONDS)
# Of an answer to `ask_bars`, before the fields.
BAR_COLUMNS = (
    *("start", "seconds", "open", "high", "low", "close", "volume", "bars", "revised", "known_from"),
)
_NUMBERS = ("open", "high", "low", "close", "volume")
_BAR_NAMES = ("instrument", "trading_day", "open_time", *_NUMBERS)
_KNOWLEDGE = ("known_from", "known_until", "is_revised")
_SPANS = {Span.HOUR: timedelta(hours=1), Span.WEEK: timedelta(days=7)}


@dataclass(frozen=True, slots=True)
class Newest:
    """Where an instrument's bars end.

    Attributes:
        open_time: of the newest bar.
        trading_day: its trading day.
    """

    open_time: datetime
    trading_day: date


def ask_overview(since: date | None = None, before: date | None = None) -> str:
    """What there is: a row for each instrument and interval, with the count of what was delivered of it.

    Args:
        since: the first day of arrival whose files are read; None for all.
        before: the first whose files are not; None for none.
    """
    return f"""
SELECT
  instrument, interval, count(*) AS delivered, max(open_time) AS newest, max(trading_day) AS trading_day
FROM bars_delivered{_arrived(since, before)}
GROUP BY instrument, interval
ORDER BY instrument, interval"""


def ask_newest(request: ViewRequest, since: date | None = None) -> str:
    """The newest bar that was known at a moment: `newest` and `trading_day`, null where none was."""
    return f"""
SELECT max(open_time) AS newest, max_by(trading_day, open_time) AS trading_day
FROM bars_delivered
WHERE {_is_its(request)}{f" AND dt >= '{since}'" if since else ""}{_was_known("as_of", request)}"""


def ask_splits() -> str:
    """The splits that are known: a row for each, with `instrument`, `until`, `new_shares`, `old_shares`."""
    columns = "instrument, until, new_shares, old_shares"
    return f"SELECT {columns} FROM {SPLITS_TABLE} ORDER BY instrument, until"


def ask_bars(
    request: ViewRequest,
    newest: Newest | None,
    fields: Sequence[str],
    lake_sql: LakeSql,
    since: date | None = None,
) -> str:
    """The bars of a request, newest first, in the shortest length of which MOST_BARS are enough.

    A row has `start` and `seconds` (when the bar begins, in seconds since 1970, and how long it lasts), the
    bar, of how many it is made (`bars`), how many of these were revised (`revised`), since when its numbers
    are known (`known_from`, seconds), and the fields as they were at its end.

    Args:
        request: what is asked for.
        newest: where the instrument's bars end, as it was known then; of Span.ALL it need not be known.
        fields: the numbers that are worked out.
        lake_sql: the lake's views.
        since: the first day of arrival whose files are read; None for all.
    """
    shortest = int(INTERVALS[request.interval].total_seconds())
    longer = [seconds for seconds in BAR_SECONDS if seconds > shortest]
    counts = ", ".join(f"count(DISTINCT {_start(seconds)}) AS bars_{seconds}" for seconds in longer)
    choices = " ".join(f"WHEN bars_{seconds} <= {MOST_BARS} THEN {seconds}" for seconds in longer)
    starts = " ".join(f"WHEN {seconds} THEN {_start(seconds)}" for seconds in longer)
    numbers = "".join(f", {name}" for name in fields)
    # A bar that is sent again with the numbers of before, since its look-back has changed, is not revised.
    its = "OVER (PARTITION BY open_time)"
    differs = " OR ".join(f"min({name}) {its} <> max({name}) {its}" for name in _NUMBERS)
    lasts = "".join(f", max_by({name}, opened) AS {name}" for name in fields)
    source, restated = "known", ""
    if request.adjusted:
        names = [*_BAR_NAMES, *fields, *_KNOWLEDGE]
        source, restated = "restated", f"restated AS ({adjusted_over('known', names)}),\n"
    until = f" OR known_until > {timestamp(request.known_at)}" if request.known_at else ""
    return f"""
WITH {_history(lake_sql, since)}known AS (
  SELECT
    {", ".join(_BAR_NAMES)}{numbers}, known_from, known_until,
    {differs} AS is_revised
  FROM {"history" if since else "bars_history"}
  WHERE {_is_its(request)}{_is_within(request.span, newest)}{_was_known("known_from", request)}
),
{restated}timed AS (
  SELECT
    {source}.*, to_unixtime(open_time) AS opened, to_unixtime(CAST(trading_day AS timestamp(3))) AS traded
  FROM {source}
  WHERE known_until IS NULL{until}
),
counted AS (SELECT count(*) AS bars, {counts} FROM timed),
chosen AS (
  SELECT CASE WHEN bars <= {MOST_BARS} THEN {shortest} {choices} ELSE {DAY_SECONDS} END AS seconds
  FROM counted
),
placed AS (
  SELECT timed.*, seconds, CASE seconds {starts} ELSE opened END AS start FROM timed CROSS JOIN chosen
)
SELECT
  start, seconds, min_by(open, opened) AS open, max(high) AS high, min(low) AS low,
  max_by(close, opened) AS close, sum(volume) AS volume, count(*) AS bars,
  sum(CASE WHEN is_revised THEN 1 ELSE 0 END) AS revised, to_unixtime(max(known_from)) AS known_from{lasts}
FROM placed
GROUP BY start, seconds
ORDER BY start DESC
LIMIT {MOST_ROWS}"""


def _start(seconds: int) -> str:
    # A day is the exchange's own.
    return "traded" if seconds == DAY_SECONDS else f"floor(opened / {seconds}) * {seconds}"


def _is_its(request: ViewRequest) -> str:
    return f"instrument = '{request.instrument}' AND interval = '{request.interval}'"


def _is_within(span: Span, newest: Newest | None) -> str:
    if newest is None:
        return ""
    if span is Span.SESSION:
        return f" AND trading_day = date '{newest.trading_day}'"
    if length := _SPANS.get(span):
        return f" AND open_time > {timestamp(newest.open_time - length)}"
    return ""


def _was_known(column: str, request: ViewRequest) -> str:
    return f" AND {column} <= {timestamp(request.known_at)}" if request.known_at else ""


def _arrived(since: date | None, before: date | None = None) -> str:
    if since is None:
        return ""
    return f" WHERE dt >= '{since}'" + (f" AND dt < '{before}'" if before else "")


def _history(lake_sql: LakeSql, since: date | None) -> str:
    """The view's own SQL over some days' files: Athena then reads no others, and bills what it reads."""
    if since is None:
        return ""
    history = history_over(lake_sql, "delivered")
    return f"delivered AS (SELECT * FROM bars_delivered{_arrived(since)}),\nhistory AS ({history}),\n"
