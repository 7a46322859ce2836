"""Log records as code that logs makes them."""

import logging
import sys
from typing import Any


def record(
    message: str = "said", *args: Any, level: int = logging.INFO, name: str = "a.b", **extra: Any
) -> logging.LogRecord:
    made = logging.LogRecord(name, level, __file__, 1, message, args, None)
    vars(made).update(extra)
    return made


def failed(error: Exception, message: str = "it failed", **extra: Any) -> logging.LogRecord:
    """As `exc_info=error` makes it."""
    try:
        raise error
    except type(error):
        trace = sys.exc_info()
    made = record(message, level=logging.ERROR, **extra)
    made.exc_info = trace
    return made
