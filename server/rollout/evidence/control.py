"""Which users of the stable lane the canary's are compared with."""

from typing import Final

from models.features.hashing import key64

ALL: Final = 1 << 64
LEAST: Final = 0.1
"""Of all users. Beside a small canary a larger control group costs little, and its figures are
the surer."""


class Control:
    """The users whose hash follows those of the canary: as many, from a share of LEAST on, and
    none of them the canary's. Drawn as they are, by the same salt, and at the same time; of the
    rest nothing is counted."""

    def __init__(self, salt: str, share: float) -> None:
        size = min(max(share, LEAST), 1.0 - share)
        self._salt = salt
        self._first, self._past = round(share * ALL), round((share + size) * ALL)

    def holds(self, user_id: str) -> bool:
        return self._first <= key64(self._salt + user_id) < self._past
