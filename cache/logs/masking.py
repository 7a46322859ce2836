"""What no log line may show: passwords, tokens, keys."""

import re
from collections.abc import Iterable
from typing import Final
from urllib.parse import parse_qsl, unquote, urlsplit

HIDDEN: Final = "***"
LEAST: Final = 6
"""Characters of a secret that is looked for by itself: a shorter one would hide common words."""
_RULES: Final = (  # each reads a text once, however long it is
    (re.compile(r"(?<=://)[^\s/]*@"), f"{HIDDEN}@"),
    (re.compile(r"\b(bearer|basic)\s+[^\s,;'\"]+", re.IGNORECASE), rf"\1 {HIDDEN}"),
    (re.compile(r"(password|secret|token)=[^\s&,;'\")]+", re.IGNORECASE), rf"\1={HIDDEN}"),
)


class Mask:
    """Hides the given secrets wherever they stand, and whatever stands where secrets do: before
    the host of a URL, behind `Bearer`, behind `password=`."""

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        known = sorted({each for each in secrets if len(each) >= LEAST}, key=len, reverse=True)
        self._known = re.compile("|".join(map(re.escape, known))) if known else None

    def __call__(self, text: str) -> str:
        if self._known is not None:
            text = self._known.sub(HIDDEN, text)
        for rule, instead in _RULES:
            text = rule.sub(instead, text)
        return text


def secrets_of(url: str | None) -> list[str]:
    """The passwords in a URL, as they are written and as they are meant."""
    if url is None:
        return []
    try:
        parts = urlsplit(url)
        credentials = parts.netloc.rpartition("@")[0]
        options = parse_qsl(parts.query)
    except ValueError:
        return []
    written = [credentials.partition(":")[2]]
    written += [value for name, value in options if name.endswith("password")]
    return [text for each in written if each for text in (each, unquote(each))]
