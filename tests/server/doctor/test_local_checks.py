import asyncio
from pathlib import Path
from typing import Any

import pytest

from server.doctor import local_checks
from server.doctor.finding import Finding
from server.doctor.settings_checks import settings as settings_check
from server.doctor.subject import Subject
from server.settings import Settings
from tests.server.access.keys import entry, write_keys


def finding(check: Any, **settings: Any) -> Finding:
    told: Finding = asyncio.run(check(Subject(settings=Settings(**settings))))
    return told


@pytest.mark.parametrize(
    ("token", "verdict"),
    [(None, "warn"), ("secret", "fail"), ("a" * 40, "fail"), ("0f3c9a7d51e86b24" * 2, "ok")],
)
def test_admin_token(token: str | None, verdict: str) -> None:
    told = finding(local_checks.admin_token, admin_token=token)
    assert told.verdict == verdict
    assert token is None or token not in str(told)


def test_keys_file_that_others_may_write_or_nobody_can_read_is_a_failure(tmp_path: Path) -> None:
    path = write_keys(tmp_path / "keys.toml", entry("one"))
    path.chmod(0o640)
    assert finding(local_checks.keys_file, keys=path).verdict == "ok"
    path.chmod(0o666)
    told = finding(local_checks.keys_file, keys=path)
    assert (told.verdict, "chmod go-w" in told.remedy) == ("fail", True)
    path.write_text("[[key]]\nname = 1\n")
    assert finding(local_checks.keys_file, keys=path).verdict == "fail"
    told = finding(local_checks.keys_file, keys=tmp_path / "missing")
    assert (told.verdict, "cannot be read" in told.found) == ("fail", True)
    assert finding(local_checks.keys_file).verdict == "skip"


def test_too_few_open_files_are_a_warning(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("resource.getrlimit", lambda _: (1024, 4096))
    assert finding(local_checks.files, max_connections=1000).verdict == "ok"
    told = finding(local_checks.files, max_connections=4096)
    assert told.verdict == "warn"
    assert "4096 open files are allowed" in told.found


def test_more_threads_than_cores_are_a_warning() -> None:
    told = finding(local_checks.threads, ort_threads=256, workers=2)
    assert (told.verdict, "2 workers of 256 threads" in told.found) == ("warn", True)
    assert finding(local_checks.threads, ort_threads="auto").verdict == "ok"
    assert finding(local_checks.threads, provider="cuda").verdict == "skip"


TOGETHER = [
    ({"redis_url": "redis://x", "cache_timeout_ms": 100.0}, "fail", "CACHE_TIMEOUT_MS 100 leaves"),
    ({"rerank_budget_ms": 200.0}, "fail", "RERANK_BUDGET_MS 200"),
    ({"max_candidates": 500, "max_inflight_candidates": 400}, "fail", "is always refused"),
    ({"grpc_port": 8080}, "fail", "GRPC_PORT 8080 is PORT"),
    ({"max_body_bytes": 2048}, "warn", "has no room for"),
    ({"demand_window_s": 60.0, "soft_ttl_s": 30.0}, "warn", "is not asked for again"),
    ({"batch_candidates": 10}, "warn", "never shares a batch"),
    ({"triton_url": "triton://x:1", "triton_timeout_ms": 500.0}, "warn", "TRITON_TIMEOUT_MS 500"),
    ({"coverage_objective": 0.9}, "warn", "cannot be met"),
    ({"replay": True}, "warn", "not for production"),
    ({}, "ok", "they go together"),
]


@pytest.mark.parametrize(("given", "verdict", "said"), TOGETHER, ids=str)
def test_settings_that_do_not_go_together(given: dict[str, Any], verdict: str, said: str) -> None:
    told = finding(settings_check, **given)
    assert (told.verdict, said in told.found) == (verdict, True), told


def test_settings_that_would_stop_a_gateway_are_a_failure() -> None:
    subject = Subject(settings_error="UNDERSTUDY_DEADLNE_MS is not a setting")
    assert asyncio.run(settings_check(subject)).verdict == "fail"
    assert asyncio.run(settings_check(Subject())).verdict == "skip"
