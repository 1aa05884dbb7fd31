"""The InstrumentTable: what the producer remembers of each instrument."""

from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple, cast

from botocore.exceptions import BotoCoreError, ClientError

from producer.memory.batch_read import read_items
from producer.memory.batch_write import Update, update_items
from producer.memory.tail import Tail, TailError
from producer.memory.tail_codec import UnreadableTailError
from producer.memory.tail_items import (
    NO_BASE,
    Base,
    Item,
    base_key,
    decode_head,
    encode_base,
    encode_head,
    find_base,
    fits_one_unit,
    named_base,
)

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

# The reasons for which DynamoDB cancels a transaction because of what another run does.
_CONFLICTS = {"ConditionalCheckFailed", "TransactionConflict"}


class TailConflictError(TailError):
    """Another run wrote the tail since this one read it."""


class TailUnreachableError(TailError):
    """DynamoDB gave no answer, or another than was asked for; the text says which."""


class VersionedTail(NamedTuple):
    """A tail, and how often it has been written; 0 is never."""

    tail: Tail
    version: int


class TailWrite(NamedTuple):
    """A tail to be written.

    Attributes:
        instrument: its name.
        tail: what is to be remembered.
        read_version: the version that was read.
    """

    instrument: str
    tail: Tail
    read_version: int


# Gives the tail of one of the instruments that were read together.
type TailReader = Callable[[str], VersionedTail]


class InstrumentTable:
    """The table of tails. Each tail is a head, which every write writes, and a base, which few writes do.

    Bases that were seen stay in memory, so that a warm function reads only heads. A head is always read from
    the table: a run that planned with an outdated one would send look-backs that lack bars.

    Args:
        client: boto3's DynamoDB client.
        name: the table's name.
    """

    def __init__(self, client: "DynamoDBClient", name: str) -> None:
        self._client = client
        self._name = name
        # By the head's key: a base, and the version of the newest head that was seen to stand on it.
        self._seen: dict[str, tuple[int, Base]] = {}

    def read_tails(self, instruments: Collection[str], interval: str) -> TailReader:
        """The tails of a few instruments, read together.

        Returns:
            What gives the tail of each, which is decoded when it is asked for: a hundred would take 9 MB. It
            raises an UnreadableTailError where what is stored is no tail; the text says what to do.

        Raises:
            TailUnreachableError: DynamoDB fails.
        """
        keys = [_key(name, interval) for name in instruments]
        with _reached(keys):
            heads = self._get(keys)
            stored = self._with_bases(heads)
        return partial(self._decode, heads, stored, interval)

    def read_tail(self, instrument: str, interval: str) -> VersionedTail:
        """The tail of one instrument; an empty one where nothing has been sent.

        Raises:
            UnreadableTailError: what is stored is no tail; the text says what to do.
            TailUnreachableError: DynamoDB fails.
        """
        return self.read_tails([instrument], interval)(instrument)

    def write_tail(self, instrument: str, interval: str, tail: Tail, read_version: int) -> VersionedTail:
        """Writes the tail over the version that was read.

        The SDK repeats a write whose answer is lost, and then finds what it has written itself. So the very
        same head is no conflict: whoever wrote it, what is stored is what was to be stored.

        Raises:
            TailConflictError: it is no longer that version; nothing was written.
            TailUnreachableError: DynamoDB fails; perhaps it was written all the same.
        """
        key = _key(instrument, interval)
        version = read_version + 1
        base = self._base_at(key, read_version)
        self._seen.pop(key, None)
        head = encode_head(key, version, tail, base)
        with _reached([key]):
            if fits_one_unit(head):
                self._put_head(head, read_version)
            else:
                base_item, base = encode_base(key, tail)
                head = encode_head(key, version, tail, base)
                self._put_both(head, read_version, base_item)
        self._seen[key] = version, base
        return VersionedTail(tail, version)

    def write_together(self, writes: Sequence[TailWrite], interval: str) -> list[VersionedTail | None]:
        """Writes the tails of some instruments in one call, each over the version that was read.

        Only heads that keep their base are written so, and no error is raised. What was not written is left
        to write_tail, which also recognises a head that has been written although its answer was lost.

        Args:
            writes: of different instruments, CALL_UPDATES at the most.
            interval: of their bars.

        Returns:
            What was certainly written, in their order; None where write_tail is to be called.
        """
        updates: dict[str, Update] = {}
        for instrument, tail, read_version in writes:
            key = _key(instrument, interval)
            base = self._base_at(key, read_version)
            head = encode_head(key, read_version + 1, tail, base)
            if named_base(head) != NO_BASE.digest and fits_one_unit(head):
                updates[key] = Update(head, read_version)
        done = update_items(self._client, self._name, list(updates.values())) if updates else []
        written = {key for key, is_done in zip(updates, done, strict=True) if is_done}
        for key in written:
            read_version, base = self._seen[key]
            self._seen[key] = read_version + 1, base
        return [
            VersionedTail(tail, read_version + 1) if _key(instrument, interval) in written else None
            for instrument, tail, read_version in writes
        ]

    def _base_at(self, key: str, read_version: int) -> Base:
        """The base that was seen beside a version of a head; NO_BASE if another version was seen last."""
        seen_version, base = self._seen.get(key, (0, NO_BASE))
        # Another run may have replaced the one that was seen.
        return base if seen_version == read_version else NO_BASE

    def _with_bases(self, heads: dict[str, Item]) -> dict[str, tuple[Item, Base]]:
        """The heads with the bases that they name, by key; what has none is left out."""
        found: dict[str, tuple[Item, Base]] = {}
        waiting = heads
        while waiting:
            unseen = [base_key(key) for key, head in waiting.items() if self._seen_base(key, head) is None]
            items = self._get(unseen)
            lost = {}
            for key, head in waiting.items():
                base = self._seen_base(key, head) or find_base(items.get(base_key(key)), named_base(head))
                if base is None:
                    lost[key] = head
                else:
                    found[key] = head, base
                    self._seen[key] = int(head["version"]["N"]), base
            # Another run may have replaced both items between the two reads.
            again = self._get(lost)
            waiting = {key: head for key, head in again.items() if head != lost[key]}
            for key in lost.keys() - again.keys():
                del heads[key]
        return found

    def _seen_base(self, key: str, head: Item) -> Base | None:
        digest = named_base(head)
        _, seen = self._seen.get(key, (0, NO_BASE))
        return next((base for base in (NO_BASE, seen) if base.digest == digest), None)

    def _decode(
        self, heads: dict[str, Item], stored: dict[str, tuple[Item, Base]], interval: str, instrument: str
    ) -> VersionedTail:
        key = _key(instrument, interval)
        if key not in heads:
            return VersionedTail(Tail(), 0)
        if key not in stored:
            raise self._unreadable(key, "its base is missing or damaged")
        head, base = stored[key]
        try:
            return VersionedTail(decode_head(head, base), int(head["version"]["N"]))
        except UnreadableTailError as error:
            raise self._unreadable(key, error) from None

    def _unreadable(self, key: str, why: object) -> UnreadableTailError:
        return UnreadableTailError(
            f"the item {key} of the table {self._name} cannot be read: {why}. Delete it; the next run "
            f"then sends again what the provider shows, with no look-back beyond that"
        )

    def _get(self, keys: Collection[str]) -> dict[str, Item]:
        return read_items(self._client, self._name, keys)

    def _put_head(self, head: Item, read_version: int) -> None:
        exceptions = self._client.exceptions
        try:
            self._client.put_item(**self._at_version(head, read_version))
        except exceptions.ConditionalCheckFailedException as error:
            if cast("dict[str, Any]", error.response).get("Item") != head:
                raise _conflict(head) from None
        except exceptions.TransactionConflictException:
            raise _conflict(head) from None

    def _put_both(self, head: Item, read_version: int, base: Item) -> None:
        """Writes head and base, or neither: after a crash between two writes they would not match."""
        try:
            self._client.transact_write_items(
                TransactItems=[
                    {"Put": self._at_version(head, read_version)},
                    {"Put": {"TableName": self._name, "Item": base}},
                ]
            )
        except self._client.exceptions.TransactionCanceledException as error:
            reasons = error.response["CancellationReasons"]
            if reasons[0].get("Item") == head:
                return
            if _CONFLICTS.isdisjoint(reason["Code"] for reason in reasons):
                raise
            raise _conflict(head) from None

    def _at_version(self, head: Item, read_version: int) -> Any:  # noqa: ANN401 (two calls type one shape twice)
        put = {
            "TableName": self._name,
            "Item": head,
            "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
        }
        if read_version == 0:
            return put | {"ConditionExpression": "attribute_not_exists(version)"}
        return put | {
            "ConditionExpression": "version = :read",
            "ExpressionAttributeValues": {":read": {"N": str(read_version)}},
        }


def _key(instrument: str, interval: str) -> str:
    return f"{instrument}|{interval}"


@contextmanager
def _reached(keys: Sequence[str]) -> Iterator[None]:
    try:
        yield
    except (BotoCoreError, ClientError) as error:
        tails = f"the tail {keys[0]}" if len(keys) == 1 else f"{len(keys)} tails, from {keys[0]} on,"
        raise TailUnreachableError(f"{tails} cannot be reached: {error}") from error


def _conflict(head: Item) -> TailConflictError:
    return TailConflictError(f"another run wrote the tail {head['key']['S']} meanwhile")
