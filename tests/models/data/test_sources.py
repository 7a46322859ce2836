from pathlib import Path

import pytest
import typer

from models.data.errors import LogInvalid, SourceInvalid
from models.data.import_command import import_log
from models.data.log import HEAD, Log
from models.data.sources import open_source
from tests.models.data.small_logs import random_log


def test_the_ad_world_takes_size_and_seed() -> None:
    log = open_source("adworld:impressions=3000,seed=7")
    assert len(log.impressions) == 3_000
    assert "seed 7" in log.provenance


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("nothing:here", "is no data source: use one of adworld"),
        ("", "is no data source"),
        ("kuairand:", "there is nothing at ''"),
        ("recbole:/nowhere/at/all", "there is nothing at '/nowhere/at/all'"),
        ("adworld:clicks=5", "adworld option 'clicks=5'"),
        ("adworld:impressions=many", "adworld option 'impressions=many'"),
        ("adworld:impressions=10", "ask for 1000 or more"),
    ],
)
def test_an_unknown_source_says_what_there_is(text: str, fault: str) -> None:
    with pytest.raises(SourceInvalid, match=fault):
        open_source(text)


def test_a_log_folder_is_a_source_and_its_statistics_may_be_left_out(tmp_path: Path) -> None:
    log = random_log(0, 40)
    log.write(tmp_path)
    fitted_head = (tmp_path / HEAD).read_text()
    bare = "\n".join(line for line in fitted_head.splitlines() if '"buckets"' not in line)
    (tmp_path / HEAD).write_text(bare)
    with pytest.raises(LogInvalid, match="has 0 buckets"):
        Log.read(tmp_path)
    assert open_source(f"log:{tmp_path}").schema == log.schema


def test_import_writes_a_log_that_reads_back(tmp_path: Path) -> None:
    import_log("adworld:impressions=2000", tmp_path / "log")
    assert len(Log.read(tmp_path / "log").impressions) == 2_000


def test_import_says_what_is_wrong_and_fails(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(typer.Exit) as stopped:
        import_log("nothing:here", tmp_path)
    assert stopped.value.exit_code == 1
    assert "is no data source" in " ".join(capsys.readouterr().err.split())
