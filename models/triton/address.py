"""`triton://host:port[/model[/version]]`: where a bundle is served by Triton."""

import re
from typing import Final, Literal, NamedTuple, Self
from urllib.parse import SplitResult, parse_qsl, urlsplit

from models.triton.errors import TritonUrlInvalid

PROTOCOLS: Final[dict[str, Literal["grpc", "http"]]] = {
    "triton": "grpc",
    "triton+grpc": "grpc",
    "triton+http": "http",
}
LOCAL: Final = ("localhost", "127.0.0.1", "::1")
PATH: Final = re.compile(r"(?:/(?P<model>[\w.-]+)(?:/(?P<version>[1-9]\d*))?)?/?")
EXAMPLE: Final = "give triton://host:8001/model/1, or triton+http://host:8000 with or without them"


class Address(NamedTuple):
    protocol: Literal["grpc", "http"]
    host_port: str
    model: str  # "": named as the bundle's folder, so that one URL serves any bundle
    version: str  # "": the one that Triton chooses
    shared_memory: bool

    @classmethod
    def parse(cls, url: str) -> Self:
        """Raises TritonUrlInvalid."""
        parts = urlsplit(url)
        path = PATH.fullmatch(parts.path)
        if parts.scheme not in PROTOCOLS or not _is_host_port(parts) or path is None:
            raise TritonUrlInvalid(f"{url!r} is no address of a model at Triton: {EXAMPLE}")
        shared = _shares_memory(url, parts)
        named = path["model"] or "", path["version"] or ""
        return cls(PROTOCOLS[parts.scheme], parts.netloc, *named, shared)

    def of(self, bundle: str) -> Self:
        """With the model named."""
        return self._replace(model=self.model or bundle)

    def __str__(self) -> str:
        return "/".join(filter(None, [f"Triton {self.host_port}", self.model, self.version]))


def _is_host_port(parts: SplitResult) -> bool:
    try:
        return bool(parts.hostname and parts.port) and parts.username is None
    except ValueError:  # the port is no number, or too large
        return False


def _shares_memory(url: str, parts: SplitResult) -> bool:
    options = dict(parse_qsl(parts.query, keep_blank_values=True))
    asked = options.pop("shared_memory", "0")
    if options or asked not in ("0", "1") or parts.fragment:
        raise TritonUrlInvalid(f"{url!r}: the one option is shared_memory=1")
    if asked == "1" and parts.hostname not in LOCAL:
        raise TritonUrlInvalid(
            f"{url!r}: memory is shared on one host: leave shared_memory out, or name localhost"
        )
    return asked == "1"
