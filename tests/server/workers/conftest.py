import pytest
from prometheus_client import disable_created_metrics


@pytest.fixture(autouse=True, scope="session")
def _no_times_of_birth() -> None:
    """As in a gateway, which gives no series of them."""
    disable_created_metrics()  # type: ignore[no-untyped-call]
