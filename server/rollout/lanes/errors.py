"""Why a gateway cannot open what a rollout names."""

from models.manifest import BundleError
from server.rollout.errors import RolloutError


class TrialFailed(BundleError):
    """The bundle crashed, was too slow, or gave what is no score, in a process of its own."""


class NoRoom(BundleError):
    """There is not the memory for it beside what answers."""


class WhereUnknown(BundleError):
    """No serving folder is there, or no registry is configured to have it."""


class AnotherVersion(BundleError):
    """What is there is not the bundle that the others agree on."""


class StateLost(RolloutError):
    """Redis holds an earlier state than the one that is followed."""
