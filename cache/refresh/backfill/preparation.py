"""Options → a job that is begun, or found where an earlier run left it."""

import hashlib
from pathlib import Path
from typing import Any, NamedTuple

import polars as pl
from redis.asyncio import Redis

from cache.address import anonymous
from cache.redis_streams import RedisStreams
from cache.redis_table import RedisTable
from cache.refresh.backfill import candidates_file
from cache.refresh.backfill.contexts import check, contexts
from cache.refresh.backfill.errors import CandidatesInvalid, OptionInvalid, UsersInvalid
from cache.refresh.backfill.job import Job, Selection
from cache.refresh.backfill.policies import popular_items
from cache.refresh.backfill.progress_folder import Kept, ProgressFolder
from cache.refresh.backfill.users import ALL, users_of_cache, users_of_file
from cache.refresh.follower import ItemFollower
from cache.refresh.pages import PageRules
from cache.refresh.teacher import NotATeacher
from models.features.catalogue import Catalogue
from models.features.live_catalogue import LiveCatalogue
from models.manifest import read_manifest, verify_files
from models.schema import FeatureSchema


class Wanted(NamedTuple):
    """What the command was given, less what concerns its workers alone."""

    teacher: Path
    catalogue: Path
    redis_url: str
    users: str | None
    candidates: Path | None
    rules: PageRules
    selection: Selection
    block_pairs: int
    candidate_limit: int
    threads: int


class Begun(NamedTuple):
    job: Job
    kept: Kept


class Preparation:
    """Owns no connection. `at_ms`: as of when items are popular. Raises BundleError, NotATeacher,
    CatalogueError, BackfillError."""

    def __init__(self, wanted: Wanted, client: Redis, at_ms: int) -> None:
        manifest, version = read_manifest(wanted.teacher)
        if manifest.role != "teacher":
            raise NotATeacher(
                f"--teacher {wanted.teacher} is a {manifest.role}'s bundle: name a teacher's"
            )
        # Here rather than in every worker, where a cluster would only start again and again.
        verify_files(wanted.teacher, manifest)
        self._catalogue = Catalogue.load(wanted.catalogue, manifest.features.log)
        self._wanted = wanted
        self._client = client
        self._at_ms = at_ms
        self._version = version
        self._schema: FeatureSchema = manifest.features
        self._in_file = self._checked()

    async def begin(self, folder: Path) -> Begun:
        """Raises BackfillError, StoreUnavailable."""
        progress, identity = ProgressFolder(folder), self._identity()
        kept = progress.begun(identity)
        if kept is None:
            rows, popular = await self._rows(), await self._popular()
            kept = self._begun(progress, identity, rows, popular)
        return Begun(self._job(folder, kept), kept)

    def _checked(self) -> tuple[str, ...]:
        """The context columns that the candidates bring."""
        wanted, log = self._wanted, self._schema.log
        in_file: tuple[str, ...] = ()
        if wanted.selection.policy == "candidates":
            if wanted.candidates is None or wanted.users not in (None, ALL):
                raise OptionInvalid(
                    "--policy candidates takes its users and items of --candidates FILE: give "
                    f"that, and no --users but {ALL}"
                )
            table = candidates_file.scan(wanted.candidates)
            in_file = tuple(candidates_file.context_columns(table, log))
        elif wanted.users is None or wanted.candidates is not None:
            raise OptionInvalid(
                f"--policy {wanted.selection.policy} needs --users FILE or --users {ALL}, and "
                "takes no --candidates"
            )
        check(log, wanted.selection.given, in_file)
        self._check_room()
        return in_file

    def _check_room(self) -> None:
        selection, entries = self._wanted.selection, self._wanted.rules.entries
        count = len(contexts(self._schema.log, selection.given))
        if selection.policy != "candidates" and selection.items_a_user * count > entries:
            raise OptionInvalid(
                f"--items-a-user {selection.items_a_user} in {count} contexts is more than the "
                f"{entries} entries of a page: give fewer, or a larger --page-entries here and "
                "to refreshers"
            )

    def _identity(self) -> dict[str, Any]:
        wanted, selection, rules = self._wanted, self._wanted.selection, self._wanted.rules
        return {
            "--teacher": self._version,
            "--redis-url": anonymous(wanted.redis_url),
            "--policy": selection.policy,
            "--users": _content_of(wanted.users),
            "--candidates": wanted.candidates and _digest(wanted.candidates),
            "--items-a-user": selection.items_a_user,
            "--context": dict(selection.given),
            "--as-of-ms": selection.as_of_ms,
            "--recompute": selection.is_recomputing,
            "--block-pairs": wanted.block_pairs,
            "--soft-ttl-s": rules.ttl.soft_s,
            "--hard-ttl-s": rules.ttl.hard_s,
            "--precision": rules.precision.name,
            "--page-entries": rules.entries,
            "--sequence-length": rules.sequence.length,
            "--sequence-retention-s": rules.sequence.retention_s,
        }

    async def _rows(self) -> pl.LazyFrame:
        wanted = self._wanted
        if wanted.candidates is not None:
            table = candidates_file.scan(wanted.candidates)
            return candidates_file.wanted(wanted.candidates, table, self._schema.log)
        if wanted.users == ALL:
            return (await users_of_cache(self._client)).lazy()
        return users_of_file(Path(wanted.users or "")).lazy()

    async def _popular(self) -> tuple[int, ...]:
        selection, log = self._wanted.selection, self._schema.log
        if selection.policy != "popular":
            return ()
        items = LiveCatalogue(self._schema, self._catalogue)
        table, streams = RedisTable(self._client), RedisStreams(self._client)
        await ItemFollower.of(items, table, streams, log).catch_up()
        chosen = popular_items(items.view, log, self._at_ms, selection.items_a_user)
        if not len(chosen):
            raise OptionInvalid(
                "--policy popular: no item that may be shown has an impression: run "
                "`understudy ingest`, or choose another policy"
            )
        return tuple(int(key) for key in chosen)

    def _begun(
        self,
        progress: ProgressFolder,
        identity: dict[str, Any],
        rows: pl.LazyFrame,
        popular: tuple[int, ...],
    ) -> Kept:
        source = self._wanted.candidates
        try:
            if source is not None:
                candidates_file.check_ids(source, rows)
            return progress.begin(identity, rows, self._rows_a_block(), popular)
        except pl.exceptions.PolarsError as error:
            raise CandidatesInvalid(
                f"--candidates {source}: {error}: a context column that the teacher reads as a "
                "number must hold numbers"
            ) from error

    def _rows_a_block(self) -> int:
        wanted = self._wanted
        pairs_a_row = len(contexts(self._schema.log, wanted.selection.given))
        if wanted.selection.policy != "candidates":
            pairs_a_row *= wanted.selection.items_a_user
        return max(1, wanted.block_pairs // pairs_a_row)

    def _job(self, folder: Path, kept: Kept) -> Job:
        wanted = self._wanted
        return Job(
            wanted.teacher.absolute(), wanted.catalogue.absolute(), wanted.redis_url,
            folder.absolute(), wanted.rules, wanted.selection, kept.rows_a_block, kept.popular,
            self._in_file, wanted.candidate_limit, wanted.threads,
        )  # fmt: skip


def _content_of(users: str | None) -> str | None:
    """A file is what it holds, whatever its name is."""
    if users is None or users == ALL:
        return users
    try:
        return _digest(Path(users))
    except OSError as error:
        raise UsersInvalid(
            f"--users {users} cannot be read ({error}): give a text file with one user id a "
            f"line, or {ALL}"
        ) from error


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
