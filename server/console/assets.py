"""The console's files as they are answered: read once, and nothing else of that folder's."""

from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path
from typing import Final

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

STATIC: Final = Path(__file__).parent / "static"
PAGE: Final = "console.html"
PATH: Final = "/console"
TYPES: Final = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}
POLICY: Final = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self'",
        "connect-src 'self'",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
        "require-trusted-types-for 'script'",
        "trusted-types 'none'",
    )
)
HEADERS: Final[Mapping[str, str]] = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cache-Control": "no-cache",
}


def asset_routes() -> list[Route]:
    """The page, and each file that it asks for under a path of its own."""
    files = sorted(path for path in STATIC.iterdir() if path.suffix in TYPES)
    return [
        Route(PATH if file.name == PAGE else f"{PATH}/{file.name}", Asset(file).answer)
        for file in files
    ]


class Asset:
    def __init__(self, file: Path) -> None:
        self._body = file.read_bytes()
        tag = f'"{sha256(self._body).hexdigest()[:16]}"'
        self._type = TYPES[file.suffix]
        self._headers = {**HEADERS, "ETag": tag}

    async def answer(self, request: Request) -> Response:
        if request.headers.get("If-None-Match") == self._headers["ETag"]:
            return Response(status_code=304, headers=self._headers)
        return Response(self._body, headers=self._headers, media_type=self._type)
