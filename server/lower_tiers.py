"""Which tiers below the pair a gateway reads: all that its student was trained with, or fewer."""

from models.manifest import BundleError, Manifest
from models.schema import Tier
from server.settings import Settings


class TierUntrained(BundleError):
    """The settings ask for a tier that the student never saw in training."""


def lower_tiers(settings: Settings, manifest: Manifest) -> tuple[Tier, ...]:
    """None without a teacher's cache. Raises TierUntrained."""
    trained = manifest.features.teacher_tiers
    if not settings.teacher_cache or manifest.reads_space is None:
        return ()
    wanted = settings.lower_tiers
    if wanted is None:
        return trained
    unknown = [tier for tier in wanted if tier not in trained]
    if unknown:
        raise TierUntrained(
            f"UNDERSTUDY_TIERS names {', '.join(unknown)}, and {manifest.name} was trained with "
            f"{', '.join(trained) or 'none'} below the pair: train it with --tier, or leave it out"
        )
    return tuple(tier for tier in trained if tier in wanted)
