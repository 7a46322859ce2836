"""A gateway without a sound bundle stays up and says why."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest

from export.bundle import write_bundle
from models.features.catalogue import Catalogue
from models.manifest import GOLDEN, MANIFEST, MODEL, WARMUP
from tests.bundles import linear_student, log_schema, rank_body, tiny_catalogue
from tests.server.conftest import Served
from tests.server.live import live_gateway, settings_for, wait_until


def refusal(bundle: Path | None, **given: object) -> str:
    """The reason, once the gateway has given up; it must be alive and refuse on every route."""
    with live_gateway(settings_for(bundle, **given), wait_ready=False) as client:
        wait_until(lambda: "verifying" not in detail(client), "the verdict")
        assert client.get("/healthz").status_code == 200
        assert client.post("/v1/rank", json=rank_body("u", 3)).status_code == 503
        assert "understudy_ready 0.0" in client.get("/metrics").text
        assert client.get("/openapi.json").status_code == 200
        return detail(client)


def detail(client: httpx.Client) -> str:
    answered = client.get("/readyz")
    assert answered.status_code == 503
    assert answered.headers["Content-Type"] == "application/problem+json"
    return str(answered.json()["detail"])


def test_no_bundle() -> None:
    assert "UNDERSTUDY_BUNDLE" in refusal(None)


def test_folder_that_is_not_there(tmp_path: Path) -> None:
    assert "is not a manifest" in refusal(tmp_path / "nowhere")


def grow_model(folder: Path) -> None:
    with (folder / MODEL).open("ab") as file:
        file.write(b"\0")


def flip_golden(folder: Path) -> None:
    data = bytearray((folder / GOLDEN).read_bytes())
    data[-1] ^= 1
    (folder / GOLDEN).write_bytes(data)


@pytest.mark.parametrize(
    ("tamper", "said"),
    [
        (grow_model, "bytes, the manifest says"),
        (flip_golden, "sha256"),
        (lambda folder: (folder / WARMUP).unlink(), "missing"),
        (lambda folder: (folder / "extra.bin").touch(), "is not in the manifest"),
    ],
)
def test_tampered_bundle(
    served: Served, tmp_path: Path, tamper: Callable[[Path], None], said: str
) -> None:
    folder = tmp_path / served.student.name
    shutil.copytree(served.student, folder)
    tamper(folder)
    catalogue = served.folder / "catalogue.safetensors"
    assert said in refusal(folder, catalogue=catalogue)


def test_student_that_never_saw_a_miss(untaught: Path) -> None:
    assert "coverage" in refusal(untaught)


def test_no_catalogue(tmp_path: Path) -> None:
    assert "catalogue.safetensors is unreadable" in refusal(linear_student(tmp_path))


def test_catalogue_of_another_schema(tmp_path: Path) -> None:
    bundle, sound = linear_student(tmp_path), tiny_catalogue()
    other = log_schema().model_copy(update={"tasks": ("click",)})
    Catalogue.of(other, sound.keys, sound.columns[:-1], sound.numbers[:-1]).save(
        tmp_path / "catalogue.safetensors"
    )
    assert "another log schema" in refusal(bundle)


def test_warmup_that_holds_no_requests(tmp_path: Path) -> None:
    tiny_catalogue().save(tmp_path / "catalogue.safetensors")
    sound = linear_student(tmp_path)
    fields = json.loads((sound / MANIFEST).read_bytes())
    names = fields.pop("files")
    files = {name: (sound / name).read_bytes() for name in names} | {WARMUP: b"[]"}
    assert "held-out requests" in refusal(write_bundle(tmp_path, fields, files))
