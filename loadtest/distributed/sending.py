"""Requests sent from greenlets, timed as those of the asyncio engine are."""

import time
from collections.abc import Mapping, Sequence
from typing import Final

import gevent
from geventhttpclient import HTTPClient

from loadtest.connection import Answer
from loadtest.open_loop import TIMEOUT_S, Exchange

CONNECTIONS: Final = 256
PATH: Final = "/v1/rank"


class GreenletSender:
    """One a worker, shared by its users: they differ in their times, not in their sockets."""

    def __init__(self, url: str, bodies: Sequence[bytes], headers: Mapping[str, str]) -> None:
        self.began_s = time.perf_counter()  # the zero of every time that is told
        self._bodies = bodies
        self._headers = dict(headers)
        self._client = HTTPClient.from_url(
            url,
            concurrency=CONNECTIONS,
            connection_timeout=TIMEOUT_S,
            network_timeout=TIMEOUT_S,
        )

    def now_s(self) -> float:
        return time.perf_counter() - self.began_s

    def send(self, number: int, due_s: float) -> Exchange:
        sent_s = self.now_s()
        with gevent.Timeout(TIMEOUT_S, False):
            answer = self._ask(self._bodies[number % len(self._bodies)])
            return Exchange(number, due_s, sent_s, self.now_s(), answer)
        return Exchange(number, due_s, sent_s, self.now_s(), None)

    def _ask(self, body: bytes) -> Answer | None:
        try:
            response = self._client.request("POST", PATH, body, self._headers)
            read = bytes(response.read())
        except Exception:  # of sockets, of the parser, of a pool that was closed: no answer came
            return None
        headers = {str(name).lower(): str(value) for name, value in response.headers}
        return Answer(int(response.status_code), headers, read)

    def close(self) -> None:
        self._client.close()
