"""Every check, in an order in which the first ones find what the later ones look at."""

from collections.abc import AsyncIterator
from typing import Final

from cache.errors import CacheError, StoreUnavailable
from server.doctor import (
    certificate_checks,
    clock_checks,
    gateway_checks,
    hint_checks,
    local_checks,
    redis_checks,
    refresher_checks,
    rights_checks,
    rollout_checks,
    settings_checks,
    stream_checks,
)
from server.doctor.finding import Check, Finding, fail, skip
from server.doctor.refused import ASK_AS, is_refused
from server.doctor.subject import Subject

CHECKS: Final = (
    Check("settings", settings_checks.settings),
    Check("gateway", gateway_checks.reachable, "url"),
    Check("certificate", certificate_checks.certificate, "url"),
    Check("ready", gateway_checks.ready, "gateway"),
    Check("bundle", gateway_checks.bundle, "ready"),
    Check("provider", gateway_checks.provider, "ready"),
    Check("workers", gateway_checks.workers, "gateway"),
    Check("keys", gateway_checks.keys_taken, "gateway"),
    Check("gateway's clock", clock_checks.gateway_clock, "gateway"),
    Check("cache, as it sees it", hint_checks.cache_seen, "ready"),
    Check("coverage", hint_checks.coverage, "ready"),
    Check("freshness", hint_checks.freshness, "ready"),
    Check("redis", redis_checks.reachable, "redis url"),
    Check("redis version", redis_checks.version, "redis"),
    Check("redis clock", clock_checks.redis_clock, "redis"),
    Check("rights", rights_checks.rights, "redis"),
    Check("eviction", redis_checks.eviction, "redis"),
    Check("memory", redis_checks.memory, "redis"),
    Check("persistence", redis_checks.persistence, "redis"),
    Check("latency", redis_checks.latency, "redis"),
    Check("refreshers", refresher_checks.workers, "space"),
    Check("leases", refresher_checks.leases, "space"),
    Check("demand", refresher_checks.backlog, "space"),
    Check("ingest", stream_checks.ingest, "redis"),
    Check("events stream", stream_checks.events_bound, "redis"),
    Check("dead letters", stream_checks.dead_letters, "redis"),
    Check("rollout", rollout_checks.rollout, "redis"),
    Check("admin token", local_checks.admin_token, "settings"),
    Check("keys file", local_checks.keys_file, "settings"),
    Check("open files", local_checks.files, "settings"),
    Check("threads", local_checks.threads, "settings"),
)


async def examined(subject: Subject) -> AsyncIterator[tuple[str, Finding]]:
    """By name, as they are found."""
    for check in CHECKS:
        yield check.name, await found(check, subject)


async def found(check: Check, subject: Subject) -> Finding:
    missing = subject.missing(check.needs)
    if missing is not None:
        return skip(missing)
    try:
        return await check.run(subject)
    except StoreUnavailable as error:
        if is_refused(error.__cause__):
            return skip("this user of Redis may not ask", ASK_AS)
        return fail(str(error), "it answered before: is it slow, or going away?")
    except CacheError as error:
        return fail(str(error), "what is kept there is not as this version writes it")
    except Exception as error:  # one check that breaks is no reason to hear nothing of the others
        return fail(f"{type(error).__name__}: {error}", "it answered what no version of ours says")
