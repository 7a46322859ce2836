"""What the chart starts does start, passes `helm test`, and ends in order."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

from cache.embedded import EmbeddedValkey
from tests.bundles import rank_body, serving_folder
from tests.helm.charts import CHART, SERVING, container, over, rendered
from tests.helm.live_release import Release, running

pytestmark = pytest.mark.redis

VALUES: Final = over(
    SERVING,
    {
        "valkey": {"enabled": True},
        "gateway": {
            "settings": {
                "workers": 2, "drain_s": 0, "deadline_ms": 4000, "cache_timeout_ms": 2000,
            },
        },
    },
)  # fmt: skip


@pytest.fixture(scope="module")
def release(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Release]:
    folder = tmp_path_factory.mktemp("release")
    serving = serving_folder(tmp_path_factory.mktemp("serving"))
    with (
        EmbeddedValkey(folder / "valkey") as valkey,
        running(rendered(VALUES), serving, valkey.url, folder) as release,
    ):
        yield release


@pytest.mark.parametrize("name", ["ready", "rank", "cache"])
def test_pods_of_helm_test_end_well(release: Release, name: str) -> None:
    script = (CHART / f"files/tests/{name}.py").read_text("utf-8")
    told = release.run_test(script, {})
    assert told.returncode == 0, told.stderr
    assert told.stdout


def test_pods_of_helm_test_fail_where_nobody_answers(release: Release) -> None:
    for name in ("ready", "rank"):
        script = (CHART / f"files/tests/{name}.py").read_text("utf-8")
        told = release.run_test(script, {"GATEWAY_URL": "http://127.0.0.1:9"})
        assert told.returncode != 0


def test_the_load_of_helm_test_reaches_the_gateway(release: Release, tmp_path: Path) -> None:
    lines = [
        json.dumps({"request": rank_body(f"user-{number}", 20, timestamp_ms=0), "shown": []})
        for number in range(40)
    ]
    (tmp_path / "replay.jsonl").write_text("\n".join(lines) + "\n")
    load = {"loadTest": {"enabled": True, "ratePerS": 500, "seconds": 2, "p99Ms": 4000}}
    job = rendered(over(VALUES, load)).one("Job", "test-load")
    told = release.run(container(job["spec"]["template"]["spec"], "load"), tmp_path)
    outcome = json.loads(told.stdout)
    # A machine that does other things may fall behind the schedule; it must not lose requests.
    late = [line for line in outcome["broken"] if "intended rate" in line]
    assert (outcome["requests"], outcome["failed"], outcome["shed"]) == (1000, 0, 0)
    assert outcome["broken"] == late
    assert told.returncode == (3 if outcome["invalid"] else bool(late))


def test_the_end_is_orderly(release: Release) -> None:
    """Last: nobody asks after it."""
    assert release.end() == {"gateway": 0, "refresher": 0, "ingest": 0}
