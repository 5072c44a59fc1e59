"""DisentanglementTable: models by row, some seeds each, what their slots tell of objects' properties; tables for each
exam, and a map of which latent tells which factor."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from objrep_gym import weights
from objrep_gym.data import at_size, open_source
from objrep_gym.experiments import dissection
from objrep_gym.experiments.dissected import dissected_once
from objrep_gym.experiments.dissection import AGREED, COLUMNS, apart, by_udr, ranked, untrained
from objrep_gym.experiments.judge import BASELINES, Exam, baselines
from objrep_gym.experiments.kinds import Performed, Run
from objrep_gym.experiments.seeds_agree import agreements
from objrep_gym.experiments.trained import Effort, scaled, train_all
from objrep_gym.figures.importance import importance
from objrep_gym.figures.page import Picture, Section
from objrep_gym.figures.style import both
from objrep_gym.figures.tables import Cell, Column, Table
from objrep_gym.metrics.intervals import Interval
from objrep_gym.models.base import SlotModule

ROOMS = {
    "Objects Room, test": Exam("objects-room:variant=train,look=published", count=2000),
    "objects of one colour": Exam("objects-room:variant=identical-color,look=published", count=2000),
}
MAPPED = "How much each latent is used to predict each factor, by boosted trees: columns sum to 1."
TRAINING = {"training": Column("training", "text")}


@dataclass(frozen=True)
class DisentanglementTable:
    """What is compared, and on which scenes."""

    title: str
    rows: Mapping[str, Run | str]
    """Models by the name of their row: what trains them, or a reference to their weights."""
    exams: Mapping[str, Exam] = field(default_factory=lambda: ROOMS)
    """Held-out scenes by the name of their table."""
    seeds: int = 3
    """Models of each row that is trained."""
    notes: tuple[str, ...] = ()
    """What has to be known to read the table."""

    def scaled(self, scale: float) -> "DisentanglementTable":
        """The same with a fraction of the steps, the batch, the seeds and the scenes; below a hundredth, at toy width."""
        rows = {name: row if isinstance(row, str) else scaled(row, scale) for name, row in self.rows.items()}
        exams = {name: replace(exam, count=max(8, round(exam.count * scale))) for name, exam in self.exams.items()}
        if scale < 0.01:
            exams = {name: replace(exam, data=at_size(exam.data, 32)) for name, exam in exams.items()}
        return replace(self, rows=rows, exams=exams, seeds=max(1, round(self.seeds * scale)))

    def perform(self, folder: Path, effort: Effort) -> tuple[list[dict[str, Any]], list[Section]]:
        """Trains what is not trained yet, as far as `effort` goes: records of every model and baseline, and the page."""
        runs = {
            (name, seed): replace(run, seed=seed)
            for seed in range(self.seeds)
            for name, run in self.rows.items()
            if isinstance(run, Run)
        }
        done = dict(zip(runs, train_all(list(runs.values()), effort), strict=True))
        records = [record for exam in self.exams for record in self.dissected(exam, done, effort)]
        return records, [self.section(exam, of(exam, records)) for exam in self.exams]

    def section(self, exam: str, records: Sequence[Mapping[str, Any]]) -> Section:
        """Tables and maps of one exam."""
        picture = Picture(both(partial(maps, records)), f"Importance of latents: {exam}", MAPPED)
        return Section(f"{self.title}: {exam}", [*self.told(exam, records), picture])

    def dissected(self, exam: str, done: Mapping[tuple[str, int], Performed], effort: Effort) -> list[dict[str, Any]]:
        """One record for each model, seed, baseline and kind of masks in an exam."""
        asked = self.exams[exam]
        source = open_source(asked.data, asked.seed, asked.split)
        models = self.models(done, source.size, asked.seed)
        try:
            found = dissected_once(models, source, asked, effort)
            agreed = {place: scores for row in self.rows for place, scores in agreeing(row, models, source, asked).items()}
        finally:
            source.close()
        found.pop((("colour-rgb", 0), "true"), None)  # of true parts both k-means say the same
        records = []
        for (place, masks), told in found.items():
            trained = {"step": done[place].step, "steps": done[place].steps} if place in done else {}
            known = agreed.get(place, {}) if masks == "own" else {}
            row = {"table": exam, "row": BASELINES.get(place[0], place[0]), "seed": place[1], "masks": masks}
            records.append({**row, **trained, **known, **told})
        return records

    def models(
        self, done: Mapping[tuple[str, int], Performed], size: tuple[int, int], seed: int
    ) -> dict[tuple[str, int], SlotModule]:
        """Models by row and seed: those that have learned, the first of each row untrained, and k-means."""
        found = {(name, 0): weights.load(ref) for name, ref in self.rows.items() if isinstance(ref, str)}
        found |= {place: weights.load(run.folder) for place, run in done.items() if run.step > 0}
        fresh = {
            name: model
            for (row, number), model in found.items()
            if not number
            for name, model in untrained(row, model, seed).items()
        }
        plainly = {name: model for name, model in baselines(size).items() if model.slots > 1}
        return {**found, **{(name, 0): model for name, model in (fresh | plainly).items()}}

    def tables(self, records: Sequence[Mapping[str, Any]]) -> list[Table]:
        """The tables of each exam: of several seeds a mean with the lowest and the highest."""
        return [table for exam in self.exams for table in self.told(exam, of(exam, records))]

    def told(self, exam: str, records: Sequence[Mapping[str, Any]]) -> list[Table]:
        """How latents and factors go together, that by property, and what linear probes find."""
        groups: dict[str, list[Mapping[str, Any]]] = {}
        for record in records:
            groups.setdefault(dissection.row(record["row"], record["masks"]), []).append(record)
        udr = ranked(records)
        training = TRAINING if any("step" in record for record in records) else {}
        seen, agreed = f"{self.exams[exam].count:,} images.", (AGREED,) if udr else ()
        parts = [
            (exam, {**COLUMNS, **udr, **training}, (f"{seen} {dissection.MEASURED}", *agreed, *self.notes)),
            *((f"{exam}, {what}", shown, notes) for what, shown, notes in apart(records)),
        ]
        return [
            Table(f"{self.title}: {title}", shown, rows_of(groups, shown), notes=notes, first="model")
            for title, shown, notes in parts
        ]


def of(exam: str, records: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """The records of one exam."""
    return [record for record in records if record["table"] == exam]


def rows_of(groups: Mapping[str, Sequence[Mapping[str, Any]]], shown: Mapping[str, Column]) -> dict[str, dict[str, Cell]]:
    """Cells by row and column."""
    return {name: {column: cell(group, column) for column in shown} for name, group in groups.items()}


def agreeing(
    row: str, models: Mapping[tuple[str, int], SlotModule], source: Any, exam: Exam
) -> dict[tuple[str, int], dict[str, Any]]:
    """UDR of the seeds of a row, where there are several."""
    places = [place for place in models if place[0] == row]
    if len(places) < 2:
        return {}
    return by_udr(places, agreements([models[place] for place in places], source, exam))


def cell(records: Sequence[Mapping[str, Any]], column: str) -> Cell:
    """One cell of a row: of several seeds the mean with the lowest and the highest."""
    if column == "training":
        steps = [record["step"] for record in records if "step" in record]
        return f"{len(steps)} × {min(steps):,} of {records[0]['steps']:,} steps" if steps else None
    values = [record[column] for record in records if record.get(column) is not None]
    if not values:
        return None
    if len(values) == 1:
        return values[0]
    mean = float(np.mean(values))
    return round(mean) if column == "things" else Interval(mean, min(values), max(values))


def maps(records: Sequence[Mapping[str, Any]]) -> Any:
    """The map of every row's first seed, by its own masks."""
    tables: dict[str, np.ndarray] = {}
    factors = list(records[0]["importance"])
    for record in records:
        known = [values for values in record["importance"].values() if values is not None]
        if record["seed"] == 0 and record["masks"] == "own" and known:
            nothing = [float("nan")] * len(known[0])
            parts = [record["importance"][factor] or nothing for factor in factors]
            tables[record["row"].replace(", ", "\n")] = np.array(parts).T
    return importance(tables, factors)
