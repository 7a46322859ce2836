"""What is to be seen on the gateway's own machine, with its environment."""

import resource
import stat
from typing import Final

from models.providers.threads import usable_cores
from server.access.errors import KeysInvalid
from server.access.keys_file import read_keys
from server.doctor.finding import Finding, fail, ok, skip, warn
from server.doctor.subject import Subject
from server.execution import threads_of
from server.running import OWN_FILES
from server.settings import Settings

LEAST_TOKEN: Final = 16
DISTINCT: Final = 8
"""Characters of a token."""


async def admin_token(subject: Subject) -> Finding:
    token = _settings(subject).admin_token
    if token is None:
        return warn(
            "there is none: items, models, rollouts and slow requests have no routes",
            "UNDERSTUDY_ADMIN_TOKEN=$(openssl rand -hex 32), unless that is meant",
        )
    text = token.get_secret_value()
    if len(text) < LEAST_TOKEN or len(set(text)) < DISTINCT:
        return fail(
            f"it is weak: {len(text)} characters, {len(set(text))} of them different",
            "UNDERSTUDY_ADMIN_TOKEN=$(openssl rand -hex 32)",
        )
    return ok(f"it has {len(text)} characters")


async def keys_file(subject: Subject) -> Finding:
    path = _settings(subject).keys
    if path is None:
        return skip("UNDERSTUDY_KEYS is not set: everybody may rank")
    try:
        keys = read_keys(path)
    except KeysInvalid as error:
        return fail(str(error), "mend the file; a gateway that runs keeps the keys before it")
    mode = path.stat().st_mode
    if mode & (stat.S_IWGRP | stat.S_IWOTH):
        return fail(
            f"{path} can be written by others ({stat.filemode(mode)})",
            f"chmod go-w {path}: whoever writes it lets himself in",
        )
    return ok(f"{len(keys)} keys, written by their owner alone")


async def files(subject: Subject) -> Finding:
    wanted = 2 * _settings(subject).max_connections + OWN_FILES
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and hard < wanted:
        return warn(
            f"{hard} open files are allowed, and UNDERSTUDY_MAX_CONNECTIONS may need {wanted}",
            f"`ulimit -Hn {wanted}` (LimitNOFILE= of systemd), or lower that setting",
        )
    return ok(f"{wanted} files may be open")


async def threads(subject: Subject) -> Finding:
    settings, cores = _settings(subject), usable_cores()
    wanted = threads_of(settings) * settings.workers
    if settings.provider != "cpu":
        return skip(f"{settings.provider} runs the student")
    if wanted > cores:
        return warn(
            f"{settings.workers} workers of {threads_of(settings)} threads each on {cores} cores",
            "UNDERSTUDY_ORT_THREADS=auto, fewer UNDERSTUDY_WORKERS, or a larger quota",
        )
    return ok(f"{wanted} threads run the model on {cores} cores")


def _settings(subject: Subject) -> Settings:
    assert subject.settings is not None
    return subject.settings
