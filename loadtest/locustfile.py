"""Understudy's load for locust, with its own web UI: `locust -f loadtest/locustfile.py`.

A user is a Poisson process of `--rate-per-user` requests a second, and sends whether or not it was
answered; N users are N times that rate, on however many workers. Response times are counted from
when a request was due. Locust patches the standard library when it is imported: nothing else may
import this file.
"""

import os
import time
from pathlib import Path
from typing import Any, Final

import gevent
import numpy as np
from locust import User, events, task
from locust.argument_parser import LocustArgumentParser
from locust.env import Environment
from locust.runners import MasterRunner, WorkerRunner

from loadtest.connection import Answer
from loadtest.distributed.gathering import Inbox, Outbox
from loadtest.distributed.schedule import due_times
from loadtest.distributed.sending import PATH, GreenletSender
from loadtest.open_loop import Exchange
from loadtest.run.answers import SHED, sample_of
from loadtest.run.payloads import DISTINCT, SEEDED, WIRES, bodies, headers_of, source_of
from loadtest.run.scenario import Scenario, find_scenario

SAMPLES: Final = "UNDERSTUDY_LOAD_SAMPLES"
REQUESTS: Final = "UNDERSTUDY_LOAD_REQUESTS"
KEY_FILE: Final = "UNDERSTUDY_LOAD_KEY_FILE"
FOREVER_S: Final = 1e9
IDLE_S: Final = 1.0

inbox = Inbox()
outbox = Outbox(time.process_time)


class Refused(Exception):
    """Locust counts it as a failure, by what it says."""


class Worker:
    """What the users of one process share; made anew when a test starts."""

    sender: GreenletSender
    scenario: Scenario
    seconds: float
    rate: float
    seed: tuple[int, int]
    users = 0


def _options(parser: LocustArgumentParser) -> None:
    parser.add_argument("--scenario", default="steady", help="Built-in scenario, or a .toml file.")
    parser.add_argument("--rate-per-user", type=float, default=1.0, help="Requests a second.")
    parser.add_argument(
        "--load-seconds", type=float, default=0.0, help="The profile's length; 0: steady for ever."
    )
    parser.add_argument("--wire", default="json", help="json or msgpack.")
    parser.add_argument("--load-seed", type=int, default=7, help="Of arrivals and requests.")


def _start(environment: Environment, **_: Any) -> None:
    inbox.restart()
    outbox.restart()
    if isinstance(environment.runner, MasterRunner):
        return  # it only listens
    told, index = environment.parsed_options, getattr(environment.runner, "worker_index", 0)
    assert told is not None
    scenario = find_scenario(told.scenario)
    if environment.host is None:
        raise SystemExit("name the gateway: --host http://HOST:PORT")
    source = source_of(os.environ.get(REQUESTS, SEEDED))
    chosen = bodies(source, scenario.payload, DISTINCT // 4, told.load_seed + index)
    key_file = os.environ.get(KEY_FILE)
    key = Path(key_file).read_text().strip() if key_file else None
    encoded = [WIRES[told.wire].encode(body) for body in chosen]
    Worker.scenario, Worker.rate, Worker.users = scenario, told.rate_per_user, 0
    Worker.seconds, Worker.seed = told.load_seconds or FOREVER_S, (told.load_seed, index)
    Worker.sender = GreenletSender(environment.host, encoded, headers_of(told.wire, key))
    Worker.sender.began_s += scenario.warm_up_s if told.load_seconds else 0.0


class RankUser(User):
    """Only its schedule; requests run beside it."""

    @task
    def send_when_due(self) -> None:
        Worker.users += 1
        rng, sender = np.random.default_rng((*Worker.seed, Worker.users)), Worker.sender
        number = int(rng.integers(DISTINCT))
        times = due_times(Worker.scenario.profile, Worker.rate, Worker.seconds, sender.now_s(), rng)
        for due_s in times:
            gevent.sleep(max(0.0, due_s - sender.now_s()))
            number += 1
            gevent.spawn(self._one, sender, number, due_s)
        while True:  # done: what is still in flight is waited for by the run's last seconds
            gevent.sleep(IDLE_S)

    def _one(self, sender: GreenletSender, number: int, due_s: float) -> None:
        exchange = sender.send(number, due_s)
        if due_s < 0:
            return  # the warm-up
        outbox.put(sample_of(exchange))
        self.environment.events.request.fire(
            request_type="POST",
            name=PATH,
            response_time=exchange.latency_ms,
            response_length=len(exchange.answer.body) if exchange.answer else 0,
            exception=_refusal(exchange),
            context={},
        )


def _refusal(exchange: Exchange) -> Refused | None:
    answer: Answer | None = exchange.answer
    if answer is None:
        return Refused("no answer in time")
    if answer.status == 200:
        return None
    return Refused("shed (429)" if answer.status == SHED else f"status {answer.status}")


def _report(client_id: str, data: dict[str, Any]) -> None:
    outbox.report(data)


def _take(client_id: str, data: dict[str, Any]) -> None:
    inbox.take(client_id, data)


def _write(environment: Environment, **_: Any) -> None:
    path = os.environ.get(SAMPLES)
    if path and not isinstance(environment.runner, WorkerRunner):
        inbox.write(Path(path))


events.init_command_line_parser.add_listener(_options)
events.test_start.add_listener(_start)
events.report_to_master.add_listener(_report)
events.worker_report.add_listener(_take)
events.quitting.add_listener(_write)
