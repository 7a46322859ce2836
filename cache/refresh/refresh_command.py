"""`understudy refresh`: run the teacher behind the cache."""

import asyncio
from pathlib import Path

from cache.errors import ShardsDiffer
from cache.logs.begin import begin_logs
from cache.logs.masking import secrets_of
from cache.refresh.options import MetricsPort, RedisUrl, ServingFolder
from cache.refresh.pages import RETENTION_S, SEQUENCE
from cache.refresh.process import DRAIN_S, expose, live, say
from cache.refresh.refresh_options import (
    BatchMs,
    CandidateLimit,
    HardTtlS,
    ItemTier,
    LeaseMs,
    MaxPairs,
    PageEntries,
    ProviderFallback,
    ProviderOption,
    RetentionS,
    SequenceLength,
    Shards,
    SoftTtlS,
    Threads,
    TritonTimeoutS,
    TritonUrl,
    ZPrecision,
    page_rules,
)
from cache.refresh.refresh_process import Limits, RefreshProcess
from cache.refresh.serving import CATALOGUE, NotAServingFolder, student_folder, teacher_folder
from cache.refresh.speculation.options import NOTHING, PairsPerS, PolicyOption, Speculating
from cache.refresh.tally import Tally
from cache.refresh.teacher import Teacher
from cache.refresh.teacher_model import teacher_model
from cache.tiers import HARD_TTL_S, SOFT_TTL_S
from models.features.catalogue import Catalogue
from models.manifest import ManifestInvalid, read_manifest
from models.providers.execution import Execution


def refresh(
    redis_url: RedisUrl,
    serving: ServingFolder,
    soft_ttl_s: SoftTtlS = SOFT_TTL_S,
    hard_ttl_s: HardTtlS = HARD_TTL_S,
    precision: ZPrecision = "int8",
    sequence: SequenceLength = SEQUENCE,
    retention_s: RetentionS = RETENTION_S,
    page_entries: PageEntries = 512,
    candidate_limit: CandidateLimit = 4096,
    batch_ms: BatchMs = 50.0,
    max_pairs: MaxPairs = 65_536,
    shards: Shards = None,
    lease_ms: LeaseMs = 5000,
    item_tier: ItemTier = None,
    policy: PolicyOption = NOTHING,
    speculate_pairs_per_s: PairsPerS = 100.0,
    threads: Threads = 1,
    provider: ProviderOption = "cpu",
    provider_fallback: ProviderFallback = False,
    triton_url: TritonUrl = None,
    triton_timeout_s: TritonTimeoutS = 5.0,
    metrics_port: MetricsPort = None,
) -> None:
    """Answer demand with the teacher's word until interrupted. Any number may run."""
    begin_logs("refresher", secrets=secrets_of(redis_url))
    execution = Execution(provider, provider_fallback, candidate_limit)
    teacher_bundle = teacher_folder(serving)
    model = teacher_model(teacher_bundle, threads, triton_url, triton_timeout_s, execution)
    catalogue = Catalogue.load(serving / CATALOGUE, model.manifest.features.log)
    limits = Limits(
        page_rules(soft_ttl_s, hard_ttl_s, precision, page_entries, sequence, retention_s),
        shards,
        lease_ms,
        max_pairs,
        batch_ms,
        candidate_limit,
        _student_reads_items(serving) if item_tier is None else item_tier,
        Speculating.of(policy, speculate_pairs_per_s),
        None if triton_url is None else triton_timeout_s,
    )
    tally = Tally("refresh")
    expose(tally, metrics_port)
    teacher = Teacher(model, catalogue, candidate_limit)
    say("refresh started", space=teacher.space, model=model.version, items=len(catalogue))
    asyncio.run(_run(redis_url, teacher, limits, tally))


def _student_reads_items(serving: Path) -> bool:
    """Not when the teacher is alone there."""
    try:
        manifest, _ = read_manifest(student_folder(serving))
    except (NotAServingFolder, ManifestInvalid):
        return False
    return "item" in manifest.features.teacher_tiers


async def _run(redis_url: str, teacher: Teacher, limits: Limits, tally: Tally) -> None:
    process = RefreshProcess(redis_url, teacher, limits, tally)
    try:
        await live(process, tally, "refresh", DRAIN_S)
    except ShardsDiffer as error:
        raise SystemExit(f"cannot share the demand: {error}") from error
