from models.manifest import BundleError


class ProviderUnavailable(BundleError):
    """The provider that was asked for is not the one that would run the bundle."""


class ShapeRefused(ValueError):
    """A request that no engine was built for; building one takes longer than any deadline."""
