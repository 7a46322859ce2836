from pathlib import Path

import pytest
from pydantic import ValidationError

from server.environment import UnknownSetting, check_names, load_settings
from server.settings import PREFIX, Settings
from server.settings_command import reference_page


def test_unknown_name_is_refused_with_the_nearest(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("UNDERSTUDY_DEADLNE_MS", "20")
    with pytest.raises(UnknownSetting, match="did you mean UNDERSTUDY_DEADLINE_MS"):
        load_settings()


def test_other_programs_names_are_left_alone() -> None:
    check_names({"UNDER": "1", "REDIS_URL": "x", "UNDERSTUDY_PORT": "1"})


def test_settings_of_refreshers_may_stand_in_the_same_environment() -> None:
    check_names({"UNDERSTUDY_PAGE_ENTRIES": "1024"})


def test_environment_is_read_and_overridden(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("UNDERSTUDY_PORT", "9001")
    monkeypatch.setenv("UNDERSTUDY_TEACHER_CACHE", "false")
    assert load_settings().port == 9001
    assert load_settings().teacher_cache is False
    assert load_settings(port=9002, host=None).port == 9002


@pytest.mark.parametrize(
    ("name", "value"), [("PORT", "70000"), ("DEADLINE_MS", "0"), ("LOG_LEVEL", "loud")]
)
def test_bad_value_stops_the_start(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    monkeypatch.setenv(PREFIX + name, value)
    with pytest.raises(ValidationError, match=name.lower()):
        load_settings()


def test_soft_ttl_past_the_hard_one_is_refused() -> None:
    with pytest.raises(ValidationError, match="UNDERSTUDY_SOFT_TTL_S"):
        Settings(soft_ttl_s=10.0, hard_ttl_s=5.0)


def test_settings_are_frozen() -> None:
    with pytest.raises(ValidationError):
        Settings().port = 1  # type: ignore[misc]


def test_every_setting_says_why_in_one_line() -> None:
    for name, field in Settings.model_fields.items():
        assert field.description, name
        assert "\n" not in field.description, name
        assert "|" not in field.description, name


def test_reference_page_is_the_one_in_the_docs() -> None:
    page = Path(__file__).parents[2] / "docs" / "configuration.md"
    assert page.read_text() == reference_page(), "run `understudy settings > docs/configuration.md`"
