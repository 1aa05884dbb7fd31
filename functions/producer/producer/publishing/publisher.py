"""Publishing what a provider answered: plan, put, and then write the tails.

One answer may be about a hundred instruments. Their tails are read together, their bars are put together, and
25 tails share a call, each with a condition of its own: that it is still at the version that was read.
"""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import batched

from producer.memory.instrument_table import VersionedTail
from producer.memory.tail import Tail, TailError
from producer.ohlcv import Ohlcv
from producer.providers.answers import BARS_PER_ANSWER, Answer
from producer.publishing.history import plan_history
from producer.publishing.post import Post
from producer.publishing.price_moves import NO_WATCH, PriceWatch
from producer.publishing.publication import Cause, comparable_bars, plan_publications, with_splits
from producer.publishing.sending import SLICE_BARS, Piece, Published, Sending, parcels
from producer.publishing.split_suspicions import suspect_split
from stockstream.bar_stream import CALL_RECORDS
from stockstream.instruments import Instrument
from stockstream.splits import NO_SPLITS, Split, SplitsByName


@dataclass(frozen=True, slots=True)
class Publisher:
    """Works out what is to be sent, and has it sent.

    Attributes:
        post: puts bars, and remembers what was put.
        watch: which price moves to look for.
    """

    post: Post
    watch: PriceWatch = NO_WATCH

    def publish(
        self,
        answers: Mapping[Instrument, Answer],
        deadline: float,
        *,
        is_held: Callable[[], bool],
        rereads: bool = False,
        splits: SplitsByName = NO_SPLITS,
    ) -> dict[str, Published | TailError]:
        """Sends what answers show and the tails do not hold. One instrument's failure stops no other.

        Args:
            answers: the provider's, without the bars that are still forming.
            deadline: when all tails must be written, on time.monotonic.
            is_held: whether the run's lease has not ended.
            rereads: whether the answers are those of a rereading, which show all that the tails remember, and
                older bars that are not to be sent.
            splits: the instruments', as they are confirmed.

        Returns:
            By instrument, what became of its answer, or why its tail was not read or not written. The next
            run sends what is missing.
        """
        try:
            tail_of = self.post.read_tails(answers, deadline, is_held)
        except TailError as error:
            return {instrument.name: error for instrument in answers}
        outcomes: dict[str, Published | TailError] = {}

        def plan() -> Iterator[Sending]:
            # One at a time: a hundred instruments with a hundred look-backs each would take 100 MB.
            for instrument, answer in answers.items():
                try:
                    its_splits = splits.get(instrument.name, ())
                    sending = self._plan(
                        instrument, answer, tail_of(instrument.name), its_splits, rereads=rereads
                    )
                except TailError as error:
                    outcomes[instrument.name] = error
                    continue
                outcomes[instrument.name] = sending.published
                yield sending

        for parcel in parcels(plan(), CALL_RECORDS):
            self.post.send(parcel, deadline)
            outcomes |= {
                each.sending.instrument.name: each.sending.error for each in parcel if each.sending.error
            }
        for outcome in outcomes.values():
            if isinstance(outcome, Published) and outcome.suspicion and outcome.suspicion.at > outcome.newest:
                outcome.suspicion = None  # its bar was not put, and will be new in the next run
        return outcomes

    def publish_history(
        self,
        instrument: Instrument,
        answer: Answer,
        before: Mapping[str, Ohlcv],
        deadline: float,
        begin: str = "",
        splits: Sequence[Split] = (),
        *,
        is_held: Callable[[], bool],
    ) -> Published:
        """Sends an answer's bars from before the tail, and those that the tail lacks.

        Args:
            instrument: what the answer is about.
            answer: the provider's.
            before: the bars before the answer's, for its look-backs.
            deadline: when all tails must be written, on time.monotonic.
            begin: the open_time from which on history is sent; empty for all of it.
            splits: the instrument's, as they are confirmed, the oldest first.
            is_held: whether the run's lease has not ended.

        Raises:
            TailError: the tail was not read or not written.
        """
        tail, version = self.post.read_tails([instrument], deadline, is_held)(instrument.name)
        plan = plan_history(answer.bars, before, tail, self.post.windows, begin, splits)
        published = Published(unsent=len(plan.older) + len(plan.within))
        remembered = VersionedTail(with_splits(plan.tail, splits), version)
        sending = Sending(instrument, answer.as_of, plan.within, remembered, published)
        for piece in batched(plan.older_publications(self.post.windows), SLICE_BARS, strict=False):
            published.unsent_from = piece[0].open_time
            if time.monotonic() >= deadline:
                return published
            (acknowledged,) = self.post.put([Piece(sending, piece)], deadline)
            sending.take(piece, acknowledged)
            if sending.is_over:
                # Writing the tail would remember these bars too, as if they had been sent.
                return published
        published.unsent_from = plan.within[0].open_time if plan.within else ""
        for parcel in parcels([sending], CALL_RECORDS):
            self.post.send(parcel, deadline)
        if sending.error:
            raise sending.error
        # What the stream did not take of `within` is doubtful in the tail, and the next run sends it.
        if not published.unsent:
            published.unsent_from = ""
        return published

    def _plan(
        self,
        instrument: Instrument,
        answer: Answer,
        read: VersionedTail,
        splits: Sequence[Split],
        *,
        rereads: bool,
    ) -> Sending:
        tail, shown = read.tail, answer.bars
        if rereads:
            shown = comparable_bars(shown, tail, self.post.windows)
        # An answer says nothing of the time after all that it shows. What is to be repeated of that, as where
        # an earlier bar has come late, is in doubt until an answer reaches it.
        newest = max(shown, default="")
        planned = plan_publications(shown, tail, self.post.windows, splits)
        publications = [each for each in planned if each.open_time <= newest]
        beyond = {each.open_time for each in planned if each.open_time > newest}
        new = {each.open_time for each in publications if each.cause is Cause.NEW}
        known = {**tail.bars, **shown}
        published = Published(
            unsent=len(publications),
            hole=None if answer.reaches_back else _hole(tail, shown),
            move=self.watch.find_move(instrument, self.post.interval, known, new, answer.asked_at),
            suspicion=suspect_split(instrument, known, new, splits, answer.asked_at),
            newest=tail.newest,
            times=sorted(known)[-BARS_PER_ANSWER:],
        )
        tail = with_splits(tail, splits)
        remembered = read._replace(tail=replace(tail, doubtful=tail.doubtful | beyond))
        return Sending(instrument, answer.as_of, publications, remembered, published)


def _hole(tail: Tail, shown: Mapping[str, Ohlcv]) -> tuple[str, str] | None:
    """The newest bar that was sent and the oldest that is shown, if there is a gap between them."""
    oldest = min(shown, default="")
    return (tail.newest, oldest) if tail.bars and tail.newest < oldest else None
