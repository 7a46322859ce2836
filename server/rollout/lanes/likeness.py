"""Whether one student may follow another: records, events and catalogue rows must mean the same."""

from models.manifest import BundleError, Manifest


class NotItsLike(BundleError):
    """A student that cannot take over: of another model, or trained on another log."""


def check_like(held: Manifest, new: Manifest, where: str) -> None:
    """Raises NotItsLike."""
    why = _unlike(held, new)
    if why:
        raise NotItsLike(f"{where} cannot follow: {why}: export it from the same log")


def _unlike(held: Manifest, new: Manifest) -> str | None:
    if new.name != held.name:
        return f"the model is {new.name}, and {held.name} is served"
    if new.features.log.fingerprint() != held.features.log.fingerprint():
        return "its log schema is another than that of the student that is served"
    return None
