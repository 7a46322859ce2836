"""What a console costs its gateway: `python -m tests.server.console.cost`.

Of workers with two lanes whose every stage and tier has been seen; one judgement of a canary; and a
history whose every transition has its figures.
"""

import time
from collections.abc import Callable

import msgspec

from server.console.board import transitions_of
from server.console.live import live_of
from server.console.readings import Readings
from server.rollout.guardrails.verdict import judge
from server.rollout.history import Entry
from server.rollout.plan import DEFAULT
from server.rollout.state import State
from server.rollout_wire import RolloutHistory
from server.routes.rollouts import MAX_HISTORY
from server.wire import encode_json
from server.workers.merge import merged
from tests.server.console.pages import Counting
from tests.server.rollout.guardrails.counted import counted

TURNS = 50


def ms_of(work: Callable[[], object]) -> float:
    """The best of many turns."""
    best = float("inf")
    for _ in range(TURNS):
        began = time.perf_counter()
        work()
        best = min(best, time.perf_counter() - began)
    return 1e3 * best


def ranked(workers: list[Counting]) -> bytes:
    for counting in workers:
        for number in range(200):
            counting.rank(1.0 + number, "canary" if number % 4 == 0 else "stable")
    return merged([counting.page() for counting in workers])


def costs(count: int) -> dict[str, float]:
    workers, readings = [Counting(str(number)) for number in range(count)], Readings()
    pages = [ranked(workers) for _ in range(2)]
    for second in range(60):
        readings.add(pages[second > 30], float(second))
    figures = ms_of(lambda: live_of(readings))
    return {
        "each worker writes its page": ms_of(workers[0].page),
        "all pages are read": ms_of(lambda: readings.add(pages[1], 60.0)),
        "the figures are made": figures,
    }


def main() -> None:
    one, four = costs(1), costs(4)
    for name in one:
        print(f"| {name} | {one[name]:.1f} ms | {four[name]:.1f} ms |")  # noqa: T201
    sums = counted(seed=1), counted()
    verdict = judge(*sums, DEFAULT.canary_guardrails)
    entry = Entry.of(State(), State(stage="canary"), 0, msgspec.to_builtins(verdict)).encode()
    history = [(f"{number}-0", entry) for number in range(MAX_HISTORY)]
    judged = ms_of(lambda: judge(*sums, DEFAULT.canary_guardrails))
    print(f"| a canary is judged | {judged:.1f} ms | {judged:.1f} ms |")  # noqa: T201
    told = ms_of(lambda: encode_json(RolloutHistory("student", transitions_of(history))))
    print(f"a history of {len(history)} is read and written: {told:.1f} ms")  # noqa: T201


if __name__ == "__main__":
    main()
