import pytest

from export.errors import ValueOptionInvalid
from export.value_option import parse_formula


def test_each_task_has_its_power() -> None:
    assert parse_formula("click=1, conversion=0.5").powers == {"click": 1.0, "conversion": 0.5}
    assert parse_formula("click").powers == {"click": 1.0}


@pytest.mark.parametrize("text", ["", "click=x", "click=1,click=2", "=1", "click=nan", "click=inf"])
def test_what_is_no_formula_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(ValueOptionInvalid, match="click=1,conversion"):
        parse_formula(text)
