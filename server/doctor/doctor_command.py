"""`understudy doctor`: look at a deployment, and say what to mend."""

import asyncio
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import typer
from pydantic import ValidationError
from rich.console import Console
from rich.text import Text

from cache.logs.masking import Mask, secrets_of
from server.certificates import trusting, unchecked
from server.doctor.examination import examined
from server.doctor.finding import Finding
from server.doctor.subject import Subject
from server.environment import UnknownSetting, load_settings
from server.settings import PREFIX, Settings
from server.web import Web

STYLES = {"ok": "green", "warn": "yellow", "fail": "bold red", "skip": "dim"}
ANYWHERE = ("0.0.0.0", "::", "")
Told = Callable[[str, Finding], None]


def doctor(
    url: Annotated[
        str | None, typer.Option(help="Gateway to look at.  [default: by the settings here]")
    ] = None,
    redis: Annotated[
        str | None,
        typer.Option("--redis", help="URL of Redis.  [default: UNDERSTUDY_REDIS_URL]"),
    ] = None,
    ca: Annotated[Path | None, typer.Option(help="PEM file of authorities to trust.")] = None,
    client_certificate: Annotated[
        Path | None, typer.Option(help="PEM file of certificate and key, where callers show one.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print for machines.")] = False,
) -> None:
    """Check gateway, Redis and what works behind it. Ends with 1 when something is to be mended."""
    try:
        subject = _subject(url, redis, ca, client_certificate)
    except OSError as error:
        raise typer.BadParameter(f"--client-certificate {client_certificate}: {error}") from error
    try:
        trusting(ca)
    except OSError as error:
        raise typer.BadParameter(f"--ca {ca}: {error}") from error
    mask = Mask(secrets_of(subject.redis_url))
    findings: list[dict[str, Any]] = []

    def tell(name: str, finding: Finding) -> None:
        told = Finding(finding.verdict, mask(finding.found), mask(finding.remedy))
        findings.append({"check": name, **told._asdict()})
        if not as_json:
            _print(name, told)

    asyncio.run(_examine(subject, tell))
    failed = sum(each["verdict"] == "fail" for each in findings)
    if as_json:
        typer.echo(json.dumps({"ok": not failed, "checks": findings}))
    raise typer.Exit(1 if failed else 0)


async def _examine(subject: Subject, tell: Told) -> None:
    try:
        async for name, finding in examined(subject):
            tell(name, finding)
    finally:
        if subject.client is not None:
            await subject.client.aclose()


def _subject(
    url: str | None, redis: str | None, ca: Path | None, client_certificate: Path | None
) -> Subject:
    """Settings of this environment are the gateway's where it runs beside: on this machine, and
    with an environment of its own. A forwarded port is on this machine too."""
    settings, error = _settings()
    own = os.environ.get(f"{PREFIX}REDIS_URL")
    where = url or _own_url(settings or Settings.model_construct())
    web = Web(where, tls=unchecked(client_certificate))
    has_own = any(name.upper().startswith(PREFIX) for name in os.environ)
    is_beside = url is None or (web.is_here and has_own)
    return Subject(
        web=web,
        redis_url=redis or own,
        settings=settings if is_beside else None,
        settings_error=error if is_beside else None,
        ca=ca,
        client_certificate=client_certificate,
        is_own_user=redis in (None, own),
    )


def _settings() -> tuple[Settings | None, str | None]:
    """Or why they would stop a gateway."""
    try:
        return load_settings(), None
    except UnknownSetting as error:
        return None, str(error)
    except ValidationError as error:
        wrong = [f"{'.'.join(map(str, each['loc']))}: {each['msg']}" for each in error.errors()]
        return None, "; ".join(wrong)


def _own_url(settings: Settings) -> str:
    scheme = "http" if settings.tls_certificate is None else "https"
    host = "127.0.0.1" if settings.host in ANYWHERE else settings.host
    return f"{scheme}://{f'[{host}]' if ':' in host else host}:{settings.port}"


def _print(name: str, finding: Finding) -> None:
    console = Console(highlight=False, soft_wrap=True)
    verdict = Text(f"{finding.verdict:<5}", style=STYLES[finding.verdict])
    console.print(verdict + Text(f"{name:<21} {finding.found}"))
    if finding.remedy and finding.verdict != "ok":
        console.print(Text(f"{'':<26} → {finding.remedy}"))
