"""Deployments for the doctor, and what it finds of them."""

import asyncio
from typing import Any

from cache.connection import connect
from server.doctor.examination import CHECKS, examined, found
from server.doctor.finding import Finding
from server.doctor.series import Series
from server.doctor.subject import Subject
from server.doctor.told import Told
from server.status_wire import CacheStatus, StudentStatus
from server.web import Web


def findings(subject: Subject) -> dict[str, Finding]:
    """Of all checks."""

    async def run() -> dict[str, Finding]:
        told = {name: finding async for name, finding in examined(subject)}
        await closed(subject)
        return told

    return asyncio.run(run())


def of_gateway(url: str, **given: Any) -> dict[str, Finding]:
    return findings(Subject(Web(url), **given))


async def of_redis(url: str, *names: str, **given: Any) -> list[Finding]:
    """Of these checks alone, with a client that is there."""
    subject = Subject(redis_url=url, client=connect(url), **given)
    told = [await found(check, subject) for check in CHECKS if check.name in names]
    assert len(told) == len(names)
    await closed(subject)
    return told


async def closed(subject: Subject) -> None:
    if subject.client is not None:
        await subject.client.aclose()


def verdicts(told: dict[str, Finding], verdict: str) -> list[str]:
    return [name for name, finding in told.items() if finding.verdict == verdict]


def reading(space: str) -> Told:
    """By a gateway whose student reads this space."""
    student = StudentStatus("stable", "student", "v", space, {}, [])
    status = CacheStatus("available", "closed", {}, [student], {}, None, None)
    return Told(None, "", status, Series({}), None)
