"""A server that is made a replica while its name begins to lead elsewhere."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.faults.episode import observe, say
from tests.faults.fault import NONE, Fault
from tests.faults.server import Server
from tests.faults.stage import Stage, fill, stored_events
from tests.faults.verdict import check_events

pytestmark = [pytest.mark.redis, pytest.mark.slow, pytest.mark.alone]


@pytest.fixture
def new_master(stage: Stage, tmp_path: Path) -> Iterator[Server]:
    """When the test is over the old one is master again, and connections lead to it."""
    server, old = Server(tmp_path / "other"), stage.proxy.target
    server.start()
    fill(server)
    yield server
    stage.server.ask("REPLICAOF", "NO", "ONE")
    stage.proxy.target = old
    stage.proxy.switch(Fault(resets=True))
    stage.proxy.switch(NONE)
    server.stop()


@contextmanager
def demoted(stage: Stage, new_master: Server) -> Iterator[None]:
    """The name leads new connections to the other; nobody ends those to the old one."""
    stage.server.ask("REPLICAOF", "127.0.0.1", "1")
    stage.proxy.target = new_master.socket
    yield


def test_events_go_to_the_new_master_while_the_old_one_still_answers(
    stage: Stage, new_master: Server
) -> None:
    fault = demoted(stage, new_master)
    episode = observe(stage, "master made a replica, its name moved", fault)
    say(episode.row())
    kept = stored_events(new_master)
    assert {answer.status for answer in episode.everything} == {200}
    assert episode.events(202, episode.lifted_s)
    assert episode.events(202, episode.lifted_s) <= kept
    check_events(episode, kept | stored_events(stage.server))
