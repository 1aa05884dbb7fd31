"""The producer's settings, read from its environment."""

from collections.abc import Mapping
from dataclasses import dataclass

from producer.markets.watchlist import Watchlist
from producer.providers.catalogue import PROVIDERS
from producer.publishing.price_moves import PriceWatch
from stockstream.bars import INTERVALS
from stockstream.errors import InstrumentError, SettingsError
from stockstream.instruments import Instrument, parse_instruments
from stockstream.partitions import PARTITIONS
from stockstream.sessions import HOURS
from stockstream.settings import (
    read_choice,
    read_number,
    read_parameter_name,
    read_text,
    read_url,
    read_whole_number,
)
from stockstream.windows import Windows, parse_windows


@dataclass(frozen=True, slots=True)
class ProducerSettings:
    """The settings of one producer, checked.

    Attributes:
        watchlist: what is followed; where a file lists it, until there is one.
        instrument_bucket_name: where that file lies; None where there is none.
        partitions: among how many runs of a minute the watchlist is divided.
    """

    watchlist: Watchlist
    instrument_bucket_name: str | None
    partitions: int
    provider: str
    provider_url: str
    provider_timeout_seconds: float
    requests_per_day: int | None
    requests_per_minute: int
    provider_options: Mapping[str, str]
    api_key_parameter_name: str
    bar_stream_name: str
    instrument_table_name: str
    windows: Windows
    watch: PriceWatch


def read_settings(environ: Mapping[str, str]) -> ProducerSettings:
    """The settings that an environment holds.

    Raises:
        SettingsError: one is missing or cannot be used; the text names it.
    """
    try:
        instruments = parse_instruments(read_text(environ, "INSTRUMENTS"))
    except InstrumentError as error:
        raise SettingsError(f"INSTRUMENTS: {error}") from None
    provider = read_choice(environ, "PROVIDER", tuple(PROVIDERS))
    kind = PROVIDERS[provider]
    if refused := [each.name for each in instruments if not kind.offers(each)]:
        raise SettingsError(f"INSTRUMENTS: {kind.title} has no bars of {', '.join(refused)}")
    bucket = environ.get("INSTRUMENT_BUCKET_NAME", "").strip() or None
    watchlist = Watchlist(
        instruments,
        interval=read_choice(environ, "INTERVAL", tuple(INTERVALS)),
        hours=read_choice(environ, "MARKET_HOURS", HOURS),
    )
    try:
        watchlist.count_by_market()
    except InstrumentError as error:
        raise SettingsError(f"INSTRUMENTS: {error}") from None
    # 0 is a plan without a daily limit.
    requests_per_day = read_whole_number(environ, "REQUESTS_PER_DAY", at_least=0, at_most=9_999_999) or None
    requests_per_minute = read_whole_number(environ, "REQUESTS_PER_MINUTE", at_least=1, at_most=10_000)
    return ProducerSettings(
        watchlist=watchlist,
        instrument_bucket_name=bucket,
        partitions=_read_partitions(environ, requests_per_day, requests_per_minute),
        provider=provider,
        provider_url=read_url(environ, "PROVIDER_URL"),
        # A request takes twice as long at the most, and must fit into a run.
        provider_timeout_seconds=read_number(environ, "PROVIDER_TIMEOUT_SECONDS", at_least=0.1, at_most=15),
        requests_per_day=requests_per_day,
        requests_per_minute=requests_per_minute,
        # Those of every provider, so that a bad value is found before somebody changes to it.
        provider_options={
            name: read_choice(environ, name, choices)
            for each in PROVIDERS.values()
            for name, choices in each.options.items()
        },
        api_key_parameter_name=read_parameter_name(environ, "API_KEY_PARAMETER_NAME"),
        bar_stream_name=read_text(environ, "BAR_STREAM_NAME"),
        instrument_table_name=read_text(environ, "INSTRUMENT_TABLE_NAME"),
        windows=parse_windows(read_text(environ, "SMA_WINDOWS"), read_text(environ, "EMA_WINDOWS")),
        watch=_read_watch(environ, watchlist, is_whole=bucket is None),
    )


def check_instrument(settings: ProducerSettings, instrument: Instrument) -> None:
    """Whether an instrument that a file lists can be followed.

    Raises:
        InstrumentError: the provider has no bars of it, or no calendar says when it trades.
    """
    kind = PROVIDERS[settings.provider]
    if not kind.offers(instrument):
        raise InstrumentError(f"{kind.title} has no bars of {instrument.name}")
    settings.watchlist.market_of(instrument)


def _read_partitions(
    environ: Mapping[str, str], requests_per_day: int | None, requests_per_minute: int
) -> int:
    """What PRODUCER_PARTITIONS says, with a plan that so many partitions can share."""
    if not environ.get("PRODUCER_PARTITIONS"):
        return 1
    partitions = int(read_choice(environ, "PRODUCER_PARTITIONS", tuple(map(str, PARTITIONS))))
    if partitions > 1 and requests_per_day is not None:
        raise SettingsError(
            f"PRODUCER_PARTITIONS is {partitions}, and REQUESTS_PER_DAY {requests_per_day}: a day's requests "
            "are not divided; set the one to 1, or the other to 0"
        )
    if requests_per_minute < partitions:
        raise SettingsError(
            f"REQUESTS_PER_MINUTE is {requests_per_minute}, and must be {partitions} or more: each of the "
            f"{partitions} partitions of PRODUCER_PARTITIONS makes requests of its own"
        )
    return partitions


def _read_watch(environ: Mapping[str, str], watchlist: Watchlist, *, is_whole: bool) -> PriceWatch:
    """What PRICE_MOVE_PERCENT, PRICE_MOVE_BARS and PRICE_MOVE_INSTRUMENTS say; the last may be empty.

    Args:
        environ: where they stand.
        watchlist: what is followed.
        is_whole: whether nothing else is; a file may list more.
    """
    try:
        listed = environ.get("PRICE_MOVE_INSTRUMENTS", "").strip()
        names = frozenset(each.name for each in parse_instruments(listed)) if listed else frozenset()
    except InstrumentError as error:
        raise SettingsError(f"PRICE_MOVE_INSTRUMENTS: {error}") from None
    if is_whole and (unknown := names - {each.name for each in watchlist.instruments}):
        raise SettingsError(
            f"PRICE_MOVE_INSTRUMENTS: {', '.join(sorted(unknown))} is not followed; add it to INSTRUMENTS"
        )
    return PriceWatch(
        # 0 looks at nothing.
        percent=read_number(environ, "PRICE_MOVE_PERCENT", at_least=0, at_most=1000),
        bars=read_whole_number(environ, "PRICE_MOVE_BARS", at_least=1, at_most=99),
        names=names,
        hours=watchlist.hours,
    )
