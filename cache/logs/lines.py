"""Log records as lines: JSON for machines, plain text for people."""

import json
import logging
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from math import isfinite
from typing import Any, Final

from cache.logs.masking import Mask

MAX_TEXT: Final = 8192
"""Characters of a message, and of an exception."""
UNREAD: Final = 4 * MAX_TEXT
"""A longer text is cut before it is masked too."""
EDGE: Final = 512
"""Characters beside that cut: half a secret there is not known as one."""
ODD: Final = (*range(32), *range(127, 160), 0x2028, 0x2029)
"""Code points that begin a line, or move a terminal's cursor."""
ESCAPES: Final = {each: chr(each).encode("unicode_escape").decode() for each in ODD}
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
            "message": shown(message_of(record), self._mask),
            **self._who,
        }
        for name, value in told(record).items():
            line.setdefault(name, self._plain(value))
        if record.exc_info:
            line["exception"] = shown(self.formatException(record.exc_info), self._mask)
        return json.dumps(line, separators=(",", ":"), default=str)

    def _plain(self, value: Any) -> Any:
        """As JSON can say it: there is no NaN."""
        if isinstance(value, str):
            return shown(value, self._mask)
        return None if isinstance(value, float) and not isfinite(value) else value


class ConsoleLines(logging.Formatter):
    """The same for a terminal: a line a record, its exception below it."""

    def __init__(self, who: Mapping[str, Any], mask: Mask) -> None:
        super().__init__()
        self._who = " ".join(map(str, who.values()))
        self._mask = mask

    def format(self, record: logging.LogRecord) -> str:
        facts = "".join(f" {name}={value}" for name, value in told(record).items())
        head = f"{timestamp(record.created)} {self._who} {record.levelname} {record.name}: "
        line = head + shown(message_of(record) + facts, self._in_one_line)
        if record.exc_info:
            line += "\n" + shown(self.formatException(record.exc_info), self._mask)
        return line

    def _in_one_line(self, text: str) -> str:
        """Whoever chose the words of a request must not write lines of his own."""
        return self._mask(text).translate(ESCAPES)


def message_of(record: logging.LogRecord) -> str:
    """Of a call whose arguments do not fit its text, the text alone."""
    try:
        return record.getMessage()
    except Exception as error:
        text = record.msg if isinstance(record.msg, str) else type(record.msg).__name__
        return f"{text} (its arguments cannot be told: {type(error).__name__})"


def told(record: logging.LogRecord) -> dict[str, Any]:
    """What a record says beside its message: what it is about, and its `facts`."""
    about = {name: getattr(record, name, None) for name in ABOUT}
    return {k: v for k, v in about.items() if v is not None} | getattr(record, "facts", {})


def timestamp(seconds: float) -> str:
    """RFC 3339, UTC."""
    text = datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds")
    return text.replace("+00:00", "Z")


def shown(text: str, mask: Callable[[str], str]) -> str:
    """Masked, and within bounds."""
    if len(text) <= UNREAD:
        return bounded(mask(text))
    half, most = UNREAD // 2, MAX_TEXT // 2
    head, tail = mask(text[:half])[:-EDGE][:most], mask(text[-half:])[EDGE:][-most:]
    return f"{head} … {len(text) - len(head) - len(tail)} characters … {tail}"


def bounded(text: str) -> str:
    """Its beginning and its end, where it is too long."""
    if len(text) <= MAX_TEXT:
        return text
    half = MAX_TEXT // 2
    return f"{text[:half]} … {len(text) - 2 * half} characters … {text[-half:]}"
