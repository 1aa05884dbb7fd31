"""The page about what years came to: docs/year.md."""

from collections.abc import Iterator, Mapping
from typing import NamedTuple

_WHAT_IT_IS = """\
# A year, judged by what the exchanges published

`make year ARGS=--report` wrote this page. It plays the year 2026 through the real producer, the providers'
clients and the transform, twice: 30 instruments of six exchanges, currencies and coins through Alpha Vantage
in bars of 15 minutes, and 1,000 shares of New York through Alpaca in bars of an hour. Time is simulated;
the providers' servers, the stream and the table are models in the same process.

Which bars there are is written by hand from the exchanges' own pages (`tests/models/published_year.py`):
holidays, both changes of the clocks in America and in Europe, half days, closing auctions, Bombay's budget
Sunday and muhurat trading. Every number of every bar is compared with NumPy over the whole series, and the
smoothed indicators are of a sample, in which each day is on which something happens. What befalls them:

- splits of 10:1, 1:8 and 3:2, one of them confirmed two days late; a price that halves and is no split
- shares that are renamed, delisted, suspended for a day, or halted for two bars
- bad prints, a crash of eight percent, bars whose high is below their low, stamps between two bars, volumes
  that nobody reports, one bar in 97 that is corrected fifty minutes after its end, bars outside the sessions
- a provider that does not answer for a week, and one for two days on a plan without long answers
- a stream that takes nothing around a close
- plans that only just fit: 34 requests a day for the 30, of which the producer says that every bar is seen,
  and with one less that bars will be missed; and ten requests a minute for the 1,000

With the 30 a run comes each minute while anything is asked for or wrong, and else each ten minutes. With the
1,000 it comes after each close, each ten minutes while nobody answers, and each minute as trouble begins.

Judged is whether each bar that a server showed is in the lake, and no other; each number; each mark of a
bad print; each warning and error in the log; and each alarm of the template that tells people, evaluated
over the producer's metrics as CloudWatch documents it. None may be missing, and none in vain. With the
1,000, a bar that does not come with the first runs that can send it is wrong, too. With the 30 it is
counted: late is a bar of a share that comes more than an hour after the close, and another that comes
more than 100 bars after its end. On such a plan a request after a close is left out now and then, and so
is mostly the second one, which brings Frankfurt's closing auction; the next day's brings these bars.

The year of a single share of each exchange is in `make test-slow`, and the second half of New York's in `make
test`.
"""
_HOLES = """
A hole is told where an answer does not reach back to what was sent before. After the week's outage a plan
that counts a day's requests has too few for all long answers at once: the holes are told first, and filled
within days. After the second outage, without long answers, they stay."""


class Played(NamedTuple):
    """What a year came to.

    Attributes:
        instruments: how many are followed.
        bars: how many there are in the lake.
        documents: how many were delivered, those that were sent again too.
        runs: of the producer.
        requests: that the provider got.
        notices: how often each message was logged as a warning or an error.
        rings: how often each alarm that tells people rang.
        holes: how many were told.
        filled: how many of these were filled later.
        marks: how many bars are marked as bad prints.
        late: how many bars came later than an hour after their close, or the like.
        wrong: sentences.
        seconds: of one processor.
    """

    instruments: int
    bars: int
    documents: int
    runs: int
    requests: int
    notices: Mapping[str, int]
    rings: Mapping[str, int]
    holes: int
    filled: int
    marks: int
    late: int
    wrong: list[str]
    seconds: int


_ROWS = {
    "instruments": "instruments",
    "bars": "bars in the lake",
    "documents": "documents, with those sent again",
    "runs": "runs of the producer",
    "requests": "requests to the provider",
    "marks": "bars marked as bad prints",
    "holes": "holes told",
    "filled": "of these, filled later",
    "late": "bars that came late",
    "seconds": "seconds of one processor",
}


def describe(mixed: Played, wide: Played) -> Iterator[str]:
    """The lines of the page."""
    yield from _WHAT_IT_IS.splitlines()
    yield ""
    wrong = [*mixed.wrong, *wide.wrong]
    yield f"**{mixed.bars + wide.bars:,} bars; wrong: {len(wrong)}.**"
    yield from (f"- {sentence}" for sentence in wrong)
    yield ""
    yield "| | 30 mixed | 1,000 shares |"
    yield "|---|---|---|"
    for field, words in _ROWS.items():
        yield f"| {words} | {getattr(mixed, field):,} | {getattr(wide, field):,} |"
    for kind, some, others in (
        ("lines in the log", mixed.notices, wide.notices),
        ("rings", mixed.rings, wide.rings),
    ):
        for name in sorted({*some, *others}):
            yield f"| {kind}: {name} | {some.get(name, 0):,} | {others.get(name, 0):,} |"
    yield from _HOLES.splitlines()
