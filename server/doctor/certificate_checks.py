"""How long the gateway's certificate lasts, and whether this machine trusts it."""

import asyncio
from typing import Final

from server.certificates import Shown, shown_by, trusting
from server.doctor.finding import Finding, fail, ok, skip, warn
from server.doctor.subject import Subject

DAY_S: Final = 86_400.0
SOON_D: Final = 7
LATER_D: Final = 30
RENEW: Final = "renew it and restart gateways, which read it once (docs/operations.md, TLS)"


async def certificate(subject: Subject) -> Finding:
    assert subject.web is not None
    if not subject.web.is_tls:
        return skip("it speaks plain HTTP")
    try:
        shown = await asyncio.to_thread(_shown, subject)
    except OSError as error:
        return fail(f"no TLS: {error}", "see UNDERSTUDY_TLS_CERTIFICATE and its log")
    if shown.ends_s is None:
        return fail(f"it is not valid now: {shown.why_not_trusted}", RENEW)
    days = (shown.ends_s - subject.clock()) / DAY_S
    told = f"it ends in {days:.0f} days"
    if days < SOON_D:
        return fail(told, RENEW)
    if days < LATER_D:
        return warn(told, RENEW)
    if shown.why_not_trusted is not None and not subject.web.is_here:
        return warn(
            f"{told}; not trusted here: {shown.why_not_trusted}",
            "give its authority by --ca, and callers too",
        )
    return ok(told)


def _shown(subject: Subject) -> Shown:
    """Blocking. Raises OSError."""
    assert subject.web is not None
    parts, client = subject.web.parts, subject.client_certificate
    trusted = trusting(subject.ca, client)
    host, port = parts.hostname or "", parts.port or 443
    return shown_by(host, port, trusted, client, subject.web.timeout_s)
