"""What a command reads of a gateway over HTTP, with the standard library alone."""

import ssl
import urllib.error
import urllib.request
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from http.client import HTTPException, HTTPMessage
from typing import IO, Any, Final, NamedTuple
from urllib.parse import SplitResult, urlsplit

TIMEOUT_S: Final = 5.0
MAX_BYTES: Final = 16 << 20
HERE: Final = ("127.0.0.1", "localhost", "::1")


class Away(Exception):
    """Nothing answers there, or not as a gateway would."""


class Page(NamedTuple):
    status: int
    headers: Mapping[str, str]  # names in small letters
    body: bytes


@dataclass(frozen=True)
class Web:
    """Of one gateway. `tls` None trusts the authorities of this machine."""

    url: str
    token: str | None = field(default=None, repr=False)
    tls: ssl.SSLContext | None = None
    timeout_s: float = TIMEOUT_S

    @property
    def parts(self) -> SplitResult:
        """Empty ones of a URL that is none."""
        try:
            return urlsplit(self.url)
        except ValueError:
            return urlsplit("")

    @property
    def is_here(self) -> bool:
        """Whether it runs on this machine."""
        return self.parts.hostname in HERE

    @property
    def is_tls(self) -> bool:
        return self.parts.scheme == "https"

    def get(self, path: str, *, has_token: bool = False) -> Page:
        """Blocking. Whatever the status is. Raises Away."""
        try:
            if self.parts.scheme not in ("http", "https"):
                raise ValueError("give http://host:port or https://host:port")
            with self._opened(self._request(path, has_token)) as page:
                return Page(page.status, _headers(page.headers.items()), page.read(MAX_BYTES))
        except (OSError, HTTPException, ValueError) as error:
            reason = getattr(error, "reason", None) or error
            raise Away(f"{self.url}{path}: {reason}") from error

    def _opened(self, request: urllib.request.Request) -> Any:
        """A response, a refusal too: its body is still to be read, and may break off."""
        try:
            return _opener(self.tls).open(request, timeout=self.timeout_s)
        except urllib.error.HTTPError as refused:
            return refused

    def _request(self, path: str, has_token: bool) -> urllib.request.Request:
        """Raises ValueError of a URL that is none."""
        request = urllib.request.Request(self.url.rstrip("/") + path)
        if has_token and self.token is not None:
            request.add_unredirected_header("Authorization", f"Bearer {self.token}")
        return request


def _headers(given: Iterable[tuple[str, str]]) -> dict[str, str]:
    return {name.lower(): value for name, value in given}


def _opener(tls: ssl.SSLContext | None) -> urllib.request.OpenerDirector:
    """No proxy of the environment stands between a command and its gateway, and a redirection
    would carry the token elsewhere."""
    handlers = [urllib.request.ProxyHandler({}), _Stay(), urllib.request.HTTPSHandler(context=tls)]
    return urllib.request.build_opener(*handlers)


class _Stay(urllib.request.HTTPRedirectHandler):
    def redirect_request(
        self,
        req: urllib.request.Request,
        fp: IO[bytes],
        code: int,
        msg: str,
        headers: HTTPMessage,
        newurl: str,
    ) -> None:
        return None
