"""What must hold of an episode, whatever the fault was."""

from typing import Final

from tests.faults.episode import Episode, observe, say
from tests.faults.stage import Stage, stored_events
from tests.faults.switches import TIMEOUT, Case

UNREAD: Final[set[str | None]] = {"cache:open_breaker", TIMEOUT}
"""What every fault of reading may come to. On a busy machine a read may be late without one."""
NEARLY_ALL: Final = 0.8
TRIES: Final = 3


def endured(stage: Stage, case: Case) -> Episode:
    """What must hold always is looked at each time. How late answers are, and how many of them
    lack something, may be the scheduler's doing for once; it is not three times."""
    for _ in range(TRIES):
        episode = observe(stage, case.name, case.switch(stage))
        say(episode.row())
        check_answers(episode, case.says)
        check_events(episode, stored_events(stage.server))
        if case.refuses_events:
            assert episode.events(503, episode.began_s, episode.lifted_s)
        if is_clear(episode, case):
            break
    return episode


def is_clear(episode: Episode, case: Case) -> bool:
    if case.says is None:
        return episode.is_in_time and episode.whole_share >= NEARLY_ALL
    is_named = case.says in episode.reasons and 1.0 - episode.whole_share >= case.least
    return episode.is_in_time and is_named


def check_answers(episode: Episode, says: str | None) -> None:
    assert {answer.status for answer in episode.everything} == {200}
    assert set(episode.reasons) <= UNREAD | {says}
    assert all(answer.is_whole or answer.pair == 0.0 for answer in episode.during)
    after = [answer.pair == 1.0 for answer in episode.healthy if answer.due_s > episode.lifted_s]
    assert sum(after) >= NEARLY_ALL * len(after)


def check_events(episode: Episode, stored: set[str]) -> None:
    """Nothing that was acknowledged is lost."""
    assert {report.status for report in episode.reported} <= {202, 503}
    assert episode.events(202) <= stored
    assert episode.events(202, end_s=episode.began_s)
