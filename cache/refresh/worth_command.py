"""`understudy worth`: measure on live traffic what the teacher's hints are worth."""

import asyncio
from typing import Annotated

import typer

from cache.logs.begin import begin_logs
from cache.logs.masking import secrets_of
from cache.refresh.options import MetricsPort, RedisUrl, ServingFolder
from cache.refresh.process import DRAIN_S, expose, live, say
from cache.refresh.serving import CATALOGUE, student_folder, teacher_folder
from cache.refresh.tally import Tally
from cache.refresh.worth_judge import Judge
from cache.refresh.worth_process import WorthProcess
from cache.refresh.worth_window import AttributionWindow
from models.features.catalogue import Catalogue
from models.features.live_catalogue import LiveCatalogue
from models.runtime import load


def worth(
    redis_url: RedisUrl,
    serving: ServingFolder,
    task: Annotated[
        str | None, typer.Option(help="What is predicted.  [default: the student's first task]")
    ] = None,
    attribution_s: Annotated[
        float, typer.Option(min=1, help="A positive counts until so long after the request.")
    ] = 1800.0,
    shown_within_s: Annotated[
        float, typer.Option(min=0.1, help="So is an impression taken for the request's.")
    ] = 60.0,
    held_requests: Annotated[
        int, typer.Option(min=1, max=1_000_000, help="Waiting for events; more are passed over.")
    ] = 20_000,
    threads: Annotated[int, typer.Option(min=1, help="Of each model's session.")] = 1,
    metrics_port: MetricsPort = None,
) -> None:
    """Judge sampled answers with and without their hints, and by the teacher, until interrupted."""
    begin_logs("worth", secrets=secrets_of(redis_url))
    student, teacher = (
        load(folder(serving), threads) for folder in (student_folder, teacher_folder)
    )
    features = teacher.manifest.features
    items = LiveCatalogue(features, Catalogue.load(serving / CATALOGUE, features.log))
    judge = Judge(student, teacher, items, task)
    window_ms, shown_ms = round(attribution_s * 1000), round(shown_within_s * 1000)
    window = AttributionWindow(judge.task, window_ms, shown_ms, held_requests)
    tally = Tally("worth")
    expose(tally, metrics_port)
    say("worth started", student=student.version, teacher=teacher.version, task=judge.task)
    asyncio.run(_run(redis_url, judge, items, window, tally))


async def _run(
    redis_url: str,
    judge: Judge,
    items: LiveCatalogue,
    window: AttributionWindow,
    tally: Tally,
) -> None:
    process = WorthProcess(redis_url, judge, items, window, tally)
    await live(process, tally, "worth", DRAIN_S)
