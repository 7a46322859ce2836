"""Where a load goes: a URL, or a fresh `understudy up` that the tool starts and stops."""

import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Final, NamedTuple

from loadtest.errors import LoadInvalid
from loadtest.run.payloads import SEEDED
from loadtest.stack import Stack, free_port, running_up

HOST: Final = "127.0.0.1"
INDEX: Final = "serving.json"


class Target(NamedTuple):
    url: str
    stack: Stack | None = None


@contextmanager
def target(
    url: str | None,
    up: Path | None,
    out: Path | None = None,
    settings: Mapping[str, str] | None = None,
) -> Iterator[Target]:
    """Raises LoadInvalid, or ProcessMissing where `up` does not get ready."""
    if (url is None) == (up is None):
        raise LoadInvalid("give either --url of a gateway that runs, or --up FOLDER to start one")
    if url is not None:
        yield Target(url.rstrip("/"))
        return
    assert up is not None
    with ExitStack() as kept:
        folder = out or Path(kept.enter_context(tempfile.TemporaryDirectory(prefix="load-")))
        state = folder.resolve() / "live"
        shutil.rmtree(state, ignore_errors=True)  # fresh: whatever an earlier run left is unknown
        state.mkdir(parents=True)
        stack = kept.enter_context(
            running_up(up, state, HOST, free_port(HOST), settings, log=state / "up.log")
        )
        yield Target(stack.url, stack)


def requests_of(requests: str | None, up: Path | None) -> str:
    """What was asked for; otherwise the log of the folder that is served; otherwise seeded."""
    if requests is not None:
        return requests
    if up is None:
        return SEEDED
    folders = [folder for folder in (up, up / "serving") if (folder / INDEX).is_file()]
    logs = [folder / "replay.jsonl" for folder in folders]
    return next((str(log) for log in logs if log.is_file()), SEEDED)
