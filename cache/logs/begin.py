"""Where the log of every process begins. See docs/observability.md."""

import logging
import os
import sys
from collections.abc import Iterable, Mapping, Sequence
from types import TracebackType
from typing import Final, Literal, TextIO, get_args

from cache.errors import LogsInvalid
from cache.logs.lines import ConsoleLines, JsonLines
from cache.logs.masking import Mask
from cache.logs.storms import Storms

LogForm = Literal["auto", "console", "json"]
"""`auto` is `console` where stderr is a terminal, and `json` where it is not."""
LogLevel = Literal["debug", "info", "warning", "error"]
FORM: Final = "UNDERSTUDY_LOG_FORMAT"
LEVEL: Final = "UNDERSTUDY_LOG_LEVEL"


class LogHandler(logging.StreamHandler[TextIO]):
    """The one of a process, on stderr."""


def begin_logs(
    role: str,
    *,
    worker: int | None = None,
    form: LogForm | None = None,
    level: LogLevel | None = None,
    secrets: Iterable[str] = (),
) -> None:
    """All that this process logs from now on, libraries included, goes to stderr as one kind of
    line. What is not given is that of the environment. `secrets` are shown nowhere.
    Raises LogsInvalid."""
    chosen = form or _one_of(get_args(LogForm), FORM, "auto", os.environ)
    least = level or _one_of(get_args(LogLevel), LEVEL, "info", os.environ)
    who: dict[str, str | int] = {"role": role} | ({} if worker is None else {"worker": worker})
    lines = JsonLines if is_json(chosen, is_terminal=sys.stderr.isatty()) else ConsoleLines
    handler = LogHandler(sys.stderr)
    handler.setFormatter(lines(who, Mask(secrets)))
    handler.addFilter(Storms())
    root = logging.getLogger()
    for earlier in [each for each in root.handlers if isinstance(each, LogHandler)]:
        root.removeHandler(earlier)
    root.addHandler(handler)
    root.setLevel(least.upper())
    sys.excepthook = _ended


def is_json(form: str, *, is_terminal: bool) -> bool:
    return form == "json" or (form == "auto" and not is_terminal)


def _one_of(allowed: Sequence[str], name: str, default: str, environment: Mapping[str, str]) -> str:
    value = environment.get(name, default)
    if value not in allowed:
        raise LogsInvalid(f"{name} is {value!r}: give one of {', '.join(allowed)}")
    return value


def _ended(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    """The last line of a process that an exception ends is one like any other."""
    if issubclass(kind, KeyboardInterrupt):
        sys.__excepthook__(kind, error, trace)
        return
    logging.getLogger(__name__).critical(
        "ended by %s", kind.__name__, exc_info=(kind, error, trace)
    )
