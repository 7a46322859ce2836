import pytest

from server.gateway import Gateway
from tests.server.conftest import Served
from tests.server.live import settings_for


async def test_model_that_cannot_be_closed_keeps_nothing_else_open(
    served: Served, caplog: pytest.LogCaptureFixture
) -> None:
    class Link:
        is_closed = False

        async def close(self) -> None:
            self.is_closed = True

    class Stuck:
        async def close(self) -> None:
            raise RuntimeError("stuck")

    gateway, links, model = Gateway(settings_for(served.student)), Link(), Link()
    gateway._verticals = {"one": Stuck(), "other": model}  # type: ignore[dict-item]
    gateway._links = links  # type: ignore[assignment]
    await gateway.stop()
    assert (model.is_closed, links.is_closed) == (True, True)
    assert "a model could not be closed" in caplog.text
