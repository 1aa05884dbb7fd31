"""A network that loses an answer: the call has done its work, and the SDK, which cannot know, calls again."""

from typing import TYPE_CHECKING, Any

from botocore.exceptions import ReadTimeoutError

if TYPE_CHECKING:
    from collections.abc import Callable


class LostAnswers:
    """Loses answers of a client of moto's AWS.

    Args:
        client: a boto3 client, made inside mock_aws.

    Attributes:
        calls: the operations that reached AWS, in their order.
        meanwhile: happens between a lost answer and the repetition of its call.
    """

    def __init__(self, client: Any) -> None:
        self.calls: list[str] = []
        self.meanwhile: Callable[[], object] = lambda: None
        self._lost = ""
        # The last of all handlers: before it, moto has done what was asked and holds the answer.
        client.meta.events.register_last("before-send", self._pass_on)

    def lose(self, operation: str) -> None:
        """Loses the next answer to an operation, such as PutItem."""
        self._lost = operation

    def _pass_on(self, request: Any, **_: object) -> None:
        operation = request.headers["X-Amz-Target"].decode().rpartition(".")[2]
        self.calls.append(operation)
        if operation == self._lost:
            self._lost = ""
            self.meanwhile()
            raise ReadTimeoutError(endpoint_url=request.url)
