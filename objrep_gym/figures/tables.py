"""Tables of results, for a terminal, a page and a README. The only place where a rate becomes per cent."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from html import escape
from math import isfinite
from typing import Any, Literal, Protocol, runtime_checkable

from rich.markup import escape as rich_escape
from rich.table import Table as RichTable

NOTHING = "–"


@runtime_checkable
class Bounded(Protocol):
    """A mean and the bounds of its interval."""

    @property
    def mean(self) -> float: ...
    @property
    def low(self) -> float: ...
    @property
    def high(self) -> float: ...


Cell = Bounded | float | int | str | None


@dataclass(frozen=True)
class Column:
    """What stands in a column: `rate` in [0, 1] is printed in per cent, `small` in thousandths, `number` as it is."""

    title: str
    kind: Literal["rate", "small", "number", "text"] = "number"
    best: Literal["high", "low"] | None = None
    """Which value is set in bold."""
    digits: int = 1

    @property
    def head(self) -> str:
        """The title with its unit."""
        return self.title + {"rate": " %", "small": " ×10⁻³"}.get(self.kind, "")

    @property
    def scale(self) -> float:
        return {"rate": 100.0, "small": 1000.0}.get(self.kind, 1.0)


@dataclass(frozen=True)
class Table:
    """Rows by name, cells by column; `paper` holds a document's own numbers, as it prints them, by row and column."""

    title: str
    columns: Mapping[str, Column]
    rows: Mapping[str, Mapping[str, Cell]]
    paper: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    first: str = ""
    """The head of the column of names."""

    def cells(self) -> list[tuple[str, list[tuple[str, bool]]]]:
        """Every row as its name and, for each column, the text and whether it is the best."""
        best = {name: self.best(name) for name in self.columns}
        rows = [*self.rows, *(row for row in self.paper if row not in self.rows)]
        return [(row, [(self.text(row, name), best[name] == row) for name in self.columns]) for row in rows]

    def text(self, row: str, name: str) -> str:
        """One cell as it is read: a mean with its interval, and the document's number after it where there is one."""
        said = written(self.rows.get(row, {}).get(name), self.columns[name])
        paper = self.paper.get(row, {}).get(name)
        if paper is None:
            return said
        return f"{said} (paper {paper})" if said != NOTHING else f"(paper {paper})"

    def best(self, name: str) -> str | None:
        """The row with the best mean in a column, None where the column has no best or fewer than two numbers."""
        column = self.columns[name]
        means = {row: mean_of(cells.get(name)) for row, cells in self.rows.items()}
        means = {row: mean for row, mean in means.items() if mean is not None}
        if column.best is None or len(means) < 2:
            return None
        return (max if column.best == "high" else min)(means, key=means.__getitem__)


def mean_of(cell: Cell) -> float | None:
    """The number that a cell is compared by, None for words and what is not finite."""
    if cell is None or isinstance(cell, str):
        return None
    mean = float(cell.mean if isinstance(cell, Bounded) else cell)
    return mean if isfinite(mean) else None


def written(cell: Cell, column: Column) -> str:
    """A cell as text in its column's unit: `83.4 [82.9, 84.0]`, `1,000`, a dash for nothing."""
    if isinstance(cell, str):
        return cell
    mean = mean_of(cell)
    if mean is None:
        return NOTHING
    if isinstance(cell, Bounded):
        numbers = [value * column.scale for value in (mean, cell.low, cell.high)]
        return "{0:,.{3}f} [{1:,.{3}f}, {2:,.{3}f}]".format(*numbers, column.digits)
    if isinstance(cell, int):
        return f"{cell:,}"
    return f"{mean * column.scale:,.{column.digits}f}"


def as_rich(table: Table) -> RichTable:
    """For a terminal, by `rich`."""
    drawn = RichTable(
        title=table.title, title_justify="left", caption="\n".join(table.notes) or None, caption_justify="left"
    )
    drawn.add_column(table.first)
    for column in table.columns.values():
        drawn.add_column(column.head, justify="left" if column.kind == "text" else "right")
    for name, cells in table.cells():
        drawn.add_row(rich_escape(name), *(_rich(text, best) for text, best in cells))
    return drawn


def as_markdown(table: Table) -> str:
    """For a README; pipes in names are escaped."""
    rows = [[table.first, *(column.head for column in table.columns.values())]]
    rows += [[name, *(f"**{text}**" if best else text for text, best in cells)] for name, cells in table.cells()]
    lines = ["| " + " | ".join(cell.replace("|", "\\|") for cell in row) + " |" for row in rows]
    rule = "|" + "|".join(["---", *(":--" if c.kind == "text" else "--:" for c in table.columns.values())]) + "|"
    return "\n".join([lines[0], rule, *lines[1:], *(f"\n{note}" for note in table.notes)])


def as_html(table: Table) -> str:
    """For a page: a `<figure>` with a `<table>`; all text is escaped, the interval set smaller than its mean."""
    head = "".join(f'<th class="{c.kind}">{escape(c.head)}</th>' for c in table.columns.values())
    body = ""
    for name, cells in table.cells():
        row = "".join(
            f'<td class="{column.kind}{" best" if best else ""}">{_small(text)}</td>'
            for (text, best), column in zip(cells, table.columns.values(), strict=True)
        )
        body += f'<tr><th scope="row">{escape(name)}</th>{row}</tr>'
    notes = "".join(f"<p>{escape(note)}</p>" for note in table.notes)
    caption = f"<figcaption><strong>{escape(table.title)}</strong>{notes}</figcaption>"
    first = f"<th>{escape(table.first)}</th>"
    return (
        f'<figure class="table"><table><thead><tr>{first}{head}</tr></thead><tbody>{body}</tbody></table>{caption}</figure>'
    )


def _small(text: str) -> str:
    mean, space, rest = escape(text).partition(" ")
    return f"{mean}{space}<small>{rest}</small>" if rest.startswith(("[", "(")) else escape(text)


def _rich(text: str, best: bool) -> str:
    """The interval under its mean, so that five columns fit a terminal."""
    mean, _, rest = text.partition(" [")
    told = f"[bold]{rich_escape(mean)}[/]" if best else rich_escape(mean)
    return f"{told}\n[dim]{rich_escape('[' + rest)}[/]" if rest else told


def of_records(records: Sequence[Mapping[str, Any]], title: str = "") -> Table:
    """Any records as a table: the first field names the row, the numbers keep four significant digits."""
    names = list(dict.fromkeys(name for record in records for name in record))
    first, others = names[0], names[1:]
    kinds = {name: any(isinstance(record.get(name), (int, float)) for record in records) for name in others}
    columns = {name: Column(name.replace("_", " "), "text") for name in others if not kinds[name]}
    columns |= {name: Column(name.replace("_", " ")) for name in others if kinds[name]}
    rows: dict[str, dict[str, Cell]] = {}
    for record in records:
        name = str(record[first])
        while name in rows:  # rows of one subject stay apart
            name += " "
        rows[name] = {key: significant(record.get(key)) for key in others}
    return Table(title, columns, rows, first=first)


def significant(value: Any) -> Cell:
    """A float as four significant digits, a sequence as its items side by side, anything else as it is."""
    if isinstance(value, bool) or (value is not None and not isinstance(value, (int, float, str))):
        return " ".join(map(str, value)) if isinstance(value, (list, tuple)) else str(value)
    return (
        f"{value:,.4g}"
        if isinstance(value, float) and abs(value) < 1e4
        else f"{value:,.0f}"
        if isinstance(value, float)
        else value
    )


def percent(rate: float) -> str:
    """A rate in [0, 1] as `82 %`."""
    return f"{100 * rate:.0f} %"
