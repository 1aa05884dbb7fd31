"""What a stack follows: the file of its list in the lake's bucket, or the parameter Instruments."""

from collections.abc import Iterable
from typing import Any, NamedTuple

import boto3
from botocore.exceptions import ClientError

from stockstream.errors import StockstreamError
from stockstream.instrument_file import INSTRUMENT_FILE, name_in, parse_instrument_file
from stockstream.instruments import Instrument, parse_instruments
from stockstream.sessions import market_of
from stockstream_operate.stack import Stack


class ListError(StockstreamError):
    """The list was not read or not changed; the text says why, and what to do."""


class StoredFile(NamedTuple):
    """A file of the list.

    Attributes:
        text: what it holds; empty where there is none.
        version: S3's mark of what it holds; None where there is none.
    """

    text: str
    version: str | None


def is_in_a_file(stack: Stack) -> bool:
    """Whether the stack's producer looks for a file."""
    return stack.parameters.get("InstrumentsFileEnabled") == "true"


def check_calendar(stack: Stack, instrument: Instrument) -> None:
    """Whether anybody knows when an instrument trades.

    Raises:
        InstrumentError: no calendar says it.
    """
    market_of(instrument, stack.parameters.get("MarketHours", "regular"))


def read_file(stack: Stack) -> StoredFile:
    """The file as it is.

    Raises:
        ListError: it is no text.
        BotoCoreError, ClientError, StackError: it cannot be read.
    """
    try:
        answer = boto3.client("s3").get_object(Bucket=stack.output("LakeBucketName"), Key=INSTRUMENT_FILE)
    except ClientError as error:
        if error.response["Error"]["Code"] != "NoSuchKey":
            raise
        return StoredFile("", None)
    try:
        # Without the mark of its encoding that Windows may put before the first name.
        return StoredFile(answer["Body"].read().decode("utf-8-sig"), answer["ETag"])
    except UnicodeDecodeError:
        raise ListError(
            f"{INSTRUMENT_FILE} is no UTF-8 text: write it anew, one instrument a line."
        ) from None


def write_file(stack: Stack, text: str, read: StoredFile) -> None:
    """Writes the file over what was read.

    Raises:
        ListError: somebody has changed it meanwhile.
        BotoCoreError, ClientError, StackError: it cannot be written.
    """
    unless: Any = {"IfMatch": read.version} if read.version else {"IfNoneMatch": "*"}
    try:
        boto3.client("s3").put_object(
            Bucket=stack.output("LakeBucketName"),
            Key=INSTRUMENT_FILE,
            Body=text.encode(),
            ContentType="text/plain; charset=utf-8",
            **unless,
        )
    except ClientError as error:
        if error.response["Error"]["Code"] not in {"PreconditionFailed", "ConditionalRequestConflict"}:
            raise
        raise ListError("Somebody has changed the list meanwhile; nothing was written. Ask again.") from None


def read_followed(stack: Stack) -> tuple[Instrument, ...]:
    """What the stack follows now, as far as its file and its parameter say.

    Raises:
        InstrumentError: the parameter lists none.
        ListError, BotoCoreError, ClientError, StackError: the file cannot be read.
    """
    if is_in_a_file(stack):
        found = parse_instrument_file(read_file(stack).text, lambda each: check_calendar(stack, each))
        if found.instruments:
            return found.instruments
    return parse_instruments(stack.parameters.get("Instruments", ""))


def with_names(text: str, names: Iterable[str]) -> str:
    """A list with more names at its end."""
    begun = text if not text or text.endswith("\n") else f"{text}\n"
    return begun + "".join(f"{name}\n" for name in names)


def without_names(text: str, names: Iterable[str]) -> str:
    """A list without the lines of some names; what else stands in it stays as it is."""
    gone = set(names)
    return "".join(line for line in text.splitlines(keepends=True) if name_in(line) not in gone)
