"""A key that is replaced while the producer runs: the store and the provider are in memory."""

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
from botocore.exceptions import ClientError, ReadTimeoutError

from producer.planning.allowance import AllowanceSpentError
from producer.providers.alpaca import parse_key
from producer.providers.api_key import ApiKey
from producer.providers.provider_errors import FailureOutcome, KeyNotReadError, KeyRefusedError
from stockstream.errors import SettingsError


class World:
    """A store that holds a key, and a provider that takes one."""

    def __init__(self) -> None:
        self.stored = self.taken = "old"
        self.now = 0.0
        self.reads = 0
        self.asked: list[str] = []
        self.failure: Exception | None = None

    def read(self) -> str:
        if self.failure:
            raise self.failure
        self.reads += 1
        return self.stored

    def ask(self, key: str) -> str:
        self.asked.append(key)
        if key != self.taken:
            raise KeyRefusedError("the key is refused")
        return f"bars for {key}"

    def key(self) -> ApiKey[str]:
        return ApiKey(self.read, str.strip, lambda: self.now)


@pytest.fixture
def world() -> World:
    return World()


def test_a_key_is_read_once_as_long_as_it_is_taken(world: World) -> None:
    key = world.key()

    assert [key.use(world.ask) for _ in range(3)] == 3 * ["bars for old"]
    assert world.reads == 1


def test_a_key_that_was_replaced_is_used_in_the_same_request_and_from_then_on(world: World) -> None:
    key = world.key()
    world.stored = world.taken = "new"

    assert [key.use(world.ask) for _ in range(2)] == 2 * ["bars for new"]
    assert world.asked == ["old", "new", "new"]


def test_a_wrong_key_is_read_again_once_a_run_and_not_for_each_request(world: World) -> None:
    key = world.key()
    world.taken = "another"

    for second in (0, 1, 59.9):
        world.now = second
        with pytest.raises(KeyRefusedError):
            key.use(world.ask)
    assert (world.reads, world.asked) == (2, 3 * ["old"])

    world.stored, world.now = "another", 60
    assert key.use(world.ask) == "bars for another"


def test_a_replaced_key_that_is_refused_too_is_refused(world: World) -> None:
    key = world.key()
    world.stored, world.taken = "new", "another"

    with pytest.raises(KeyRefusedError):
        key.use(world.ask)
    assert world.asked == ["old", "new"]


def test_requests_that_are_refused_at_once_read_the_key_once(world: World) -> None:
    key, refused_together = world.key(), Barrier(10)
    world.stored = world.taken = "new"

    def ask(text: str) -> str:
        if text == "old":
            refused_together.wait(timeout=10)
        return world.ask(text)

    with ThreadPoolExecutor(max_workers=10) as pool:
        answers = list(pool.map(lambda _: key.use(ask), range(10)))

    assert answers == 10 * ["bars for new"]
    assert world.reads == 2


def refuse(code: str) -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": ""}}, "GetParameter")


def test_a_key_that_is_stored_no_longer_stays_refused(world: World, caplog: pytest.LogCaptureFixture) -> None:
    key = world.key()
    world.taken, world.failure = "new", refuse("ParameterNotFound")

    with pytest.raises(KeyRefusedError):
        key.use(world.ask)
    assert caplog.messages == ["key not read again"]


@pytest.mark.parametrize(
    "error", [refuse("ThrottlingException"), ReadTimeoutError(endpoint_url="https://ssm")], ids=str
)
def test_a_failure_to_read_the_key_again_is_no_refusal(
    world: World, caplog: pytest.LogCaptureFixture, error: Exception
) -> None:
    """It holds for each request of the run, which reads the key once; the next run reads it again."""
    key = world.key()
    world.stored = world.taken = "new"
    world.failure = error

    for second in (0, 1, 59.9):
        world.now = second
        with pytest.raises(KeyNotReadError, match=type(error).__name__) as raised:
            key.use(world.ask)
    assert raised.value.outcome is FailureOutcome.RETRY_SOON
    assert caplog.messages == ["key not read again"]

    world.failure, world.now = None, 60
    assert key.use(world.ask) == "bars for new"


def test_a_key_that_there_was_no_time_to_read_again_is_read_by_the_next_request_that_has_some(
    world: World,
) -> None:
    key = world.key()
    world.stored = world.taken = "new"
    world.failure = AllowanceSpentError("this run's time is spent")

    with pytest.raises(AllowanceSpentError):
        key.use(world.ask)

    world.failure, world.now = None, 5
    assert key.use(world.ask) == "bars for new"


def test_a_key_that_was_not_read_and_then_is_still_the_same_is_refused(world: World) -> None:
    key = world.key()
    world.taken, world.failure = "another", refuse("ThrottlingException")
    with pytest.raises(KeyNotReadError):
        key.use(world.ask)

    world.failure, world.now = None, 60
    with pytest.raises(KeyRefusedError):
        key.use(world.ask)


def test_a_key_in_another_form_stays_refused_and_is_in_no_log(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    world.stored = "id:secret"
    key = ApiKey(world.read, parse_key, lambda: world.now)
    world.stored = "without-a-colon"

    with pytest.raises(KeyRefusedError):
        key.use(lambda pair: world.ask(pair[1]))
    (line,) = caplog.records
    assert line.__dict__["kind"] == "SettingsError"
    assert "without-a-colon" not in str(line.__dict__)


def test_a_key_in_another_form_fails_at_the_start(world: World) -> None:
    with pytest.raises(SettingsError, match="KEY_ID:SECRET_KEY"):
        ApiKey(world.read, parse_key)
