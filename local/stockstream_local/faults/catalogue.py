"""Faults: what can be broken in the running pipeline, to see which notice it causes."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import boto3
from botocore.exceptions import BotoCoreError, ClientError

from stockstream.errors import StockstreamError
from stockstream.instrument_table import ledger_key
from stockstream.partitions import every_partition
from stockstream_local.emulator.refusal import FAILED, THROTTLED, refusal_file, unreadable_file
from stockstream_local.market.replay import FixedPricesError, ProviderOutage, ReplayMarket
from stockstream_local.notices import NoticeReceiver
from stockstream_operate.whole_file import say_os_error, write_whole

if TYPE_CHECKING:
    from mypy_boto3_lambda import LambdaClient

JUMP_PERCENT = 10.0
# An average of one bar is not allowed: the transform refuses to start.
BAD_SETTING = ("SMA_WINDOWS", "1")
LEDGER_KEYS = [ledger_key("replay", each) for each in every_partition()]
# The parts that are the market's own.
_OF_THE_MARKET = {"provider", "prices"}


class FaultError(StockstreamError):
    """There is no such fault, or it cannot be made or mended now; the text says why."""


class Fault(NamedTuple):
    """One thing to break.

    Attributes:
        part: of the pipeline; one fault of a part at a time.
        what: what breaks, for a person.
        notice: which alarm notices it, and when.
        begin: breaks it.
        end: mends it; None for a fault that needs no mending.
    """

    part: str
    what: str
    notice: str
    begin: Callable[[], None]
    end: Callable[[], None] | None


class Faults:
    """The faults of one running pipeline.

    Args:
        market: where the producer asks for bars.
        receiver: where notices are posted to.
        state: the run's directory.
        find_output: gives the stack's outputs by name.
        is_live: whether a real provider is asked in the market's place.

    Attributes:
        known: all faults, by name.
        active: the names of those that are not mended.
    """

    def __init__(
        self,
        market: ReplayMarket,
        receiver: NoticeReceiver,
        state: Path,
        find_output: Callable[[str], str],
        *,
        is_live: bool = False,
    ) -> None:
        self._is_live = is_live
        self._market = market
        self._receiver = receiver
        self._refusal = refusal_file(state)
        self._unreadable = unreadable_file(state)
        self._find_output = find_output
        self._setting_before = ""
        self.active: set[str] = set()
        self.known = {
            "provider-down": Fault(
                "provider",
                "the provider answers every request with 503",
                "PipelineDownAlarm, by ProviderFailuresAlarm, after 3 or 4 minutes",
                lambda: self._set_outage(ProviderOutage.DOWN),
                self._recover,
            ),
            "provider-frozen": Fault(
                "provider",
                "the provider answers, and shows no new bars",
                "PipelineDownAlarm, by BarsOverdueAlarm, after some 20 minutes: plans delay bars, too",
                lambda: self._set_outage(ProviderOutage.FROZEN),
                self._recover,
            ),
            "key-refused": Fault(
                "provider",
                "the provider refuses the key",
                "ProviderRefusalsAlarm, after a minute",
                lambda: self._set_outage(ProviderOutage.KEY_REFUSED),
                self._renew_key,
            ),
            "stream-failing": Fault(
                "stream",
                "Kinesis fails to store records",
                "PipelineDownAlarm, by BarStreamFailedRecordsAlarm (then BarsDeferredAlarm), after 3 minutes",
                lambda: self._refuse(FAILED),
                self._accept,
            ),
            "stream-full": Fault(
                "stream",
                "Kinesis turns records away: its throughput is exceeded",
                "PipelineDownAlarm, by BarStreamThrottledAlarm (then BarsDeferredAlarm), after 3 minutes",
                lambda: self._refuse(THROTTLED),
                self._accept,
            ),
            "delivery-idle": Fault(
                "delivery",
                "Firehose may not read the stream: nothing fails, and nothing arrives",
                "PipelineDownAlarm, by DeliveryIdleAlarm, after 2 or 3 minutes",
                self._unreadable.touch,
                lambda: self._unreadable.unlink(missing_ok=True),
            ),
            "transform-failing": Fault(
                "transform",
                "the transform raises an error on every call",
                "PipelineDownAlarm, by TransformErrorsAlarm, after a minute or two",
                lambda: self._configure_transform(is_good=False),
                lambda: self._configure_transform(is_good=True),
            ),
            "webhook-down": Fault(
                "webhook",
                "the webhook answers every notice with 503",
                "none until it is mended, then those that were missed; after three attempts DeadLettersAlarm",
                lambda: self._receiver.fail(is_down=True),
                lambda: self._receiver.fail(is_down=False),
            ),
            "price-jump": Fault(
                "prices",
                f"from the next bar on, every price is {JUMP_PERCENT:g} % higher",
                "PriceMoveAlarm, after three minutes",
                lambda: self._market.jump(JUMP_PERCENT),
                None,
            ),
        }

    def begin(self, name: str) -> str:
        """Breaks one thing.

        Returns:
            What was done, for a person.

        Raises:
            FaultError: it cannot be done.
        """
        fault = self._find(name)
        if self._is_live and fault.part in _OF_THE_MARKET:
            raise FaultError(
                f"The prices are LIVE, and their provider cannot be broken from here: not {name}."
            )
        if name in self.active:
            raise FaultError(f"{name} is active already; `stockstream mend {name}` ends it.")
        # Faults of one part would mend each other.
        if other := next((each for each in self.active if self.known[each].part == fault.part), None):
            raise FaultError(f"{other} is active, and would hide {name}: mend it first.")
        _reach(name, fault.begin)
        if fault.end:
            self.active.add(name)
        return f"Fault {name}: {fault.what}. The notice: {fault.notice}."

    def end(self, name: str) -> str:
        """Mends one thing.

        Returns:
            What was done, for a person.

        Raises:
            FaultError: it cannot be done.
        """
        fault = self._find(name)
        if name not in self.active or fault.end is None:
            raise FaultError(f"{name} is not active: there is nothing to mend.")
        _reach(name, fault.end)
        self.active.discard(name)
        return f"Mended {name}. The notice that all is well comes when the bad minutes have passed."

    def _find(self, name: str) -> Fault:
        if name not in self.known:
            raise FaultError(f"There is no fault {name}. There are: {', '.join(self.known)}.")
        return self.known[name]

    def _set_outage(self, outage: ProviderOutage) -> None:
        self._market.set_outage(outage)

    def _recover(self) -> None:
        self._market.set_outage(None)

    def _renew_key(self) -> None:
        self._recover()
        # The producer waits an hour after a refused key. Deleting its ledgers ends the wait.
        table, dynamodb = self._find_output("InstrumentTableName"), boto3.client("dynamodb")
        for key in LEDGER_KEYS:
            dynamodb.delete_item(TableName=table, Key={"key": {"S": key}})

    def _refuse(self, error_code: str) -> None:
        write_whole(self._refusal, error_code.encode())

    def _accept(self) -> None:
        self._refusal.unlink(missing_ok=True)

    def _configure_transform(self, *, is_good: bool) -> None:
        functions: LambdaClient = boto3.client("lambda")
        name = self._find_output("TransformFunctionName")
        setting, bad = BAD_SETTING
        variables = functions.get_function_configuration(FunctionName=name)["Environment"]["Variables"]
        if not is_good:
            self._setting_before = variables[setting]
        variables[setting] = self._setting_before if is_good else bad
        functions.update_function_configuration(FunctionName=name, Environment={"Variables": variables})


def _reach(name: str, do: Callable[[], None]) -> None:
    try:
        do()
    except FixedPricesError as error:
        raise FaultError(str(error)) from error
    except OSError as error:
        raise FaultError(f"{name} cannot begin or end: {say_os_error(error)}") from error
    except (BotoCoreError, ClientError) as error:
        raise FaultError(f"{name} has to wait until the stack is deployed ({error}).") from error
