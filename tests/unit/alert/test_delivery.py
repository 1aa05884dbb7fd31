import json
from threading import Event

import pytest

from alert.delivery import DeliveryResult, Outcome, deliver, report
from alert.errors import ChannelError, DeliveryError, LedgerError
from alert.notice_ledger import Claim
from alert.notices import Notice
from stockstream.alarm_words import AlarmState
from stockstream.observability import metrics

NOTICE = Notice("m1", "errors", AlarmState.ALARM, None, "", None, None, (), "", ())


class Book:
    """A ledger in memory."""

    def __init__(self) -> None:
        self.sent: set[str] = set()
        self.held: dict[str, float] = {}

    def claim(self, key: str, until: float) -> Claim:
        if key in self.sent:
            return Claim.SENT
        if key in self.held:
            return Claim.HELD
        self.held[key] = until
        return Claim.GRANTED

    def confirm(self, key: str) -> None:
        del self.held[key]
        self.sent.add(key)

    def release(self, key: str) -> None:
        del self.held[key]


class Outage(Book):
    """A ledger that cannot be reached."""

    def claim(self, key: str, until: float) -> Claim:
        raise LedgerError(f"no answer about {key} until {until}")

    def confirm(self, key: str) -> None:
        raise LedgerError(f"no answer about {key}")

    def release(self, key: str) -> None:
        raise LedgerError(f"no answer about {key}")


class Line:
    """A channel that keeps what it was sent, and is down as long as it is told to be."""

    def __init__(self, name: str, *, down: bool = False) -> None:
        self.name = name
        self.down = down
        self.got: list[str] = []

    def send(self, notice: Notice) -> None:
        if self.down:
            raise ChannelError("no answer")
        self.got.append(notice.id)


def test_each_channel_is_told_once() -> None:
    book, lines = Book(), [Line("a"), Line("b")]

    outcomes = deliver(NOTICE, lines, book, 1030.0)

    assert outcomes == [Outcome(NOTICE, "a", DeliveryResult.SENT), Outcome(NOTICE, "b", DeliveryResult.SENT)]
    assert [line.got for line in lines] == [["m1"], ["m1"]]
    assert book.sent == {"m1|a", "m1|b"}


def test_a_repetition_reaches_nobody_who_has_had_the_notice() -> None:
    book, line = Book(), Line("a")
    deliver(NOTICE, [line], book, 1030.0)

    outcomes = deliver(NOTICE, [line], book, 1060.0)

    assert outcomes == [Outcome(NOTICE, "a", DeliveryResult.REPEATED)]
    assert line.got == ["m1"]


def test_a_repetition_reaches_the_channel_that_was_down() -> None:
    book, up, down = Book(), Line("up"), Line("down", down=True)
    first = deliver(NOTICE, [up, down], book, 1030.0)
    down.down = False

    second = deliver(NOTICE, [up, down], book, 1060.0)

    assert [outcome.result for outcome in first] == [DeliveryResult.SENT, DeliveryResult.FAILED]
    assert [outcome.result for outcome in second] == [DeliveryResult.REPEATED, DeliveryResult.SENT]
    assert (up.got, down.got) == (["m1"], ["m1"])


def test_a_channel_that_hangs_does_not_hold_up_the_others() -> None:
    told = Event()

    class Quick(Line):
        def send(self, notice: Notice) -> None:
            super().send(notice)
            told.set()

    class Hanging(Line):
        def send(self, notice: Notice) -> None:
            # Ends only once the channel after it has been told.
            if not told.wait(timeout=5):
                raise ChannelError(f"{notice.id} was held up")

    outcomes = deliver(NOTICE, [Hanging("slow"), Quick("quick")], Book(), 1030.0)

    assert [outcome.result for outcome in outcomes] == [DeliveryResult.SENT, DeliveryResult.SENT]


def test_a_notice_that_another_invocation_is_sending_is_looked_after_again() -> None:
    # If that one dies, nobody would have sent it: so this one ends as one that comes again.
    book, line = Book(), Line("a")
    book.held["m1|a"] = 1030.0

    outcomes = deliver(NOTICE, [line], book, 1040.0)

    assert outcomes == [Outcome(NOTICE, "a", DeliveryResult.HELD)]
    assert line.got == []
    with pytest.raises(DeliveryError, match=r"^1 of 1 notices not sent, on: a$"):
        report(outcomes)


def test_a_notice_that_another_invocation_is_sending_is_no_failure_in_the_log_and_the_metrics(
    caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    metrics.clear_metrics()  # what other tests measured and did not write
    with pytest.raises(DeliveryError):
        metrics.log_metrics(lambda _event, _context: report([Outcome(NOTICE, "a", DeliveryResult.HELD)]))(
            {}, None
        )

    assert [(record.levelname, record.getMessage()) for record in caplog.records] == [
        ("INFO", "notice left to another invocation")
    ]
    assert json.loads(capsys.readouterr().out.splitlines()[-1])["NoticesFailed"] == [0.0]


def test_a_claim_lasts_as_long_as_its_invocation_may() -> None:
    book = Book()

    class Looking(Line):
        def send(self, notice: Notice) -> None:
            assert book.held == {f"{notice.id}|a": 1030.5}

    assert deliver(NOTICE, [Looking("a")], book, 1030.5)[0].result is DeliveryResult.SENT


@pytest.mark.parametrize(("down", "result"), [(False, DeliveryResult.SENT), (True, DeliveryResult.FAILED)])
def test_without_a_ledger_the_notice_goes_out_all_the_same(down: bool, result: DeliveryResult) -> None:  # noqa: FBT001 - a parameter
    line = Line("a", down=down)

    assert deliver(NOTICE, [line], Outage(), 1030.0)[0].result is result
    assert line.got == ([] if down else ["m1"])


def test_an_error_that_nobody_expected_costs_the_other_channels_nothing() -> None:
    class Broken(Line):
        def send(self, notice: Notice) -> None:
            raise RuntimeError(notice.id)

    book, line = Book(), Line("a")

    with pytest.raises(RuntimeError, match="m1"):
        deliver(NOTICE, [Broken("broken"), line], book, 1030.0)
    assert line.got == ["m1"]
    assert (book.sent, set(book.held)) == ({"m1|a"}, {"m1|broken"})


def test_the_error_names_the_channels_that_are_left() -> None:
    outcomes = [
        Outcome(NOTICE, "c", DeliveryResult.FAILED, "no answer"),
        Outcome(NOTICE, "a", DeliveryResult.SENT),
        Outcome(NOTICE, "b", DeliveryResult.FAILED, "no answer"),
        Outcome(NOTICE, "d", DeliveryResult.REPEATED),
        Outcome(NOTICE, "c", DeliveryResult.FAILED, "no answer"),
    ]

    with pytest.raises(DeliveryError, match=r"^3 of 5 notices not sent, on: b, c$"):
        report(outcomes)


def test_a_run_that_left_nobody_out_is_no_error() -> None:
    report([Outcome(NOTICE, "a", DeliveryResult.SENT), Outcome(NOTICE, "b", DeliveryResult.REPEATED)])
