"""AnalogyTable: visual analogies solved in the latent space of trained models, by search, by arithmetic and by chance."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from matplotlib.figure import Figure

from objrep_gym import weights
from objrep_gym.data.watching import watching
from objrep_gym.experiments import solving
from objrep_gym.experiments.entities import seen
from objrep_gym.experiments.kinds import Performed, Run
from objrep_gym.experiments.solving import ARITHMETIC, CHANCE, GENETIC, Searches, Solved, boarded, right, solve
from objrep_gym.experiments.trained import Effort, in_words, progress, scaled, train_all
from objrep_gym.figures.grid import sheet
from objrep_gym.figures.page import Picture, Section
from objrep_gym.figures.style import both
from objrep_gym.figures.tables import Cell, Column, Table
from objrep_gym.metrics.intervals import above_chance, wilson
from objrep_gym.models.base import SlotModule
from objrep_gym.scenes.board_analogies import OPTIONS, PROPERTIES, Analogies, analogies, drawn
from objrep_gym.scenes.boards import Boards

TWO = "two"
COLUMNS = {
    "right": Column("right", "rate", "high"),
    "p": Column("p, chance", "text"),
    **{name: Column(name, "rate", "high") for name in (*PROPERTIES, TWO)},
}
NOTES = (
    "Right: {count:,} problems with {pairs} worked pairs and four options each, of which chance finds one time in four; "
    "intervals are Wilson's at 95 %, p is the exact binomial test's, one-sided. Symbol, scale, place: problems where "
    "that alone changes; two: where two of them do. Models saw all boards in training, and no problem.",
    "Searches see worked pairs alone; the answer is the option nearest to the picture of the query's shifted code. For any "
    "option: the document's words, by which the fittest picture is the one nearest to one of the options.",
)
SHOWN = 8  # problems of a picture


@dataclass(frozen=True)
class AnalogyTable:
    """Models whose codes are shifted, and how the shift is looked for."""

    title: str
    rows: Mapping[str, Run]
    """Models by the name that they have in the table; all trained on boards."""
    problems: int = 1000
    """Analogies that each method is asked."""
    pairs: int = 3
    """Worked pairs of each."""
    searches: Searches = field(default_factory=Searches)
    seed: int = 0
    """Of the problems and of the searches."""
    notes: tuple[str, ...] = ()
    """What has to be known to read the table."""

    def scaled(self, scale: float) -> "AnalogyTable":
        """The same with a fraction of the steps, the batch, the problems and the generations; below a hundredth, at toy
        width."""
        rows = {name: scaled(run, scale) for name, run in self.rows.items()}
        genetic, entropy = (
            replace(search, generations=max(1, round(search.generations * scale)))
            for search in (self.searches.genetic, self.searches.entropy)
        )
        problems = max(SHOWN, round(self.problems * scale))
        return replace(self, rows=rows, problems=problems, searches=Searches(genetic, entropy))  # type: ignore[arg-type]

    def perform(self, folder: Path, effort: Effort) -> tuple[list[dict[str, Any]], list[Section]]:
        """Trains what is not trained yet, as far as `effort` goes: a record for each method of each model, and the page."""
        done = dict(zip(self.rows, train_all(list(self.rows.values()), effort), strict=True))
        asked = analogies(np.random.default_rng(self.seed), self.problems, self.pairs)
        records, pictures = [], []
        for name, found in done.items():
            if found.step == 0:
                continue
            model = weights.load(found.folder)
            with watching(f"solve {name}", len(asked), effort.progress) as show:
                solved = solve(model, asked, self.searches, self.seed, lambda done, show=show: show(done, "problems"))
            records += self.records(name, found, solved, asked)
            pictures.append(self.picture(name, model, solved[GENETIC], asked))
        return records, [Section(self.title, [*pictures, *self.tables(records)])]

    def records(self, name: str, found: Performed, solved: Mapping[str, Solved], asked: Analogies) -> list[dict[str, Any]]:
        """`row, method, right, problems, p`, rates by what changes, and how a method compares with arithmetic, problem by
        problem: `better` and `worse`, where one of the two alone is right."""
        hits = right(solved, asked)
        told = {"row": name, **progress(self.rows[name], found)}
        return [
            {**told, "method": method, **scores(hit, asked.changed), **compared(hit, hits[ARITHMETIC])}
            for method, hit in hits.items()
        ]

    def picture(self, name: str, model: SlotModule, found: Solved, asked: Analogies) -> Picture:
        """The first problems as genetic search answers them."""
        some = solving.part(asked, slice(SHOWN))
        picture = both(partial(answered, model, some, found))
        told = (
            f"{name}: the first worked pair, the query, what its code with the shift found by genetic search decodes to, "
        )
        return Picture(picture, f"Analogies solved with {name}", f"{told}and the options, the chosen one first.")

    def tables(self, records: Sequence[Mapping[str, Any]]) -> list[Table]:
        """One table for each model."""
        groups: dict[str, list[Mapping[str, Any]]] = {}
        for record in records:
            groups.setdefault(record["row"], []).append(record)
        return [self.table(name, group) for name, group in groups.items()] or [self.table("no model", [])]

    def table(self, name: str, records: Sequence[Mapping[str, Any]]) -> Table:
        """The methods beside each other, and chance."""
        rows: dict[str, dict[str, Cell]] = {record["method"]: cells(record) for record in records}
        rows |= {"chance": {"right": CHANCE}} if records else {}
        notes = [note.format(count=self.problems, pairs=self.pairs) for note in NOTES]
        notes += [*against(records), *({in_words(record): None for record in records}), *self.notes]
        return Table(f"{self.title}: {name}", COLUMNS, rows, notes=tuple(notes), first="method")


def scores(hits: np.ndarray, changed: np.ndarray) -> dict[str, Any]:
    """Rates of one method, in all and by what changes."""
    count = int(hits.sum())
    groups = {name: (changed.sum(1) == 1) & changed[:, row] for row, name in enumerate(PROPERTIES)}
    groups[TWO] = changed.sum(1) == 2
    rates = {name: [int(hits[rows].sum()), int(rows.sum())] for name, rows in groups.items()}
    return {"right": count, "problems": len(hits), "p": above_chance(count, len(hits), CHANCE), "by": rates}


def compared(hits: np.ndarray, others: np.ndarray) -> dict[str, int]:
    """How often one of two methods alone is right."""
    return {"better": int((hits & ~others).sum()), "worse": int((others & ~hits).sum())}


def cells(record: Mapping[str, Any]) -> dict[str, Cell]:
    """One row of the table."""
    rates: dict[str, Cell] = {name: k / n for name, (k, n) in record["by"].items() if n}
    return {"right": wilson(record["right"], record["problems"]), "p": f"{record['p']:.1g}", **rates}


def against(records: Sequence[Mapping[str, Any]]) -> list[str]:
    """Genetic search against arithmetic, in words, by the sign test."""
    for record in records:
        if record["method"] == GENETIC and (both_ways := record["better"] + record["worse"]):
            p = min(1.0, 2 * above_chance(max(record["better"], record["worse"]), both_ways, 0.5))
            told = f"alone is right {record['better']:,} times and alone wrong {record['worse']:,} times"
            return [f"Against latent arithmetic genetic search {told} (sign test, p = {p:.2g})."]
    return []


@torch.no_grad()
def answered(model: SlotModule, asked: Analogies, found: Solved) -> Figure:
    """A row for each problem: A, B, C, what was found, the chosen option, and the others."""
    world = Boards(model.size[1:])
    shown = boarded(model, world, asked)
    made = seen(solving.decoded(model, shown.query + found.shift[: len(asked)]))
    answers = found.answers[: len(asked)].cpu().numpy()
    others = np.array([[answer, *(i for i in range(OPTIONS) if i != answer)] for answer in answers])
    options = np.take_along_axis(drawn(world, asked.options), others[:, :, None, None, None], axis=1)
    given = drawn(world, np.stack([asked.before[:, 0], asked.after[:, 0], asked.query], axis=1))
    names = ["right" if answer == true else "wrong" for answer, true in zip(answers, asked.answer, strict=True)]
    heads = ("A", "B", "C", "found", "chosen", *("other",) * (OPTIONS - 1))
    return sheet(np.concatenate([given, made[:, None], options], axis=1), names, heads)
