"""`understudy`, but nothing is counted: what metrics cost is seen by their absence.

python -m tests.server.tracing.uncounted serve …
"""

from typing import Any

from prometheus_client import Counter
from starlette.types import Receive, Scope, Send

from server.collectors import Series
from server.counted import CountedAnswers
from server.metrics import LaneMetrics
from understudy import main


def nothing(*_: Any) -> None:
    pass


def itself(counter: Counter, *_: Any) -> Counter:
    return counter


async def passed(answers: CountedAnswers, scope: Scope, receive: Receive, send: Send) -> None:
    await answers._app(scope, receive, send)


REPLACED: dict[type, dict[str, Any]] = {
    LaneMetrics: {"timed": nothing, "covered": nothing, "aged": nothing},
    Series: {"observe": nothing},
    Counter: {"labels": itself, "inc": nothing},
    CountedAnswers: {"__call__": passed},
}

if __name__ == "__main__":
    for kind, methods in REPLACED.items():
        for name, method in methods.items():
            setattr(kind, name, method)
    main()
