"""Tries a bundle beside the one that answers, in a process that nobody waits for.

python -m server.rollout.lanes.trial CANDIDATE STABLE

Each is a bundle's folder, its catalogue beside it, or BUNDLE,CATALOGUE. What the process dies of is
its own: a gateway that started it reads the exit status.
"""

import asyncio
import contextlib
import resource
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import msgspec
import psutil

from models.features.catalogue import CatalogueError
from models.manifest import BundleError, Manifest
from server.cache_links import cache_links
from server.errors import ServingError
from server.lane import STABLE, Lane, build_lane, load_model, load_stand_in
from server.metrics import Metrics
from server.open_lane import Source
from server.rollout.lanes.likeness import check_like
from server.rollout.lanes.trial_run import judged, run
from server.rollout.lanes.trial_wire import Asked, Verdict
from server.settings import Settings
from server.warmup import warmup_requests

STACKS: Final = 64 << 20
"""Bytes that threads reserve beside what they take: 8 MiB each."""
REFUSALS: Final = (BundleError, CatalogueError, ServingError)


async def tried(candidate: Source, stable: Source, asked: Asked) -> Verdict:
    """Loads the stable one first: what the process takes more from then on is the candidate's."""
    settings = Settings(**asked.settings)
    try:
        one = _lane(settings, stable)
        before = _resident()
        other = _lane(settings, candidate, one.model.manifest)
        verdict = await _compared(one, other, asked)
        verdict.bytes = max(_resident() - before, 0)
        return verdict
    except REFUSALS as error:
        return Verdict(reason=str(error))


async def _compared(stable: Lane, candidate: Lane, asked: Asked) -> Verdict:
    model = candidate.model
    ran = await run(stable, candidate, [*warmup_requests(candidate.folder), *asked.requests])
    return Verdict(
        reason=judged(ran),
        name=model.manifest.name,
        version=model.version,
        space=model.manifest.reads_space,
        requests=len(ran.pairs),
        slowdown=ran.slowdown,
        work=ran.work,
    )


def _lane(settings: Settings, source: Source, like: Manifest | None = None) -> Lane:
    """Over no cache: a page that is there says nothing of a bundle."""
    model, catalogue = load_model(settings, *source)
    if like is not None:
        check_like(like, model.manifest, str(source.bundle))
    links = cache_links(settings)
    stand_in = load_stand_in(settings, model.manifest)
    return build_lane(STABLE, source.bundle, model, catalogue, links, Metrics(), stand_in)


def _resident() -> int:
    return int(psutil.Process().memory_info().rss)


def _alone(settings: dict[str, object]) -> dict[str, object]:
    """Nothing outside this process is asked."""
    return {**settings, "redis_url": None, "triton_url": None, "bundle": None}


def _source(text: str) -> Source:
    bundle, _, catalogue = text.partition(",")
    return Source(Path(bundle), Path(catalogue) if catalogue else None)


def _harmless() -> None:
    """No core is left behind, and where memory runs out it is this process that goes."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    with contextlib.suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text("1000")


def _bound(room: int) -> None:
    """What asks for more than is left dies of it, before a control group does as one."""
    if room and sys.platform == "linux":
        held = psutil.Process().memory_info()
        most = held.data + max(room - held.rss, 0) + STACKS
        resource.setrlimit(resource.RLIMIT_DATA, (most, most))


def main(arguments: Sequence[str]) -> None:
    _harmless()
    if len(arguments) != 2:
        sys.exit(__doc__)
    told = b"" if sys.stdin.isatty() else sys.stdin.buffer.read()
    asked = msgspec.json.decode(told, type=Asked) if told.strip() else Asked()
    asked.settings = _alone(asked.settings)
    _bound(asked.room)
    candidate, stable = map(_source, arguments)
    verdict = asyncio.run(tried(candidate, stable, asked))
    sys.stdout.write("\n" + msgspec.json.encode(verdict).decode() + "\n")


if __name__ == "__main__":
    main(sys.argv[1:])
