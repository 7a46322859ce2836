"""Whether one student may follow another: records, events and catalogue rows must mean the same."""

from models.manifest import BundleError, Manifest
from server.rollout.lanes.errors import AnotherVersion


class NotItsLike(BundleError):
    """A student that cannot take over: of another model, or trained on another log."""


def check_like(held: Manifest, new: Manifest, where: str) -> None:
    """Raises NotItsLike."""
    why = _unlike(held, new)
    if why:
        raise NotItsLike(f"{where} cannot follow: {why}: export it from the same log")


def check_version(found: str, agreed: str, where: str) -> None:
    """Any will do where none was agreed on. Raises AnotherVersion."""
    if agreed and found != agreed:
        raise AnotherVersion(
            f"{where} has version {found}, and {agreed} is what was agreed on: put that back on "
            "every gateway, and roll another out from a folder of its own"
        )


def _unlike(held: Manifest, new: Manifest) -> str | None:
    if new.name != held.name:
        return f"the model is {new.name}, and {held.name} is served"
    if new.features.log.fingerprint() != held.features.log.fingerprint():
        return "its log schema is another than that of the student that is served"
    return None
