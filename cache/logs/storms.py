"""A failure that repeats itself is logged now and then, with how often it came."""

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from cache.logs.lines import message_of

EVERY_S: Final = 10.0
DISTINCT: Final = 5
"""Texts of one kind within that time: another bundle is another failure, and a number that is
never the same twice is none."""
KINDS: Final = 256

_Kind = tuple[str, int, str]


@dataclass(slots=True)
class _Lately:
    until_s: float
    texts: set[str] = field(default_factory=set)
    left_out: int = 0


class Storms(logging.Filter):
    """Warnings and errors alone. A kind is a logger's text before its figures are put in: the same
    words go through once in EVERY_S. What was left out is counted on the next line that is not.
    Filters run before a handler takes its lock and outside of what catches its errors: what goes
    wrong here would be raised by whoever logs."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        super().__init__()
        self._clock = clock
        self._lock = threading.RLock()  # what the collector finds may log from within
        self._lately: dict[_Kind, _Lately] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        if not logging.WARNING <= record.levelno < logging.CRITICAL:
            return True
        try:
            kind, text = (record.name, record.levelno, str(record.msg)), _text(record)
            with self._lock:
                return self._passes(record, kind, text)
        except Exception:
            return True

    def _passes(self, record: logging.LogRecord, kind: _Kind, text: str) -> bool:
        now_s, lately = self._clock(), self._lately.get(kind)
        if lately is None or now_s >= lately.until_s:
            if lately is not None and lately.left_out:
                record.__dict__["repeated"] = lately.left_out
            self._begin(kind, _Lately(now_s + EVERY_S, {text}))
            return True
        if text not in lately.texts and len(lately.texts) < DISTINCT:
            lately.texts.add(text)
            return True
        lately.left_out += 1
        return False

    def _begin(self, kind: _Kind, lately: _Lately) -> None:
        """The kind that began longest ago makes room."""
        self._lately.pop(kind, None)
        self._lately[kind] = lately
        if len(self._lately) > KINDS:
            del self._lately[next(iter(self._lately))]


def _text(record: logging.LogRecord) -> str:
    error = record.exc_info[0] if record.exc_info else None
    message = message_of(record)
    return message if error is None else f"{error.__name__}: {message}"
