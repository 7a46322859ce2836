"""The server itself: its version, its memory, its disk, its speed."""

import statistics
import time
from collections.abc import Mapping
from typing import Any, Final

from redis.exceptions import ResponseError

from cache.connection import connect, unavailable_when_failing
from cache.errors import CacheError, StoreUnavailable
from cache.keys import page_key, page_name, page_pattern, record_key
from cache.operator.key_listing import listed
from cache.operator.masters import masters
from cache.redis_store import RedisStore
from server.doctor.finding import Finding, fail, ok, skip, warn
from server.doctor.refused import ASK_AS, is_refused
from server.doctor.server_time import server_s
from server.doctor.subject import Subject
from server.settings import Settings

OLDEST: Final = (7, 0)
READS: Final = 20
STEPS: Final = 10
"""Of a walk over the keys, to find one page."""
POLICY: Final = "CONFIG SET maxmemory-policy volatile-lru, and the same in its configuration file"
SOUND: Final = ("noeviction", "volatile-lru", "volatile-lfu")
"""Of what has an end, these two evict what nobody uses: leases are renewed all the time."""
NOBODY: Final = "understudy-doctor"


async def reachable(subject: Subject) -> Finding:
    """By its time: a server that cannot save answers PING with an error."""
    assert subject.redis_url is not None
    try:
        client = connect(subject.redis_url)
        await server_s(client)
    except CacheError as error:
        if not is_refused(error.__cause__):
            return fail(
                str(error),
                "see whether the server runs, or hangs; address, password and network policy",
            )
    subject.client = client
    return ok("it answers")


async def version(subject: Subject) -> Finding:
    told = sorted({_version(facts) for facts in await _info(subject, "server")})
    text = ", ".join(".".join(map(str, each)) for each in told)
    if told[0] < OLDEST:
        least = ".".join(map(str, OLDEST))
        return fail(f"version {text}", f"upgrade to {least} or later, replicas first")
    return ok(f"version {text}")


async def eviction(subject: Subject) -> Finding:
    """Streams, accounts, catalogue and rollouts have no end, and must never be evicted. Pages and
    records may have one, leases and rosters have a short one: what ends first must not go first."""
    policies = sorted({str(facts["maxmemory_policy"]) for facts in await _info(subject, "memory")})
    bad = [policy for policy in policies if policy.startswith("allkeys")]
    if bad:
        return fail(
            f"maxmemory-policy {', '.join(bad)} may evict streams, leases, accounts and rollouts",
            POLICY,
        )
    odd = [policy for policy in policies if policy not in SOUND]
    if odd:
        return warn(f"maxmemory-policy {', '.join(odd)} may evict leases that are in use", POLICY)
    return ok(f"maxmemory-policy {', '.join(policies)}")


async def memory(subject: Subject) -> Finding:
    told = await _info(subject, "memory")
    if any(int(facts["maxmemory"]) == 0 for facts in told):
        return warn(
            "maxmemory is not set: it grows until the system ends it",
            "CONFIG SET maxmemory to two thirds of what the machine gives it (docs/operations.md)",
        )
    share = max(int(facts["used_memory"]) / int(facts["maxmemory"]) for facts in told)
    used = f"{share:.0%} of maxmemory is used"
    evicts = any(str(facts["maxmemory_policy"]).startswith("volatile") for facts in told)
    if share > 0.95 and not evicts:
        return fail(used, "raise maxmemory, or let pages go: maxmemory-policy volatile-lru")
    if share > 0.9:
        return warn(used, "raise maxmemory, or add masters: pages leave before their time, or will")
    return ok(used)


async def persistence(subject: Subject) -> Finding:
    """Catalogue, rollouts and accounts cannot be computed again."""
    for facts in await _info(subject, "persistence"):
        for name in ("rdb_last_bgsave_status", "aof_last_write_status"):
            if facts.get(name, "ok") != "ok":
                return fail(f"{name} is {facts[name]}", "see its log: disk full, or not writable?")
    saves_nothing = await _saves_nothing(subject)
    if saves_nothing is None:
        return skip("the last save did not fail; whether there is any is not told", ASK_AS)
    if saves_nothing:
        return warn(
            "nothing is ever saved: a restart begins without catalogue, rollouts and users",
            'CONFIG SET save "3600 1", or appendonly yes, on a disk that outlives the process',
        )
    return ok("it saves, and the last time went well")


async def latency(subject: Subject) -> Finding:
    """Median of a few reads as a request makes them, one after another. From elsewhere than the
    gateway's machine the way is another: no failure."""
    assert subject.redis_url is not None
    keys = await _keys(subject)
    store, took_ms = RedisStore(connect(subject.redis_url)), []
    try:
        for _ in range(READS + 1):
            began = time.perf_counter()
            await store.get_many(keys)
            took_ms.append((time.perf_counter() - began) * 1000.0)
    finally:
        await store.close()
    median_ms = statistics.median(took_ms[1:])  # the first one opens the connection
    most_ms = _timeout_ms(subject)
    told = f"a page is read in {median_ms:.2f} ms, of {most_ms:g} ms that a request gives it"
    remedy = "bring it nearer, or give it a core of its own; SLOWLOG GET says what keeps it"
    if median_ms > most_ms and subject.settings is not None:
        return fail(told, f"{remedy}; until then UNDERSTUDY_CACHE_TIMEOUT_MS above that")
    return warn(told, remedy) if median_ms > most_ms / 2 else ok(told)


async def _saves_nothing(subject: Subject) -> bool | None:
    """Of some server, by its configuration; None where this user may not read that, or nobody."""
    client: Any = subject.client
    for server in await masters(client):
        try:
            with unavailable_when_failing("read its configuration"):
                told = await server.execute_command("CONFIG", "GET", "save", "appendonly")
        except StoreUnavailable as error:
            if isinstance(error.__cause__, ResponseError):
                return None
            raise
        if _pairs(told) == {"save": "", "appendonly": "no"}:
            return True
    return False


def _pairs(told: Any) -> dict[str, str]:
    """Of a reply that may come as a map or as a list, in bytes or text."""
    flat = [part for pair in told.items() for part in pair] if isinstance(told, Mapping) else told
    texts = [part.decode() if isinstance(part, bytes) else str(part) for part in flat]
    return dict(zip(texts[::2], texts[1::2], strict=True))


async def _info(subject: Subject, section: str) -> list[dict[str, Any]]:
    """Of each master. Raises StoreUnavailable."""
    client: Any = subject.client
    servers = await masters(client)
    with unavailable_when_failing("ask for the server's state"):
        return [dict(await server.execute_command("INFO", section)) for server in servers]


def _version(facts: Mapping[str, Any]) -> tuple[int, ...]:
    told = str(facts.get("valkey_version", facts.get("redis_version", "0")))
    return tuple(int(part) for part in told.split(".") if part.isdecimal())


async def _keys(subject: Subject) -> list[bytes]:
    """Of a user with a page, where one is soon found."""
    client: Any = subject.client
    step = 0
    try:
        async for keys in listed(client, page_pattern()):
            names = filter(None, map(page_name, keys))
            if (name := next(names, None)) is not None:
                return [record_key(name.user_id), page_key(*name)]
            if (step := step + 1) >= STEPS:
                break
    except StoreUnavailable:  # this user may not list keys
        pass
    return [record_key(NOBODY), page_key(NOBODY, subject.space or "none")]


def _timeout_ms(subject: Subject) -> float:
    """The default where the gateway's is not known."""
    settings = subject.settings
    default: float = Settings.model_fields["cache_timeout_ms"].default
    return default if settings is None else settings.cache_timeout_ms
