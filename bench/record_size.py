"""`make bench-record`: what a look-back takes in a record, beside other ways to serve the ATR."""

from itertools import pairwise
from statistics import median

import orjson
from tail_markets import Market, generated_markets

from producer.ohlcv import Ohlcv
from stockstream.bars import Bar
from stockstream.instruments import parse_instrument
from stockstream.lookbacks import Lookbacks
from stockstream.records import encode_record
from stockstream.windows import Windows

# Firehose bills each started 5 KB of a record.
BILLED_BYTES = 5 * 1024
FIRST, BARS = 300, 200


def main() -> None:
    """Prints the median size of a record with a full look-back."""
    print(
        f"Bytes of a record with a full look-back (median of {BARS}); Firehose bills {BILLED_BYTES} at once\n"
    )
    for number, market in enumerate(generated_markets()):
        sizes = measure(market)
        if not number:
            print(f"{'':12}" + "".join(f"{name:>24}" for name in sizes))
        print(f"{market.name:12}" + "".join(f"{size:24.0f}" for size in sizes.values()))


def measure(market: Market) -> dict[str, float]:
    """The sizes by what the look-back holds besides closes, typical prices and volumes."""
    bars = list(market.bars.values())
    lookbacks = Lookbacks(bars, Windows())
    sizes: dict[str, list[int]] = {}
    for position in range(FIRST, FIRST + BARS):
        data = _encode(market.instrument, bars[position], lookbacks, position)
        record = orjson.loads(data)
        window = bars[position - 199 : position]
        ranges = [
            max(bar.high, before.close) - min(bar.low, before.close) for before, bar in pairwise(window)
        ]
        others = {name: record["lookback"][name] for name in ("close", "typical", "volume")}
        variants = {
            "as it is": record["lookback"],
            "no true ranges": others,
            "true ranges, unrounded": others | {"true_range": ranges},
            "highs and lows": others
            | {"high": [bar.high for bar in window], "low": [bar.low for bar in window]},
        }
        for name, lookback in variants.items():
            sizes.setdefault(name, []).append(len(orjson.dumps(record | {"lookback": lookback})))
    return {name: median(each) for name, each in sizes.items()}


def _encode(instrument: str, numbers: Ohlcv, lookbacks: Lookbacks, position: int) -> bytes:
    bar = Bar(
        instrument=instrument,
        asset_class=parse_instrument(instrument).asset_class,
        interval="1min",
        open_time="2026-11-20T20:59:00Z",
        **numbers._asdict(),
        source="alphavantage",
        as_of="2026-11-20T21:00:05.123Z",
    )
    return encode_record(bar, lookbacks.before(position))


if __name__ == "__main__":
    main()
