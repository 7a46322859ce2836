"""Whether a gateway answers, with what, and on what."""

import asyncio
from collections import defaultdict

from server.doctor.finding import Finding, fail, ok, skip, warn
from server.doctor.subject import Subject
from server.doctor.told import Stranger, Told, ask
from server.lane import STABLE
from server.web import Away


async def reachable(subject: Subject) -> Finding:
    assert subject.web is not None
    try:
        subject.told = await asyncio.to_thread(ask, subject.web, subject.clock)
    except Away as error:
        return fail(
            f"no answer: {error}",
            "see whether the process runs and listens there, and its log; from elsewhere, Service, "
            "network policy and TLS",
        )
    except Stranger as error:
        return fail(
            f"{subject.web.url} answers, and not as a gateway does: {error}",
            "see the address: another service listens there, or a proxy answers in its place",
        )
    return ok(f"{subject.web.url} answers")


async def ready(subject: Subject) -> Finding:
    told = _told(subject)
    if told.ready is None:
        return fail(
            f"it is not ready: {told.why_not}",
            "wait while it loads; else mend what it says and start it again",
        )
    return ok(f"ready: {told.ready.model} {told.ready.version}")


async def bundle(subject: Subject) -> Finding:
    """Of one model all workers are to answer from one bundle."""
    versions = defaultdict(set)
    for sample in _told(subject).series.of("understudy_bundle_info", lane=STABLE):
        versions[sample.labels["model"]].add(sample.labels["version"])
    told = "; ".join(f"{model} {', '.join(sorted(each))}" for model, each in versions.items())
    if any(len(each) > 1 for each in versions.values()):
        return warn(
            f"workers answer from different bundles: {told}",
            "wait for a rollout's end; else look for `cannot answer from` in their logs",
        )
    return ok(f"stable: {told}") if told else skip("no bundle is told of in /metrics")


async def provider(subject: Subject) -> Finding:
    ready = _told(subject).ready
    assert ready is not None
    if subject.settings is None:
        return ok(f"{ready.provider} runs the student")
    asked = subject.settings.provider
    if ready.provider == asked:
        return ok(f"{asked} was asked for, and runs the student")
    return warn(
        f"{asked} was asked for, and {ready.provider} runs the student",
        "its log says why: driver, libraries, memory or model; UNDERSTUDY_PROVIDER_FALLBACK=false "
        "makes it an error",
    )


async def workers(subject: Subject) -> Finding:
    series = _told(subject).series
    silent = series.total("understudy_workers", state="silent")
    if silent:
        return warn(
            f"{silent:g} workers do not tell their metrics",
            "see what they do: the supervisor's log, `understudy slow`, processor and memory",
        )
    return ok(f"{series.total('understudy_workers', state='answering') or 1:g} workers tell all")


async def keys_taken(subject: Subject) -> Finding:
    """As the gateway sees the file, wherever it runs."""
    series = _told(subject).series
    if series.total("understudy_keys_file_unread"):
        return fail(
            "the gateway cannot use its file of keys as it is now; those before it hold",
            "its log says what breaks which rule (docs/security.md)",
        )
    keys = series.total("understudy_keys")
    return ok(f"{keys:g} keys may rank" if keys else "no key is asked for")


def _told(subject: Subject) -> Told:
    assert subject.told is not None
    return subject.told
