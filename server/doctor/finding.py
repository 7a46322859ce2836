"""What a check finds."""

from collections.abc import Awaitable, Callable
from typing import Literal, NamedTuple

from server.doctor.subject import Need, Subject

Verdict = Literal["ok", "warn", "fail", "skip"]


class Finding(NamedTuple):
    verdict: Verdict
    found: str
    remedy: str = ""


class Check(NamedTuple):
    name: str
    run: Callable[[Subject], Awaitable[Finding]]
    needs: Need | None = None


def ok(found: str) -> Finding:
    return Finding("ok", found)


def warn(found: str, remedy: str) -> Finding:
    """It works, and will not for ever."""
    return Finding("warn", found, remedy)


def fail(found: str, remedy: str) -> Finding:
    return Finding("fail", found, remedy)


def skip(found: str, remedy: str = "") -> Finding:
    """It cannot be told from here."""
    return Finding("skip", found, remedy)
