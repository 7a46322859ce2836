"""What the registry says of a bundle beside its manifest: who pushed it, when, and why."""

from typing import Annotated, Final, Literal

from pydantic import AfterValidator, Field

from models.schema import Frozen

MAX_ENTRY_BYTES: Final = 64 << 10


def _one_line(text: str) -> str:
    if not text.isprintable():
        raise ValueError("give one line of printable characters")
    return text


Line = Annotated[str, AfterValidator(_one_line)]


class Entry(Frozen):
    format_version: Literal[1] = 1
    manifest_sha256: str = Field(pattern="^[0-9a-f]{64}$")
    role: Literal["student", "teacher"]
    reads_space: Line | None
    produces_space: Line | None
    size_bytes: int = Field(ge=0)  # of all files, less the manifest
    pushed_at_ms: int = Field(ge=0, lt=1 << 48)
    pushed_by: Line = Field(max_length=200)
    message: Line = Field("", max_length=500)
    signed_by: str | None = Field(None, pattern="^[0-9a-f]{16}$")  # a key's id

    def to_bytes(self) -> bytes:
        return (self.model_dump_json(indent=1) + "\n").encode()
