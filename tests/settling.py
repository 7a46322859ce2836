"""A z that is settled in fewer steps, for tests that do not ask how well it is."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from models import settled_bottleneck


@contextmanager
def soon_settled(steps: int) -> Iterator[None]:
    """All 1,500 cost more than the small teacher whose z it is."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(settled_bottleneck, "STEPS", steps)
        yield
