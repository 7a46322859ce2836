"""PeerFailed: a peer that is not measured, with the reason."""

from loadtest.errors import LoadTestError


class PeerFailed(LoadTestError):
    """It did not install, start or agree on the scores; or a peer of that name is not known."""
