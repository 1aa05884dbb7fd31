"""`make bench-tail`: the items of a tail, and what a million bars cost."""

import math
from itertools import chain
from statistics import median

from tail_day import Day, run_day
from tail_markets import generated_markets, recorded_markets

from stockstream_operate.cost.figures import WHOLE_PROCESSOR_MB
from stockstream_operate.cost.prices import PRICES

# Without free tiers.
PRICE = PRICES["us-east-1"]
GB = 1024**3
PUT_UNIT_BYTES, FIREHOSE_UNIT_BYTES = 25 * 1024, 5 * 1024
# Lambda gives less memory a share of a processor: the same work costs the same.
PROCESSOR_SECOND = WHOLE_PROCESSOR_MB / 1024 * PRICE.lambda_gb_second
TRANSFORM_BUFFER_BYTES = 1024**2
PRODUCER_GB = 256 / 1024
MINUTES_A_MONTH = 60 * 24 * 30


def main() -> None:
    """Prints the items, the costs that grow with the bars, and those that do not."""
    days = [run_day(market) for market in chain(recorded_markets(), generated_markets())]
    print_items(days)
    print_costs(days)
    print_rest()


def print_items(days: list[Day]) -> None:
    """How large the items were, and how many units a bar took."""
    print("Bytes of an item (least, median, most), bars for each base, units a bar\n")
    print(f"{'':10}{'head':>20}{'base':>20}{'bars a base':>14}{'written':>10}{'read':>8}")
    for day in days:
        heads, bases = (
            f"{min(sizes)} {median(sizes):.0f} {max(sizes)}" if sizes else "none"
            for sizes in day.sizes.values()
        )
        bars_a_base = f"{day.bars / len(day.sizes['base']):.0f}" if day.sizes["base"] else ""
        print(f"{day.name:10}{heads:>20}{bases:>20}{bars_a_base:>14}", end="")
        print(f"{day.write_units / day.bars:10.3f}{day.read_units / day.bars:8.3f}")


def print_costs(days: list[Day]) -> None:
    """What a million bars cost, by what is paid for."""
    columns = [million_bars(day) for day in days]
    print("\nDollars a million bars\n")
    print(f"{'':28}" + "".join(f"{day.name:>11}" for day in days))
    for name in columns[0]:
        print(f"{name:28}" + "".join(f"{column[name]:11.4f}" for column in columns))
    totals = [sum(column.values()) for column in columns]
    print(f"{'total':28}" + "".join(f"{total:11.4f}" for total in totals))
    print(f"\nA bar of {days[0].name}: a record of {median(map(len, days[0].records)):.0f} bytes,", end=" ")
    print(f"{1e3 * days[0].producer_seconds / days[0].bars:.2f} ms of the producer and", end=" ")
    print(f"{1e3 * days[0].transform_seconds / days[0].bars:.2f} ms of the transform on this processor.")


def million_bars(day: Day) -> dict[str, float]:
    """What a million bars like those of the day cost, in dollars."""
    record = median(map(len, day.records))
    dollars_a_bar = {
        "DynamoDB writes": day.write_units / day.bars * PRICE.write_unit,
        "DynamoDB reads": day.read_units / day.bars * PRICE.read_unit,
        "Kinesis PUT units": math.ceil(record / PUT_UNIT_BYTES) * PRICE.put_unit,
        "Firehose": math.ceil(record / FIREHOSE_UNIT_BYTES) * FIREHOSE_UNIT_BYTES / GB * PRICE.firehose_gb,
        "producer's processor": day.producer_seconds / day.bars * PROCESSOR_SECOND,
        "transform's processor": day.transform_seconds / day.bars * PROCESSOR_SECOND,
        "transform's requests": record / TRANSFORM_BUFFER_BYTES * PRICE.lambda_call,
        "S3, a month": day.stored_bytes / day.bars / GB * PRICE.s3_gb_month,
    }
    return {name: 1e6 * dollars for name, dollars in dollars_a_bar.items()}


def print_rest() -> None:
    """What grows with time, or with the requests to the provider, and not with the bars."""
    print("\nDollars a month of running around the clock, whatever the number of instruments\n")
    for name, dollars in {
        "producer's requests": PRICE.lambda_call,
        "transform's requests": PRICE.lambda_call,
        "S3 PUTs, one a minute": PRICE.s3_put,
        "the ledger, two writes and a read": 2 * PRICE.write_unit + PRICE.read_unit,
    }.items():
        print(f"{name:34}{MINUTES_A_MONTH * dollars:11.4f}")
    second = 1e6 * PRODUCER_GB * PRICE.lambda_gb_second
    print("\nNot measured: the producer waits for its provider. A million requests", end=" ")
    print(f"cost {0.1 * second:.2f} dollars when each takes 0.1 s, and {second:.2f} when it takes 1 s.")


if __name__ == "__main__":
    main()
