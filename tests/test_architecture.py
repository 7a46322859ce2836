"""What the guides promise about the tree."""

import re
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
FOLDERS = ("server", "models", "export", "cache", "loadtest", "understudy_client", "tests")
MAX_FILE_LINES = 250
BANNED = ("utils", "helpers", "common", "manager")


def _sources() -> list[Path]:
    found = [path for folder in FOLDERS for path in (ROOT / folder).rglob("*.py")]
    return [*found, ROOT / "understudy.py"]


def _named_paths(page: str) -> set[str]:
    folders = "|".join((*FOLDERS, "docs", "build"))
    text = (ROOT / page).read_text(encoding="utf-8")
    return set(re.findall(rf"`((?:{folders})/[\w./]*)`", text))


def test_architecture_fits_on_two_screens_and_names_files_that_exist() -> None:
    assert len((ROOT / "ARCHITECTURE.md").read_text(encoding="utf-8").splitlines()) <= 80
    paths = _named_paths("ARCHITECTURE.md")
    assert len(paths) > 20
    assert [path for path in sorted(paths) if not (ROOT / path).exists()] == []


def test_no_file_is_too_long_or_named_for_nothing() -> None:
    for path in _sources():
        assert len(path.read_text(encoding="utf-8").splitlines()) <= MAX_FILE_LINES, path
        assert not any(word in path.stem for word in BANNED), path


def test_packages_import_nothing_of_themselves() -> None:
    packages = [path for path in _sources() if path.name == "__init__.py"]
    assert packages
    assert [path for path in packages if path.read_text(encoding="utf-8").strip()] == []
    assert not list((ROOT / "tests").rglob("__init__.py"))


def test_constraints_are_exact_versions_and_nothing_else() -> None:
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    pins = [line for line in lines if not line.startswith("#")]
    assert [pin for pin in pins if not re.fullmatch(r"[\w.-]+==[\w.]+", pin)] == []


def test_serving_is_kept_from_every_module_of_models_but_seven() -> None:
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    [forbidden] = [
        set(contract["forbidden_modules"])
        for contract in contracts["tool"]["importlinter"]["contracts"]
        if contract["name"] == "serving sees only the torch-free seven of models"
    ]
    names = {path.stem for path in (ROOT / "models").iterdir() if path.suffix == ".py"}
    names |= {path.parent.name for path in (ROOT / "models").glob("*/__init__.py")}
    allowed = {"__init__", "schema", "features", "manifest", "providers", "registry"}
    allowed |= {"runtime", "triton"}
    assert {f"models.{name}" for name in names - allowed} == forbidden
