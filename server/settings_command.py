"""`understudy settings`: the reference page of every setting."""

from pydantic_core import PydanticUndefined

from server.settings import PREFIX, Settings

HEADER = """\
# Configuration

Each setting is read from the environment once, at start. A name that starts with `UNDERSTUDY_`
and is not on this page stops the start. This page is printed by `understudy settings`.

| variable | default | what it is |
|---|---|---|
"""


def settings() -> None:
    """Print every setting with its default, as markdown."""
    print(reference_page(), end="")  # noqa: T201


def reference_page() -> str:
    return HEADER + "".join(f"{row}\n" for row in _rows())


def _rows() -> list[str]:
    return [
        f"| `{PREFIX}{name.upper()}` | {_shown(field.default)} | {field.description} |"
        for name, field in sorted(Settings.model_fields.items(), key=_is_inherited)
    ]


def _is_inherited(field: tuple[str, object]) -> bool:
    """Those of parts of the gateway come last."""
    return field[0] not in Settings.__annotations__


def _shown(default: object) -> str:
    if default in (None, ()) or default is PydanticUndefined:
        return "none"
    return f"`{str(default).lower() if isinstance(default, bool) else default}`"
