"""Archive: served requests in, files of them out."""

import asyncio
from collections import defaultdict
from collections.abc import Sequence
from typing import NamedTuple

from cache import served
from cache.errors import MessageCorrupt
from cache.refresh.archive_folder import ArchiveFolder, ArchiveUnavailable, hour_of, numbered
from cache.refresh.archive_table import Delivered, table
from cache.refresh.process import warn
from cache.refresh.tally import Tally
from models.schema import TIERS


class _Part(NamedTuple):
    """What goes into one file: its columns are those of one version of a model."""

    hour: str
    model: str
    version: str


class Archive:
    """Work for an Archiver.

    A request is written once however often it comes: before a file is written, those that a file
    of its hour holds already are left out.
    """

    def __init__(self, folder: ArchiveFolder, tally: Tally) -> None:
        self._folder = folder
        self._tally = tally

    def decode(self, body: bytes) -> Delivered:
        """Yet without its id."""
        request = served.decode(body)
        if request.tier.max() >= len(TIERS):
            raise MessageCorrupt(f"tier {request.tier.max()} is none of {', '.join(TIERS)}")
        return Delivered(b"", request)

    async def process(self, values: Sequence[Delivered]) -> list[bool]:
        for part, delivered in _by_part(values).items():
            try:
                await asyncio.to_thread(self._keep, part, delivered)
            except ArchiveUnavailable as error:
                warn("archive waits", reason=str(error))
                raise
        return [True] * len(values)

    def _keep(self, part: _Part, delivered: Sequence[Delivered]) -> None:
        held = self._folder.held(part.hour, [each.id for each in delivered])
        new = [each for each in delivered if each.id not in held]
        self._tally.add("requests", "duplicate", len(delivered) - len(new))
        if not new:
            return
        rows = table(new)
        size = self._folder.write(part.hour, [each.id for each in new], rows)
        self._tally.add("requests", "archived", len(new))
        self._tally.add("files", "written", 1)
        self._tally.add("rows", "written", len(rows))
        self._tally.add("bytes", "written", size)


def _by_part(values: Sequence[Delivered]) -> dict[_Part, list[Delivered]]:
    parts: defaultdict[_Part, list[Delivered]] = defaultdict(list)
    for each in sorted(values, key=lambda each: numbered(each.id)):
        request = each.served
        parts[_Part(hour_of(request.timestamp_ms), request.model, request.version)].append(each)
    return parts
