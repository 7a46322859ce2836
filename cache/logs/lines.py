"""Log records as lines: JSON for machines, plain text for people."""

import json
import logging
from collections.abc import Mapping
from datetime import UTC, datetime
from math import isfinite
from typing import Any, Final

from cache.logs.masking import Mask

MAX_TEXT: Final = 8192
"""Characters of a message, and of an exception."""
ABOUT: Final = ("request_id", "trace_id", "repeated")
"""Of a record, where it has them (`extra=`)."""


class JsonLines(logging.Formatter):
    """An object a line. `who`: role and worker of the process."""

    def __init__(self, who: Mapping[str, Any], mask: Mask) -> None:
        super().__init__()
        self._who = who
        self._mask = mask

    def format(self, record: logging.LogRecord) -> str:
        line = {
            "timestamp": timestamp(record.created),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": bounded(self._mask(record.getMessage())),
            **self._who,
        }
        for name, value in told(record).items():
            line.setdefault(name, self._plain(value))
        if record.exc_info:
            line["exception"] = bounded(self._mask(self.formatException(record.exc_info)))
        return json.dumps(line, separators=(",", ":"), default=str)

    def _plain(self, value: Any) -> Any:
        """As JSON can say it: there is no NaN."""
        if isinstance(value, str):
            return bounded(self._mask(value))
        return None if isinstance(value, float) and not isfinite(value) else value


class ConsoleLines(logging.Formatter):
    """The same for a terminal: a line a record, its exception below it."""

    def __init__(self, who: Mapping[str, Any], mask: Mask) -> None:
        super().__init__()
        self._who = " ".join(map(str, who.values()))
        self._mask = mask

    def format(self, record: logging.LogRecord) -> str:
        facts = "".join(f" {name}={value}" for name, value in told(record).items())
        message = record.getMessage().replace("\n", "\\n")
        head = f"{timestamp(record.created)} {self._who} {record.levelname} {record.name}: "
        line = head + bounded(self._mask(message + facts))
        if record.exc_info:
            line += "\n" + bounded(self._mask(self.formatException(record.exc_info)))
        return line


def told(record: logging.LogRecord) -> dict[str, Any]:
    """What a record says beside its message: what it is about, and its `facts`."""
    about = {name: getattr(record, name, None) for name in ABOUT}
    return {k: v for k, v in about.items() if v is not None} | getattr(record, "facts", {})


def timestamp(seconds: float) -> str:
    """RFC 3339, UTC."""
    text = datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds")
    return text.replace("+00:00", "Z")


def bounded(text: str) -> str:
    """Its beginning and its end, where it is too long."""
    if len(text) <= MAX_TEXT:
        return text
    half = MAX_TEXT // 2
    return f"{text[:half]} … {len(text) - 2 * half} characters … {text[-half:]}"
