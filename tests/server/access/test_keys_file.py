from pathlib import Path

import pytest

from server.access.errors import KeysInvalid
from server.access.keys_file import MAX_FILE_BYTES, Key, read_keys
from tests.server.access.keys import digest, entry, write_keys


def test_key_has_the_limits_of_its_entry(tmp_path: Path) -> None:
    path = write_keys(
        tmp_path / "keys.toml",
        entry("feed", "candidates_per_s = 50_000", 'priority = "low"', "dry_run = true"),
        entry("search"),
    )
    feed, search = read_keys(path)
    assert feed == Key(
        name="feed", sha256=digest("feed"), candidates_per_s=50_000, priority="low", dry_run=True
    )
    assert search.candidates_per_s is None
    assert (search.priority, search.dry_run) == ("normal", False)


@pytest.mark.parametrize(
    ("lines", "says"),
    [
        ([entry("feed", "candidates_per_second = 1")], "candidates_per_second"),
        ([entry("feed", "candidates_per_s = 0")], "candidates_per_s"),
        ([entry("feed", 'priority = "high"')], "high"),
        (['name = "feed"\nsha256 = "secret"'], "sha256"),
        (['name = "feed"'], "sha256"),
        ([entry("feed"), entry("feed")], "name feed stands twice"),
        ([entry("a b")], "name"),
        ([], "key"),
        (["name = "], "keys.toml"),
    ],
)
def test_bad_file_is_refused_by_the_name_of_what_is_wrong(
    tmp_path: Path, lines: list[str], says: str
) -> None:
    with pytest.raises(KeysInvalid, match=says):
        read_keys(write_keys(tmp_path / "keys.toml", *lines))


def test_two_names_for_one_secret_are_refused(tmp_path: Path) -> None:
    path = write_keys(
        tmp_path / "keys.toml", *(f'name = "{n}"\nsha256 = "{digest("one")}"' for n in "ab")
    )
    with pytest.raises(KeysInvalid, match=r"sha256 .* stands twice"):
        read_keys(path)


def test_file_that_is_not_there_or_far_too_large_is_refused(tmp_path: Path) -> None:
    with pytest.raises(KeysInvalid, match="cannot be read"):
        read_keys(tmp_path / "none.toml")
    (tmp_path / "large.toml").write_bytes(b"#" * (MAX_FILE_BYTES + 1))
    with pytest.raises(KeysInvalid, match="more than"):
        read_keys(tmp_path / "large.toml")


@pytest.mark.parametrize(
    "held",
    [
        "# für alle\n".encode("latin-1"),
        '[[key]]\nname = "feed"\n'.encode("utf-16"),
        b"key = " + b"9" * 5000,
        b"key = " + b"[" * 50_000,
        b"\0",
    ],
)
def test_file_that_is_no_toml_at_all_is_refused(tmp_path: Path, held: bytes) -> None:
    (tmp_path / "keys.toml").write_bytes(held)
    with pytest.raises(KeysInvalid, match=r"keys.toml: .*docs/security.md"):
        read_keys(tmp_path / "keys.toml")
