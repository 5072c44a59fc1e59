"""Tables: units, intervals, the best, and text that means no markup."""

from dataclasses import dataclass
from io import StringIO

import pytest
from rich.console import Console

from objrep_gym.figures.tables import Column, Table, as_html, as_markdown, as_rich, of_records, percent, written


@dataclass(frozen=True)
class Sure:
    mean: float
    low: float
    high: float


TABLE = Table(
    "Objects <Room>",
    {
        "ari": Column("ARI", "rate", "high"),
        "mse": Column("MSE", "small", "low", 3),
        "n": Column("images"),
        "at": Column("at", "text"),
    },
    {
        "monet": {"ari": Sure(0.8344, 0.82, 0.85), "mse": 0.000712, "n": 1000, "at": "64|64"},
        "colour [rgb]": {"ari": 0.5, "mse": 0.0004, "n": 1000},
        "nothing": {"ari": float("nan"), "mse": None},
    },
    paper={"monet": {"ari": "83.44±1.58"}, "genesis-v2": {"ari": "85±1"}},
    notes=("A note & more.",),
    first="model",
)  # fmt: skip


@pytest.mark.parametrize(
    ("cell", "column", "text"),
    [
        (0.8344, Column("a", "rate"), "83.4"),
        (Sure(0.5, 0.25, 0.75), Column("a", "rate", digits=0), "50 [25, 75]"),
        (0.000712, Column("a", "small", digits=3), "0.712"),
        (1234, Column("a"), "1,234"),
        (1234.56, Column("a"), "1,234.6"),
        ("words", Column("a"), "words"),
        (None, Column("a"), "–"),
        (float("nan"), Column("a"), "–"),
        (float("inf"), Column("a", "rate"), "–"),
    ],
)
def test_a_cell_is_written_in_its_unit(cell, column, text):
    assert written(cell, column) == text


def test_the_best_is_the_highest_or_the_lowest():
    assert TABLE.best("ari") == "monet"
    assert TABLE.best("mse") == "colour [rgb]"
    assert TABLE.best("n") is None, "a column without a direction has no best"


def test_one_number_alone_is_not_the_best():
    assert Table("", {"a": Column("a", best="high")}, {"x": {"a": 1.0}, "y": {}}).best("a") is None


def test_the_documents_numbers_stand_beside_ours_as_they_are_printed():
    assert TABLE.text("monet", "ari") == "83.4 [82.0, 85.0] (paper 83.44±1.58)"
    assert TABLE.text("genesis-v2", "ari") == "(paper 85±1)"
    assert [name for name, _ in TABLE.cells()] == ["monet", "colour [rgb]", "nothing", "genesis-v2"]


def test_markdown_has_a_column_for_each_and_escapes_pipes():
    lines = as_markdown(TABLE).splitlines()
    assert lines[0] == "| model | ARI % | MSE ×10⁻³ | images | at |"
    assert lines[1] == "|---|--:|--:|--:|:--|"
    assert lines[2].startswith("| monet | **83.4 [82.0, 85.0] (paper 83.44±1.58)** | 0.712 | 1,000 | 64\\|64 |")
    assert lines[-1] == "A note & more."


def test_html_is_escaped_and_marks_the_best():
    html = as_html(TABLE)
    assert "Objects &lt;Room&gt;" in html
    assert "A note &amp; more." in html
    assert '<td class="rate best">83.4 <small>[82.0, 85.0] (paper 83.44±1.58)</small></td>' in html
    assert html.count("<tr>") == 5


def test_a_terminal_shows_every_word_and_no_markup_is_taken_from_names():
    console = Console(file=StringIO(), width=160)
    console.print(as_rich(TABLE))
    shown = console.file.getvalue()
    assert all(word in shown for word in ("colour [rgb]", "83.4", "[82.0, 85.0]", "A note", "genesis-v2"))


def test_any_records_become_a_table():
    records = [
        {"route": "a", "seconds": 0.0123456, "of": "x", "sizes": [1, 2]},
        {"route": "a", "seconds": 1234567.0, "of": "y", "ratio": 2.0},
    ]
    table = of_records(records, "speed")
    assert len(table.rows) == 2, "two lines of one subject stay two"
    assert table.text("a", "seconds") == "0.01235"
    assert table.text("a", "sizes") == "1 2"
    assert table.text("a ", "seconds") == "1,234,567"
    assert table.text("a", "ratio") == "–"


def test_per_cent():
    assert percent(0.8249) == "82 %"
