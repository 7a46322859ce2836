import pytest

from tests.loadtest.typed import as_typed


@pytest.mark.parametrize(
    "words",
    [
        ["build/demo", "--rounds", "8"],
        ["build/demo", "--write", "page.md", "--rounds", "8"],
    ],
)
def test_a_command_is_told_as_typed_less_the_page(
    words: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.argv", ["measure.py", *words])
    assert as_typed("tests.x") == "python -m tests.x build/demo --rounds 8"
