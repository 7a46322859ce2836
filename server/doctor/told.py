"""What a gateway says of itself, asked once."""

from collections.abc import Callable
from email.utils import parsedate_to_datetime
from typing import NamedTuple, TypeVar

import msgspec

from server.doctor.series import Series
from server.status_wire import CacheStatus
from server.web import Page, Web
from server.wire import Problem, Ready

T = TypeVar("T")


class Stranger(Exception):
    """Something answers that is no gateway."""


class Told(NamedTuple):
    ready: Ready | None
    why_not: str  # ready
    status: CacheStatus | None
    series: Series
    ahead_s: float | None  # of this machine's clock; its own is told in whole seconds


def ask(web: Web, clock: Callable[[], float]) -> Told:
    """Blocking. Raises Away, Stranger."""
    web.get("/healthz")
    before_s = clock()
    ready = web.get("/readyz")
    told, refused = _read(ready, Ready), _refused(ready)
    if told is None and refused is None:
        raise Stranger(f"/readyz says {ready.status}, and nothing of a gateway's")
    ahead_s = _ahead_s(ready, (before_s + clock()) / 2)
    status, metrics = web.get("/v1/cache/status"), web.get("/metrics")
    why_not = "" if refused is None else refused.detail
    return Told(told, why_not, _read(status, CacheStatus), _series(metrics), ahead_s)


def _read(page: Page, kind: type[T]) -> T | None:
    """None of a refusal, and of what another version says."""
    if page.status != 200:
        return None
    try:
        return msgspec.json.decode(page.body, type=kind)
    except msgspec.MsgspecError:
        return None


def _refused(page: Page) -> Problem | None:
    try:
        return None if page.status == 200 else msgspec.json.decode(page.body, type=Problem)
    except msgspec.MsgspecError:
        return None


def _series(page: Page) -> Series:
    try:
        return Series.read(page.body if page.status == 200 else b"")
    except ValueError:
        return Series({})


def _ahead_s(page: Page, now_s: float) -> float | None:
    """A date that is cut to the second is half a second old as a rule."""
    try:
        return parsedate_to_datetime(page.headers["date"]).timestamp() + 0.5 - now_s
    except (LookupError, ValueError):
        return None
