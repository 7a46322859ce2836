"""One gateway process, from its settings to its end."""

import gc
import logging
from typing import Final

from cache.logs.begin import begin_logs
from cache.logs.masking import secrets_of
from server.app import create_app
from server.listening.port import allow_files, shared_socket
from server.listening.server import GatewayServer
from server.settings import Settings
from server.workers.worker import Worker

YOUNG_OBJECTS: Final = 20_000
"""As many new containers are looked at together; by default it is 700, two requests' worth."""
OWN_FILES: Final = 256
"""Open files beside callers' connections: Redis, the bundle, logs."""
log = logging.getLogger(__name__)


def run(settings: Settings, worker: Worker | None = None) -> None:
    """Blocking, until a signal. Raises TlsInvalid; a worker also PortTaken."""
    log_as("gateway", settings, None if worker is None else worker.number)
    allow_connections(settings)
    server = GatewayServer(create_app(settings, rest_collector, worker))
    if worker is None:
        server.run()
    else:
        server.run([shared_socket(settings.host, settings.port)])


def log_as(role: str, settings: Settings, worker: int | None = None) -> None:
    token = settings.admin_token
    begin_logs(
        role,
        worker=worker,
        form=settings.log_format,
        level=settings.log_level,
        secrets=[
            *secrets_of(settings.redis_url),
            *([] if token is None else [token.get_secret_value()]),
        ],
    )


def allow_connections(settings: Settings) -> None:
    wanted = 2 * settings.max_connections + OWN_FILES
    allowed = allow_files(wanted)
    if allowed < wanted:
        log.warning(
            "%d open files are allowed, too few for UNDERSTUDY_MAX_CONNECTIONS %d: `ulimit -n %d`, "
            "or lower it",
            allowed,
            settings.max_connections,
            wanted,
        )


def rest_collector() -> None:
    """What is there by now lives for ever, and answers leave hardly any cycles: the collector need
    not walk the one, nor look for the other every few requests."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(YOUNG_OBJECTS, 20, 20)
