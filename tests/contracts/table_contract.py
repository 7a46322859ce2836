"""What every table promises. Subclass, and give a `table` fixture."""

from cache.table import Change, Table

KEY = b"table"


class TableContract:
    async def test_absent_fields_read_as_none(self, table: Table) -> None:
        assert await table.read(KEY, [b"a", b"b"]) == [None, None]
        assert await table.read(KEY, []) == []

    async def test_change_needs_the_value_it_saw(self, table: Table) -> None:
        assert await table.change(KEY, [Change(b"a", None, b"1"), Change(b"b", None, b"2")]) == [
            True, True,
        ]  # fmt: skip
        done = await table.change(
            KEY, [Change(b"a", b"1", b"3"), Change(b"b", b"1", b"4"), Change(b"a", None, b"5")]
        )
        assert done == [True, False, False]
        assert await table.read(KEY, [b"b", b"a"]) == [b"2", b"3"]

    async def test_scan_finds_every_field(self, table: Table) -> None:
        fields = {b"%d" % number: b"%d" % (number * number) for number in range(1000)}
        assert all(await table.change(KEY, [Change(f, None, v) for f, v in fields.items()]))
        found: dict[bytes, bytes] = {}
        async for part in table.scan(KEY):
            found |= part
        assert found == fields

    async def test_scan_of_nothing_ends(self, table: Table) -> None:
        assert [part async for part in table.scan(KEY) if part] == []
