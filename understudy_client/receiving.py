"""What an answer may be while it comes: in time, bounded, and whole."""

from collections.abc import Iterator
from contextlib import contextmanager

import httpx

from understudy_client.budget import Budget
from understudy_client.errors import AnswerUnreadable, Unreachable
from understudy_client.replies import MAX_ANSWER_BYTES, Reply


class Body:
    """An answer's bytes as they come, within the call's time and a bound."""

    def __init__(self, budget: Budget) -> None:
        self._budget = budget
        self._received = bytearray()

    def add(self, part: bytes) -> None:
        """Raises DeadlineExceeded, AnswerUnreadable."""
        self._budget.check()
        self._received += part
        if len(self._received) > MAX_ANSWER_BYTES:
            raise AnswerUnreadable(
                f"the answer has more than {MAX_ANSWER_BYTES} bytes",
                remedy="check that the URL is a gateway's",
            )

    def reply(self, response: httpx.Response) -> Reply:
        return Reply(response.status_code, response.headers, bytes(self._received))


@contextmanager
def named(budget: Budget, url: httpx.URL) -> Iterator[None]:
    """Turns what HTTP can end with into DeadlineExceeded or Unreachable, which show of `url` no
    password and no query."""
    try:
        yield
    except (httpx.TimeoutException, TimeoutError) as error:
        raise budget.exceeded("before the answer came") from error
    except httpx.TransportError as error:
        raise Unreachable(
            f"{url.scheme}://{url.netloc.decode()}{url.path} gave no answer: {error!r}",
            remedy="check the URL and that the gateway is up, or ask another replica",
        ) from error
