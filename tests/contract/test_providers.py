"""The suite that every provider passes: what the producer relies on, whatever a server does.

It walks the catalogue. What a server says, in its own words, is in tests/models/provider_dialects.py.
"""

import json
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from functools import cache
from itertools import count
from typing import NamedTuple

import pytest
import requests
from provider_dialects import (
    DIALECTS,
    Asked,
    Dialect,
    ProviderServer,
    Reply,
    Shown,
    contiguous,
    provider_server,
)

from producer.ohlcv import Ohlcv
from producer.planning.allowance import Allowance, AllowanceSpentError
from producer.providers.answers import BARS_PER_ANSWER, Answer
from producer.providers.catalogue import PROVIDERS
from producer.providers.provider import Provider, ProviderAccess
from producer.providers.provider_errors import (
    NEEDS_A_PERSON,
    FailureOutcome,
    KeyRefusedError,
    MalformedAnswerError,
    ProviderError,
    ProviderUnavailableError,
)
from stockstream.bars import INTERVALS
from stockstream.instruments import Instrument, parse_instrument
from stockstream.reading import shorten
from stockstream.sessions import is_traded, market_of
from stockstream.times import format_time

# A Tuesday, half an hour after New York's opening; every market is open.
NOW = datetime(2026, 12, 1, 15, 0, 30, tzinfo=UTC)
NUMBERS = Ohlcv(10.5, 12.0, 9.25, 11.0, 7.0)
# One of each that is opened in a way of its own: replay differs from Alpha Vantage by its address alone.
NAMES = sorted({kind.open: name for name, kind in sorted(PROVIDERS.items(), reverse=True)}.values())
KEYED = [name for name in NAMES if DIALECTS[name].key]
# Each provider with one instrument of each class that it offers.
SUBJECTS = [(name, each) for name in NAMES for each in DIALECTS[name].instruments]
each_provider = pytest.mark.parametrize("name", NAMES)
each_subject = pytest.mark.parametrize(
    ("name", "instrument"), SUBJECTS, ids=[f"{name} {each.name}" for name, each in SUBJECTS]
)


class World(NamedTuple):
    """A provider, and its server."""

    server: ProviderServer
    provider: Provider
    dialect: Dialect
    instrument: Instrument

    def fetch(self, since: datetime | None = None, interval: str = "1min") -> Answer:
        """The answer about the instrument without what is forming, as the producer takes it."""
        (answer,) = self.provider.fetch([self.instrument], interval, since).values()
        return answer.without_forming(market_of(self.instrument, "regular"), interval)

    def failure(self, since: datetime | None = None) -> ProviderError:
        """Why nothing came, be it raised or told in the answer."""
        try:
            (answer,) = self.provider.fetch([self.instrument], "1min", since).values()
        except ProviderError as error:
            return error
        assert answer.failure is not None
        assert not answer.bars
        return answer.failure


type Open = Callable[..., World]


@pytest.fixture
def world() -> Iterator[Open]:
    """Opens a provider on a server: with a market that it tells of, or a reply to every request."""
    with provider_server(lambda _asked: Reply()) as server, requests.Session() as session:

        def open_world(
            name: str,
            instrument: Instrument | None = None,
            *,
            market: Sequence[Shown] = (),
            reply: Reply | Callable[[Asked], Reply] | None = None,
            before_request: Callable[[], None] = lambda: None,
            seconds: float = 5,
        ) -> World:
            dialect = DIALECTS[name]
            subject = instrument or dialect.instruments[-1]
            if isinstance(reply, Reply):
                server.reply = lambda _asked: reply
            else:
                server.reply = reply or (lambda asked: dialect.answer(asked, subject, market, NOW))
            kind = PROVIDERS[name]
            provider = kind.open(
                ProviderAccess(
                    session=session,
                    url=server.url,
                    read_key=(lambda: dialect.key) if dialect.key else None,
                    timeout_seconds=seconds,
                    hours="regular",
                    options={setting: choices[0] for setting, choices in kind.options.items()},
                    before_request=before_request,
                    now=lambda: NOW,
                )
            )
            return World(server, provider, dialect, subject)

        yield open_world


@cache
def traded_times(instrument: Instrument, bars: int, interval: str) -> list[datetime]:
    """The starts of the newest bars of an instrument's market, oldest first; the last one is forming."""
    market, length = market_of(instrument, "regular"), INTERVALS[interval]
    times = contiguous(NOW, length, bars if instrument.asset_class != "equity" else 16 * bars)
    return [each for each in times if is_traded(market, each, each + length)][-bars:]


def trade(instrument: Instrument, bars: int, interval: str = "1min") -> list[Shown]:
    """A market with a bar in each interval, newest first."""
    volume = None if instrument.asset_class == "fx" else 7
    return [Shown(each, volume=volume) for each in reversed(traded_times(instrument, bars, interval))]


def ended(market: Sequence[Shown], interval: str = "1min") -> set[str]:
    return {format_time(bar.open_time) for bar in market if bar.open_time + INTERVALS[interval] <= NOW}


def test_each_provider_of_the_catalogue_takes_part() -> None:
    assert DIALECTS.keys() == PROVIDERS.keys()
    for name, kind in PROVIDERS.items():
        assert all(map(kind.offers, DIALECTS[name].instruments))
        assert bool(DIALECTS[name].key) is any(map(kind.needs_key, DIALECTS[name].instruments))


# What comes of a good answer


@each_subject
@pytest.mark.parametrize("interval", INTERVALS)
def test_the_numbers_are_those_that_are_shown(
    world: Open, name: str, instrument: Instrument, interval: str
) -> None:
    market = trade(instrument, 20, interval)

    answer = world(name, instrument, market=market).fetch(interval=interval)

    expected = NUMBERS._replace(volume=None) if instrument.asset_class == "fx" else NUMBERS
    assert answer.bars == dict.fromkeys(ended(market, interval), expected)
    assert (answer.failure, answer.rejected) == (None, [])
    assert answer.asked_at == answer.as_of == NOW


@each_subject
def test_the_bar_that_is_forming_is_not_sent(world: Open, name: str, instrument: Instrument) -> None:
    market = [Shown(NOW.replace(second=0)), Shown(NOW.replace(minute=59, hour=14, second=0))]

    assert list(world(name, instrument, market=market).fetch().bars) == ["2026-12-01T14:59:00Z"]


@each_subject
def test_whatever_the_order_and_however_often_each_bar_comes_once(
    world: Open, name: str, instrument: Instrument
) -> None:
    market = trade(instrument, 20)
    shuffled = [*market[7:], *market[:9], *reversed(market)]

    answer = world(name, instrument, market=shuffled).fetch()

    assert answer.bars.keys() == ended(market)
    assert (answer.failure, answer.rejected) == (None, [])


@each_subject
def test_a_bar_of_the_future_is_not_sent(world: Open, name: str, instrument: Instrument) -> None:
    market = trade(instrument, 20)
    far = [datetime(9999, 12, 31, 23, 59, tzinfo=UTC), datetime(9998, 6, 1, tzinfo=UTC)]
    future = [Shown(each) for each in (*far, NOW + timedelta(days=1), NOW.replace(minute=1, second=0))]

    answer = world(name, instrument, market=[*future, *market]).fetch()

    assert answer.bars.keys() == ended(market)


IMPOSSIBLE = {
    "a high below its low": {"high": 9},
    "a close above its high": {"close": 13},
    "an open below its low": {"open": 9},
    "a price of 0": {"low": 0},
    "a price below 0": {"low": -9.25},
    "an infinite price": {"high": "1e999"},
    "a price that is no number": {"close": float("nan")},
    "a price that is a word": {"close": "eleven"},
    "no price": {"close": None},
    "true": {"close": True},
    "a list": {"close": [11]},
    "a volume below 0": {"volume": -1},
    "an infinite volume": {"volume": "1e999"},
}


@each_provider
@pytest.mark.parametrize("changes", IMPOSSIBLE.values(), ids=IMPOSSIBLE)
def test_an_impossible_bar_is_told_of_and_takes_no_other_with_it(
    world: Open, name: str, changes: dict[str, object]
) -> None:
    dialect = DIALECTS[name]
    market = trade(dialect.instruments[-1], 20)
    bad = Shown(market[5].open_time, **changes)

    answer = world(name, market=[*market[:5], bad, *market[6:]]).fetch()

    assert answer.bars.keys() == ended(market) - {format_time(bad.open_time)}
    (rejected,) = answer.rejected
    assert rejected.stamp
    assert rejected.detail


@each_provider
def test_bars_without_a_volume_are_bars(world: Open, name: str) -> None:
    (moment,) = ended(market := [Shown(NOW.replace(second=0) - timedelta(minutes=3), volume=None)])

    assert world(name, market=market).fetch().bars == {moment: NUMBERS._replace(volume=None)}


@each_provider
def test_an_answer_of_impossible_bars_alone_is_no_silence(world: Open, name: str) -> None:
    market = [bar._replace(high=1) for bar in trade(DIALECTS[name].instruments[-1], 20)]

    answer = world(name, market=market).fetch()

    assert not answer.bars
    assert len(answer.rejected) >= 19


# How far an answer reaches


@each_subject
def test_the_first_answer_holds_the_newest_hundred(world: Open, name: str, instrument: Instrument) -> None:
    market = trade(instrument, 500)

    answer = world(name, instrument, market=[*market[1::2], *market[::2]]).fetch()

    # A short answer of a hundred may hold the bar that is forming.
    newest = sorted(ended(market))
    assert set(newest[1 - BARS_PER_ANSWER :]) <= answer.bars.keys() <= set(newest[-BARS_PER_ANSWER:])


@each_subject
@pytest.mark.parametrize("gap", [1, 20, 98, 101, 300, 640, 719, 721, 1500])
def test_an_answer_that_reaches_back_holds_every_bar_since_then(
    world: Open, name: str, instrument: Instrument, gap: int
) -> None:
    # Half as many again, which it must not hold, or need not.
    market = trade(instrument, gap + gap // 2 + 100)
    since = market[gap].open_time

    answer = world(name, instrument, market=market).fetch(since)

    shown = sorted(answer.bars)
    assert answer.failure is None
    # In any case nothing is missing within.
    assert shown == sorted(each for each in ended(market) if each >= shown[0])
    assert answer.reaches_back is (shown[0] <= format_time(since))


@each_subject
@pytest.mark.parametrize("gap", [1, 20, 98])
def test_every_provider_reaches_back_for_what_a_hundred_bars_hold(
    world: Open, name: str, instrument: Instrument, gap: int
) -> None:
    market = trade(instrument, 500)

    assert world(name, instrument, market=market).fetch(market[gap].open_time).reaches_back


@each_subject
def test_bars_before_the_moment_are_shown_again_since_they_may_be_revised(
    world: Open, name: str, instrument: Instrument
) -> None:
    market = trade(instrument, 500)
    revised = market[20]._replace(close=10)

    answer = world(name, instrument, market=[*market[:20], revised, *market[21:]]).fetch(market[2].open_time)

    assert answer.bars[format_time(revised.open_time)].close == 10


@each_subject
def test_a_month_holds_its_own_bars_and_no_others(world: Open, name: str, instrument: Instrument) -> None:
    market = trade(instrument, 700, "60min")
    opened = world(name, instrument, market=market)

    month = opened.provider.fetch_month(instrument, "60min", "2026-11")

    # Midnight of a month is New York's for its shares.
    hour = 5 if instrument.asset_class == "equity" else 0
    first, after = f"2026-11-01T0{4 if hour else 0}:00:00Z", f"2026-12-01T0{hour}:00:00Z"
    assert month.bars.keys() == {each for each in ended(market, "60min") if first <= each < after}
    assert len(opened.server.asked) <= opened.provider.requests_per_month(instrument, "60min")


@each_provider
def test_a_month_without_a_bar_fails_with_a_name(world: Open, name: str) -> None:
    opened = world(name, market=trade(DIALECTS[name].instruments[-1], 5, "60min"))

    with pytest.raises(ProviderError, match=opened.instrument.name) as caught:
        opened.provider.fetch_month(opened.instrument, "60min", "2026-01")
    assert caught.value.outcome is FailureOutcome.WAIT


# What comes in place of an answer


@each_provider
def test_a_server_that_never_answers_costs_no_more_than_its_time(world: Open, name: str) -> None:
    started = time.monotonic()

    # However busy the machine is: without an end of its own it would wait for ever.
    assert type(world(name, reply=Reply(hangs=True), seconds=0.3).failure()) is ProviderUnavailableError
    assert time.monotonic() - started < 15


@each_provider
def test_a_connection_that_is_reset_is_a_provider_that_cannot_be_reached(world: Open, name: str) -> None:
    assert type(world(name, reply=Reply(resets=True)).failure()) is ProviderUnavailableError


@each_provider
def test_an_answer_that_breaks_off_is_no_answer(world: Open, name: str) -> None:
    instrument = DIALECTS[name].instruments[-1]

    def break_off(asked: Asked) -> Reply:
        return DIALECTS[name].answer(asked, instrument, trade(instrument, 20), NOW)._replace(missing=1)

    assert type(world(name, reply=break_off).failure()) is ProviderUnavailableError


@each_provider
@pytest.mark.parametrize("share", [0.02, 0.3, 0.5, 0.9, 0.999])
def test_json_that_is_cut_is_malformed_and_brings_no_half_of_its_bars(
    world: Open, name: str, share: float
) -> None:
    instrument = DIALECTS[name].instruments[-1]

    def cut(asked: Asked) -> Reply:
        body = DIALECTS[name].answer(asked, instrument, trade(instrument, 20), NOW).body
        return Reply(body[: int(share * len(body))])

    assert type(world(name, reply=cut).failure()) is MalformedAnswerError


@each_provider
@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html><head><title>Just a moment...</title></head></html>",
        b"null",
        b"[]",
        b'"bars"',
        b'{"bars": 5, "Time Series (1min)": 5, "error": [], "result": 5}',
        b'{"bars": {"BTC/USD": 5}, "Time Series (1min)": {}, "Meta Data": 5, "error": 5}',
        b"[" * 100_000,
        b"\xff\xfe{}",
    ],
    ids=["nothing", "HTML", "null", "a list", "a text", "numbers", "more numbers", "deep", "no UTF-8"],
)
def test_what_is_no_answer_of_the_providers_is_malformed(world: Open, name: str, body: bytes) -> None:
    opened = world(name, reply=Reply(body))

    failure = opened.failure()

    assert len(str(failure)) < 1000
    if body == opened.dialect.answer(opened.server.asked[0], opened.instrument, (), NOW).body:
        # With these words it says that there is no bar.
        assert failure.outcome is FailureOutcome.WAIT
        return
    assert type(failure) is MalformedAnswerError
    assert failure.outcome is FailureOutcome.RETRY_SOON


@each_provider
@pytest.mark.parametrize("status", [500, 502, 503, 504, 520])
def test_a_server_in_trouble_is_asked_again_soon(world: Open, name: str, status: int) -> None:
    failure = world(name, reply=Reply(b"<html>", status)).failure()

    assert type(failure) is ProviderUnavailableError
    assert failure.outcome is FailureOutcome.RETRY_SOON
    assert str(status) in str(failure)


@each_provider
@pytest.mark.parametrize("status", [301, 302, 307])
def test_no_redirect_is_followed(world: Open, name: str, status: int) -> None:
    opened = world(name)
    opened.server.reply = lambda _asked: Reply(b"", status, [f"Location: {opened.server.url}/elsewhere"])

    assert type(opened.failure()) is ProviderUnavailableError
    assert {asked.path for asked in opened.server.asked} != {"/elsewhere"}
    assert len(opened.server.asked) == 1


@each_provider
@pytest.mark.parametrize("status", [429, 503])
def test_a_server_is_left_alone_for_as_long_as_it_asks(world: Open, name: str, status: int) -> None:
    failure = world(name, reply=Reply(b"{}", status, ["Retry-After: 120"])).failure()

    assert failure.retry_after == timedelta(seconds=120)
    assert failure.outcome not in NEEDS_A_PERSON


@each_provider
def test_a_429_without_more_words_is_a_limit_that_passes(world: Open, name: str) -> None:
    assert world(name, reply=Reply(b"", 429)).failure().outcome is FailureOutcome.WAIT


@pytest.mark.parametrize(
    ("name", "limit"), [(name, each) for name in NAMES for each in range(len(DIALECTS[name].limits))]
)
def test_a_limit_in_the_providers_own_words_is_nobodys_fault(world: Open, name: str, limit: int) -> None:
    failure = world(name, reply=DIALECTS[name].limits[limit]).failure()

    assert failure.outcome is not FailureOutcome.TELL_A_PERSON
    assert not isinstance(failure, MalformedAnswerError)


@each_subject
def test_an_unknown_instrument_is_told_by_its_name(world: Open, name: str, instrument: Instrument) -> None:
    failure = world(name, instrument, reply=DIALECTS[name].unknown).failure()

    assert instrument.name in str(failure)
    assert failure.outcome in {FailureOutcome.TELL_A_PERSON, FailureOutcome.WAIT}


@each_provider
def test_a_market_without_a_bar_is_waited_for(world: Open, name: str) -> None:
    opened = world(name, market=())

    failure = opened.failure()

    assert failure.outcome is FailureOutcome.WAIT
    assert opened.instrument.name in str(failure)


@each_provider
def test_of_instruments_that_share_a_request_each_has_an_answer(world: Open, name: str) -> None:
    opened = world(name, market=trade(DIALECTS[name].instruments[-1], 20))
    others = [parse_instrument(each) for each in ("crypto:AAA/USD", "crypto:ZZZ/USD")]
    wanted = [opened.instrument, *others][: opened.provider.instruments_per_request]

    answers = opened.provider.fetch(wanted, "1min", None)

    assert answers.keys() == {each.name for each in wanted}
    assert answers[opened.instrument.name].bars


# Money and secrets


@each_subject
@pytest.mark.parametrize("since", [None, NOW - timedelta(minutes=10), NOW - timedelta(days=3)])
def test_each_request_is_announced_before_it_is_made(
    world: Open, name: str, instrument: Instrument, since: datetime | None
) -> None:
    announced: list[int] = []
    opened = world(name, instrument, market=trade(instrument, 1200))
    opened = world(
        name,
        instrument,
        market=trade(instrument, 1200),
        before_request=lambda: announced.append(len(opened.server.asked)),
    )

    opened.fetch(since)

    assert announced == list(range(len(opened.server.asked)))


@each_provider
def test_who_may_not_be_asked_is_not(world: Open, name: str) -> None:
    allowance = Allowance()
    allowance.begin(0)
    opened = world(name, before_request=allowance.spend)

    assert type(opened.failure()) is AllowanceSpentError
    assert opened.server.asked == []


@each_subject
def test_what_the_allowance_cuts_off_costs_no_bar_that_came(
    world: Open, name: str, instrument: Instrument
) -> None:
    allowance = Allowance()
    allowance.begin(1)
    market = trade(instrument, 1200)
    opened = world(name, instrument, market=market, before_request=allowance.spend)

    answer = opened.fetch(market[1100].open_time)

    shown = sorted(answer.bars)
    assert shown == sorted(each for each in ended(market) if shown[0] <= each <= shown[-1])
    is_whole = answer.reaches_back and shown[0] <= format_time(market[1100].open_time)
    # What is missing is told: newer bars by a failure, older ones by not reaching back.
    assert answer.failure is not None or shown[-1] == max(ended(market))
    assert is_whole or answer.failure is not None or not answer.reaches_back


@each_provider
def test_pages_without_an_end_end_with_the_allowance(world: Open, name: str) -> None:
    dialect, numbers = DIALECTS[name], count()
    if dialect.endless(dialect.instruments[-1], 0) is None:
        return
    allowance = Allowance()
    allowance.begin(7)

    def turn(_asked: Asked) -> Reply:
        page = dialect.endless(dialect.instruments[-1], next(numbers))
        assert page is not None
        return page

    opened = world(name, reply=turn, before_request=allowance.spend)

    assert type(opened.fetch(NOW - timedelta(hours=1)).failure) is AllowanceSpentError
    assert len(opened.server.asked) == 7


ECHOES = [
    Reply(status=status, body=body)
    for status in (200, 400, 401, 403, 404, 422, 429, 500)
    for body in (
        b'{"message": "%s"}',
        b'{"Error Message": "the parameter apikey %s is invalid or missing"}',
        b'{"Information": "premium: your API key %s"}',
        b'{"error": ["EGeneral:%s"]}',
        b'{"error": ["EQuery:Unknown asset pair %s"], "result": {"%s": []}}',
        b'{"bars": {"%s": [{"t": "%s"}]}, "next_page_token": null}',
        b'{"%s": 1}',
        b"<html>%s</html>",
    )
]


@pytest.mark.parametrize("name", KEYED)
def test_the_key_is_shown_to_nobody_however_the_server_repeats_it(world: Open, name: str) -> None:
    dialect = DIALECTS[name]
    for echo in ECHOES:
        for secret in (*dialect.secrets, dialect.key):
            body = echo.body.replace(b"%s", secret.encode())
            opened = world(name, reply=echo._replace(body=body))
            try:
                answers = opened.provider.fetch([opened.instrument], "1min", None)
            except ProviderError as error:
                told = [str(error), repr(error)]
            else:
                told = [str(answer) for answer in answers.values()]
            for text in (*told, shorten(body)):
                assert not any(each in text for each in dialect.secrets), echo


@pytest.mark.parametrize("name", KEYED)
def test_the_key_reaches_the_server(world: Open, name: str) -> None:
    instrument = DIALECTS[name].instruments[0]
    opened = world(name, instrument, market=trade(instrument, 20))

    opened.fetch()

    assert all(each in opened.server.asked[0].text for each in opened.dialect.secrets)


@pytest.mark.parametrize("name", [name for name in NAMES if name not in KEYED])
def test_who_wants_no_key_is_shown_none_and_refuses_none(world: Open, name: str) -> None:
    opened = world(name, reply=Reply(b"{}", 401))

    failure = opened.failure()

    assert not isinstance(failure, KeyRefusedError)
    assert not any(word in opened.server.asked[0].text.lower() for word in ("key", "authorization", "secret"))


@each_provider
def test_a_text_of_the_servers_cannot_move_a_cursor_or_fill_a_log(world: Open, name: str) -> None:
    words = "\x1b[2J\u202e" + 100_000 * "a"
    for body in (json.dumps({"error": [words], "message": words}), json.dumps({words: words}), words):
        for status in (200, 400, 500):
            text = str(world(name, reply=Reply(body.encode(), status)).failure())

            assert len(text) < 1000
            assert text.isprintable()
