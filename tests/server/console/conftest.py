from tests.server.rollout.conftest import board, client

__all__ = ["board", "client"]
