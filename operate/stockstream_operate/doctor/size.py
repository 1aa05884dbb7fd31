"""Whether a stack's parameters suffice for what it follows, by the figures of docs/scaling.md."""

from collections.abc import Iterator
from dataclasses import replace

from stockstream.errors import InstrumentError
from stockstream_operate.cost.cost_command import workload_of
from stockstream_operate.counts import say_count
from stockstream_operate.doctor.finding import Finding, good, note
from stockstream_operate.instrument_list import ListError, read_followed
from stockstream_operate.stack import Stack

SUBJECT = "size"


def examine_size(stack: Stack) -> Iterator[Finding]:
    """Whether the producer and the stream are large enough; nothing where no list can be read.

    Args:
        stack: with all its parameters.

    Raises:
        BotoCoreError, ClientError, StackError: the list cannot be read.
    """
    try:
        instruments = len(read_followed(stack))
    except (InstrumentError, ListError):
        return  # another check says what is wrong with it
    work = workload_of(stack.parameters, instruments)
    fewest = replace(work, partitions=None, memory=None).partitions_used
    # With more partitions than a list needs, each run needs less of a processor.
    fitting = replace(work, partitions=max(work.partitions_used, fewest), memory=None, shards=None)
    needed = {
        "ProducerPartitions": (work.partitions_used, fitting.partitions_used),
        "ProducerMemory": (work.memory_used, fitting.memory_used),
        "StreamShards": (work.shards_used, fitting.shards_used),
    }
    if stack.parameters.get("StreamMode") == "ON_DEMAND":
        del needed["StreamShards"]
    more = [f"{name}={least}" for name, (has, least) in needed.items() if has < least]
    followed = say_count(instruments, "instrument")
    if more:
        yield note(
            SUBJECT,
            f"{followed} want {', '.join(more)} or more, as docs/scaling.md counts",
            f"make deploy ARGS='--stack {stack.name} {' '.join(more)}'",
        )
    else:
        yield good(SUBJECT, f"the producer and the stream suffice for {followed}")
