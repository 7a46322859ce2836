"""What a bundle is called: NAME-VERSION, as its folder is."""

import re
from typing import Final, NamedTuple, Self

from models.registry.errors import ReferenceInvalid

NAME: Final = re.compile(r"[a-z0-9][a-z0-9_-]{0,62}", re.ASCII)
VERSION: Final = re.compile(r"[0-9a-f]{12}", re.ASCII)


class Reference(NamedTuple):
    name: str
    version: str

    @classmethod
    def parse(cls, text: str) -> Self:
        """Raises ReferenceInvalid."""
        name, _, version = text.rpartition("-")
        return cls.of(name, version)

    @classmethod
    def of(cls, name: str, version: str) -> Self:
        """Raises ReferenceInvalid."""
        if not (NAME.fullmatch(name) and VERSION.fullmatch(version)):
            raise ReferenceInvalid(
                f"{f'{name}-{version}'!r} is no bundle: give NAME-VERSION, as `understudy bundle "
                "list` prints it"
            )
        return cls(name, version)

    def __str__(self) -> str:
        return f"{self.name}-{self.version}"


def is_name(text: str) -> bool:
    return NAME.fullmatch(text) is not None
