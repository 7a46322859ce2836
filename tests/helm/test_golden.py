"""What each mode renders to, kept for reading: a change of it is seen in review.

pytest tests/helm --rewrite-golden writes them anew.
"""

from tests.helm.charts import CHART, MODES, text_of
from tests.helm.described import COMMAND_OF, options_schema, settings_schema
from tests.helm.golden_files import GOLDEN, read_golden, schema_file, write_golden


def test_rendered_as_kept(mode: str, is_rewriting: bool) -> None:
    told = text_of(mode)
    if is_rewriting:
        write_golden(mode, told)
    assert read_golden(mode) == {name: text.strip() for name, text in told.items()}


def test_nothing_is_kept_of_a_mode_that_is_gone() -> None:
    assert {path.stem for path in GOLDEN.iterdir()} == set(MODES)


def test_schema_knows_the_settings_of_the_code(is_rewriting: bool) -> None:
    with schema_file(is_rewriting) as schema:
        gateway = schema["properties"]["gateway"]["properties"]
        if is_rewriting:
            gateway["settings"] = settings_schema()
        assert gateway["settings"] == settings_schema()


def test_schema_knows_the_options_of_each_command(is_rewriting: bool) -> None:
    with schema_file(is_rewriting) as schema:
        for role in COMMAND_OF:
            properties = schema["properties"][role]["properties"]
            if is_rewriting:
                properties["options"] = options_schema(role)
            assert properties["options"] == options_schema(role), role


def test_every_template_is_seen_in_a_mode() -> None:
    folder = CHART / "templates"
    every = {path.relative_to(folder).as_posix() for path in folder.rglob("*.yaml")}
    assert every - {name for mode in MODES for name in text_of(mode)} == set()
