"""Whether somebody answers the demand of the space that the gateway reads."""

from typing import Any, Final, NamedTuple

from cache.connection import unavailable_when_failing
from cache.demand_keys import ShardKeys, SpaceKeys
from cache.errors import StoreUnavailable
from cache.operator.key_listing import listed
from cache.refresh.space_state import SpaceState, space_state
from server.doctor.finding import Finding, fail, ok, skip, warn
from server.doctor.server_time import server_s
from server.doctor.subject import Subject

LATE_S: Final = 60.0
LOST_S: Final = 600.0
"""By default a hint is stale by then."""
LEASE_MS: Final = 60_000
"""No worker takes a lease for so long."""
ENDLESS: Final = -1
"""What PTTL says of a key without an end; -2 where it is gone by now."""
START: Final = "start `understudy refresh` with the serving folder that the gateway answers from"


class Lease(NamedTuple):
    shard: int
    holder: str
    left_ms: int | None  # as PTTL says it; None where this user may not ask


async def workers(subject: Subject) -> Finding:
    """Refreshers of another space help nobody here."""
    state = await _state(subject)
    if state.workers:
        return ok(f"{state.workers} refreshers of space {subject.space} are alive")
    others = await _other_spaces(subject)
    if others:
        return fail(
            f"no refresher of space {subject.space}, which the gateway reads, is alive; there are "
            f"some of {', '.join(others)}",
            "serve the student of that teacher, or run the teacher of this student: one export "
            "makes both",
        )
    return fail(f"no refresher of space {subject.space} is alive", START)


async def backlog(subject: Subject) -> Finding:
    """How long the oldest demand has waited."""
    state = await _state(subject)
    if not state.shards:
        return skip("nobody has asked the teacher for anything yet")
    waited_s = await _oldest_s(subject, state.shards)
    told = f"{state.backlog} messages of demand wait, the oldest for {waited_s:.0f} s"
    remedy = "more refreshers or cores for them, or a policy that chooses (docs/speculation.md)"
    if waited_s > LOST_S:
        return fail(told, remedy)
    return warn(told, remedy) if waited_s > LATE_S else ok(told)


async def leases(subject: Subject) -> Finding:
    """A shard whose lease nobody alive holds is worked on by nobody."""
    state = await _state(subject)
    if not state.workers:
        return skip("no refresher is alive")
    held = await _leases(subject, state.shards)
    living = await _living(subject)
    orphans = [each for each in held if each.holder not in living]
    stuck = [each for each in orphans if is_stuck(each.left_ms)]
    if stuck:
        first = stuck[0]
        key = ShardKeys.of(str(subject.space), first.shard).lease.decode()
        return fail(
            f"{len(stuck)} shards are leased to whom gives no sign of life, shard {first.shard} to "
            f"{first.holder}",
            f"see that no such process runs, then DEL {key}",
        )
    waiting = state.shards - len(held) + len(orphans)
    if waiting:
        return warn(
            f"{waiting} of {state.shards} shards are between two refreshers",
            "look again in a minute; if it stays so, see the logs of refreshers",
        )
    return ok(f"all {state.shards} shards are leased to living refreshers")


def is_stuck(left_ms: int | None) -> bool:
    """Whether a lease outlasts whoever held it: any other is over soon, and taken anew."""
    return left_ms is not None and (left_ms == ENDLESS or left_ms >= LEASE_MS)


async def _state(subject: Subject) -> SpaceState:
    assert subject.client is not None
    assert subject.space is not None
    return await space_state(subject.client, subject.space)


async def _leases(subject: Subject, shards: int) -> list[Lease]:
    client: Any = subject.client
    keys = [ShardKeys.of(str(subject.space), shard).lease for shard in range(shards)]
    with unavailable_when_failing("look at leases"):
        async with client.pipeline(transaction=False) as pipeline:
            for key in keys:
                pipeline.get(key)
            proofs: list[bytes | None] = await pipeline.execute()
    return [
        Lease(shard, proof.partition(b" ")[2].decode(errors="replace"), await _left_ms(client, key))
        for shard, (key, proof) in enumerate(zip(keys, proofs, strict=True))
        if proof is not None
    ]


async def _left_ms(client: Any, key: bytes) -> int | None:
    try:
        with unavailable_when_failing("ask how long a lease lasts"):
            return int(await client.pttl(key))
    except StoreUnavailable:
        return None


async def _living(subject: Subject) -> set[str]:
    """Names, by the server's clock."""
    client: Any = subject.client
    now_ms, key = int(await server_s(client) * 1000), SpaceKeys.of(str(subject.space)).workers
    with unavailable_when_failing("look at the roster"):
        told = await client.zrange(key, now_ms, "+inf", byscore=True)
    return {name.decode(errors="replace") for name in told}


async def _oldest_s(subject: Subject, shards: int) -> float:
    """0 where nothing waits."""
    client: Any = subject.client
    with unavailable_when_failing("look at the demand"):
        async with client.pipeline(transaction=False) as pipeline:
            for shard in range(shards):
                pipeline.xrange(ShardKeys.of(str(subject.space), shard).stream, count=1)
            told = await pipeline.execute()
    firsts = [int(entries[0][0].partition(b"-")[0]) for entries in told if entries]
    return max(0.0, await server_s(client) - min(firsts) / 1000.0) if firsts else 0.0


async def _other_spaces(subject: Subject) -> list[str]:
    """With a living refresher. Empty where this user may not list keys."""
    assert subject.client is not None
    found = []
    try:
        async for keys in listed(subject.client, b"us:workers:{*}"):
            for key in keys:
                space = key.decode(errors="replace").removeprefix("us:workers:{").removesuffix("}")
                if (await space_state(subject.client, space)).workers:
                    found.append(space)
    except StoreUnavailable:
        return []
    return sorted(set(found) - {subject.space})
