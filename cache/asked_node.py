"""A node that is taking a slot over, for the one command that was sent to it meanwhile."""

from typing import Any

from redis.asyncio.cluster import ClusterNode


class AskedNode:
    """ASKING counts for the next command of its connection. redis-py takes one from the pool for
    each of the two, which are rarely the same one; here they go out together."""

    def __init__(self, node: ClusterNode) -> None:
        self._node: Any = node

    def __getattr__(self, name: str) -> Any:
        return getattr(self._node, name)

    async def execute_command(self, *args: Any, asking: bool = False, **options: Any) -> Any:
        if args == ("ASKING",):
            return True
        connection = self._node.acquire_connection()
        try:
            await self._node.disconnect_if_needed(connection)
            both = connection.pack_commands([("ASKING",), args])
            await connection.send_packed_command(both)
            await connection.read_response()
            return await self._node.parse_response(connection, args[0], **options)
        finally:
            self._node.release(connection)
