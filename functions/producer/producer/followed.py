"""The instruments of the file in S3: it is read when it has changed, and a bad one changes nothing."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NamedTuple

from botocore.exceptions import BotoCoreError, ClientError

from producer.memory.list_item import ListItem, ReportedList
from stockstream.errors import StockstreamError
from stockstream.instrument_file import INSTRUMENT_FILE, MOST_BYTES, parse_instrument_file
from stockstream.instruments import Instrument
from stockstream.observability import MetricUnit, logger, metrics

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

# How many lines of a file are logged one by one.
MOST_LINES = 100
_UNCHANGED = ("304", "NotModified")


class _ListUnreadableError(StockstreamError):
    """The file is missing, or is no list.

    Attributes:
        mark: S3's code for it, or the ETag of a file that is no list; empty where it may pass by itself.
    """

    def __init__(self, mark: str, detail: str) -> None:
        super().__init__(detail)
        self.mark = mark


class _Version(NamedTuple):
    """A version of the file: its ETag, and its text."""

    mark: str
    text: str


class Followed:
    """The instruments that a file in S3 lists.

    Each run asks S3 whether the file has changed, which costs 2 cents a month. A bad line is reported once,
    by its number, however many containers read the file: a DynamoDB item says which version was reported on.
    It also keeps the last good list, for a new container that finds the file missing.

    Args:
        s3: boto3's client.
        bucket: the file's bucket.
        item: the table's item that keeps the last good list.
        check: raises InstrumentError for an instrument that cannot be followed.
        default: what is followed until there is a good file.

    Attributes:
        instruments: what is followed.
    """

    def __init__(
        self,
        s3: "S3Client",
        bucket: str,
        item: ListItem,
        check: Callable[[Instrument], object],
        default: tuple[Instrument, ...],
    ) -> None:
        self.instruments = default
        self._s3 = s3
        self._bucket = bucket
        self._item = item
        self._check = check
        self._reported: ReportedList | None = None
        self._mark = ""
        self._warned = ""
        self._has_list = False

    def refresh(self) -> bool:
        """Reads the file if it has changed; whether the list that is followed is another one now."""
        before = self.instruments
        self._recall()
        try:
            version = self._read()
            if version:
                self._take(version)
            elif self._reported and self._reported.mark != self._mark:
                # It can be read again, and has not changed meanwhile.
                self._report(self._mark, 0)
        except _ListUnreadableError as error:
            self._keep(error)
        return self.instruments != before

    def _recall(self) -> None:
        """Takes up the last good list, in a new container."""
        if self._reported is not None:
            return
        try:
            self._reported = self._item.read()
        except (BotoCoreError, ClientError) as error:
            # The run itself reads the table next, and fails with it.
            logger.warning("instruments not recalled", kind=type(error).__name__, detail=str(error))
            return
        found = parse_instrument_file("\n".join(self._reported.names), self._check)
        if found.instruments:
            self.instruments, self._has_list = found.instruments, True
        if found.refused:
            # A setting has changed since: these lines were good when the file was last reported on.
            self._reported = self._reported._replace(mark="")

    def _read(self) -> _Version | None:
        """The file; None where it has not changed since it was last read."""
        unless: Any = {"IfNoneMatch": self._mark} if self._mark else {}
        try:
            answer = self._s3.get_object(Bucket=self._bucket, Key=INSTRUMENT_FILE, **unless)
            if answer["ContentLength"] > MOST_BYTES:
                size = f"{answer['ContentLength']:,} bytes, and {MOST_BYTES:,} are the most"
                answer["Body"].close()
                raise _ListUnreadableError(answer["ETag"], f"{INSTRUMENT_FILE} has {size}")
            return _Version(answer["ETag"], answer["Body"].read().decode())
        except ClientError as error:
            code = error.response["Error"]["Code"]
            if code in _UNCHANGED:
                return None
            # S3 answers AccessDenied, too, for a missing file, where the caller may not list the bucket.
            passes = error.response["ResponseMetadata"]["HTTPStatusCode"] not in {403, 404}
            raise _ListUnreadableError("" if passes else code, str(error)) from error
        except BotoCoreError as error:
            raise _ListUnreadableError("", str(error)) from error
        except UnicodeDecodeError as error:
            raise _ListUnreadableError(
                answer["ETag"], f"{INSTRUMENT_FILE} is no UTF-8 text: {error}"
            ) from error

    def _take(self, version: _Version) -> None:
        found = parse_instrument_file(version.text, self._check)
        self._mark, self._warned = version.mark, ""
        if found.instruments:
            self.instruments, self._has_list = found.instruments, True
        if self._is_reported(version.mark):
            return
        for line in found.refused[:MOST_LINES]:
            logger.error(
                "instrument line refused",
                instrument=line.text,
                line=line.number,
                detail=f"line {line.number} of {INSTRUMENT_FILE}: {line.reason}",
            )
        nothing = not found.instruments
        if nothing:
            logger.error(
                "instruments not read", detail=f"{INSTRUMENT_FILE} lists none; the last list is kept"
            )
        self._report(version.mark, len(found.refused) + nothing)

    def _keep(self, error: _ListUnreadableError) -> None:
        """Goes on with the last list, and says once why."""
        detail = f"{error}; the last list is kept"
        if not error.mark or not (self._reported and self._reported.mark):
            # It passes by itself; or the file is not there yet.
            if self._warned != str(error):
                self._warned = str(error)
                logger.warning("instruments not read", detail=detail)
        elif not self._is_reported(error.mark):
            logger.error("instruments not read", detail=detail)
            self._report(error.mark, 1)

    def _is_reported(self, mark: str) -> bool:
        return self._reported is not None and self._reported.mark == mark

    def _report(self, mark: str, count: int) -> None:
        """Counts what a person should mend, and remembers that this version was reported on."""
        if count:
            metrics.add_metric("InstrumentsSilent", MetricUnit.Count, count)
        names = tuple(each.name for each in self.instruments) if self._has_list else ()
        self._reported = ReportedList(mark, names)
        try:
            self._item.write(self._reported)
        except (BotoCoreError, ClientError) as error:
            logger.warning("instruments not remembered", kind=type(error).__name__, detail=str(error))
