"""The instruments that a file lists: it is read when it has changed, and a bad file changes nothing."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NamedTuple

from botocore.exceptions import BotoCoreError, ClientError

from producer.memory.list_item import ListItem, RememberedList
from stockstream.errors import StockstreamError
from stockstream.instrument_file import INSTRUMENT_FILE, MOST_BYTES, parse_instrument_file
from stockstream.instruments import Instrument
from stockstream.observability import MetricUnit, logger, metrics

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

# How many refused lines of a file are logged, each by itself.
MOST_LINES = 100
_UNCHANGED = ("304", "NotModified")


class _ListUnreadableError(StockstreamError):
    """The file is not there, or is no list.

    Attributes:
        mark: identifies the reason, as S3's mark does a file; empty where it may pass by itself.
    """

    def __init__(self, mark: str, detail: str) -> None:
        super().__init__(detail)
        self.mark = mark


class _Version(NamedTuple):
    """A version of the file: S3's mark of it, and its text."""

    mark: str
    text: str


class ListedInstruments:
    """The instruments that a file in S3 lists.

    Each run asks S3 whether the file has changed, which costs 2 cents a month. What is bad in it is reported
    once, by the number of its line, however many containers read it: a DynamoDB item remembers which version
    was reported, and the last good list, for the day on which a new container finds no file.

    Args:
        s3: boto3's client.
        bucket: where the file lies.
        item: what remembers the last good list.
        check: raises InstrumentError for an instrument that cannot be followed.
        reports: whether this one reports what is bad. Where the list is divided, one partition does.
        until_then: what is followed as long as there has never been a good file.

    Attributes:
        instruments: what is followed.
    """

    def __init__(
        self,
        s3: "S3Client",
        bucket: str,
        item: ListItem,
        check: Callable[[Instrument], object],
        until_then: tuple[Instrument, ...],
        *,
        reports: bool = True,
    ) -> None:
        self.instruments = until_then
        self._s3 = s3
        self._bucket = bucket
        self._item = item
        self._check = check
        self._reports = reports
        self._remembered: RememberedList | None = None
        self._mark = ""
        self._warned = ""
        self._has_list = False

    def refresh(self) -> bool:
        """Reads the file if it has changed.

        Returns:
            Whether what is followed has changed.
        """
        before = self.instruments
        self._recall()
        try:
            version = self._read()
            if version:
                self._take(version)
            elif self._remembered and not self._is_reported(self._mark):
                # The file can be read again, and is as it was before.
                self._report(self._mark, 0)
        except _ListUnreadableError as error:
            self._keep(error)
        return self.instruments != before

    def _recall(self) -> None:
        """Begins with the last good list, in a new container."""
        if self._remembered is not None:
            return
        found = self._look_up()
        if found:
            self.instruments, self._has_list = found, True

    def _look_up(self) -> tuple[Instrument, ...]:
        """Reads what is remembered; the instruments of its list that can be followed."""
        try:
            self._remembered = self._item.read()
        except (BotoCoreError, ClientError) as error:
            # The run itself reads the table next, and fails with it.
            logger.warning("instruments not recalled", kind=type(error).__name__, detail=str(error))
            return ()
        found = parse_instrument_file("\n".join(self._remembered.names), self._check)
        if found.refused:
            # A setting has changed since: these lines were good when the file was last reported on.
            self._remembered = self._remembered._replace(mark="")
        return found.instruments

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
            # Who may not list the bucket gets AccessDenied also for a file that is not there.
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
        """Goes on with what is followed, and logs once why."""
        detail = f"{error}; the last list is kept"
        if not error.mark or not (self._remembered and self._remembered.mark):
            # It passes by itself; or the file is not there yet.
            if self._warned != str(error):
                self._warned = str(error)
                logger.warning("instruments not read", detail=detail)
        elif not self._is_reported(error.mark):
            logger.error("instruments not read", detail=detail)
            self._report(error.mark, 1)

    def _is_reported(self, mark: str) -> bool:
        if not self._reports:
            return True
        if self._remembered is not None and self._remembered.mark != mark:
            # Containers take turns, with several partitions in each minute: another may have reported it.
            self._look_up()
        return self._remembered is not None and self._remembered.mark == mark

    def _report(self, mark: str, count: int) -> None:
        """Counts what a person should mend, and remembers that it was reported."""
        if count:
            metrics.add_metric("InstrumentsSilent", MetricUnit.Count, count)
        names = tuple(each.name for each in self.instruments) if self._has_list else ()
        self._remembered = RememberedList(mark, names)
        try:
            self._item.write(self._remembered)
        except (BotoCoreError, ClientError) as error:
            logger.warning("instruments not remembered", kind=type(error).__name__, detail=str(error))
