import numpy as np

from models.suites.table import Cell, Table


def test_spread_of_one_seed_is_left_out() -> None:
    assert str(Cell.of(np.array([0.25]))) == "0.2500"
    assert str(Cell.of(np.array([0.2, 0.3]), digits=2)) == "0.25 ± 0.07"


def test_markdown_has_a_line_a_row() -> None:
    table = Table("T", ["variant", "AUC"], [["alone", Cell(0.5, None, 2)]], note="why")
    assert table.markdown().splitlines() == [
        "**T**",
        "",
        "| variant | AUC |",
        "| --- | ---: |",
        "| alone | 0.50 |",
        "",
        "why",
    ]


def test_json_keeps_mean_and_spread() -> None:
    table = Table("T", ["variant", "AUC"], [["alone", Cell(0.5, 0.1, 2)]])
    assert table.as_json()["rows"] == [
        {"variant": "alone", "AUC": {"mean": 0.5, "sd": 0.1, "digits": 2}}
    ]
