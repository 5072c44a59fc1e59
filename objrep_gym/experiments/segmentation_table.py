"""SegmentationTable: models by row, some seeds each, how well they take held-out scenes apart beside what knows nothing of
objects; one table for each exam, and a picture of each model's slots."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from objrep_gym import weights
from objrep_gym.data import at_size, open_source
from objrep_gym.experiments.judge import BASELINES, COLUMNS, METRICS, TAKEN, Exam
from objrep_gym.experiments.judged import judged_once
from objrep_gym.experiments.kinds import Performed, Run
from objrep_gym.experiments.slot_pictures import Pictures, decompositions
from objrep_gym.experiments.trained import Effort, address, in_words, progress, scaled, train_all
from objrep_gym.figures.curves import Curve, curves, exponential
from objrep_gym.figures.page import Picture, Section
from objrep_gym.figures.style import both
from objrep_gym.figures.tables import Cell, Column, Table
from objrep_gym.journal import NAME, read
from objrep_gym.metrics.intervals import Interval
from objrep_gym.metrics.segmentation import COLLAPSED

ROOMS = {
    "Objects Room, test": Exam("objects-room:variant=train,look=published"),
    "objects of one colour": Exam("objects-room:variant=identical-color,look=published"),
    "textured": Exam("objects-room:variant=train,look=textured"),
}
SPREAD = (
    "Segments are the largest attention mask, or decoded mask where there is none. A mean over seeds with the lowest and "
    "the highest of them; of one seed, its 95 % bootstrap interval over images."
)
ERRORS = ("mse", "error")  # what models call it in their journals
SMOOTHED = 20  # reports that a point of a curve is the mean of
TRAINING = {"training": Column("training", "text")}


@dataclass(frozen=True)
class SegmentationTable:
    """What is compared, and on which scenes."""

    title: str
    rows: Mapping[str, Run]
    """Models by the name of their row."""
    exams: Mapping[str, Exam] = field(default_factory=lambda: ROOMS)
    """Held-out scenes by the name of their table."""
    seeds: int = 3
    """Models of each row."""
    paper: Mapping[str, Mapping[str, Mapping[str, str]]] = field(default_factory=dict)
    """A document's own numbers, as it prints them, by table, row and column."""
    notes: tuple[str, ...] = ()
    """What has to be known to read the table."""
    shown: int = 2
    """Scenes of the first exam that the picture of each model shows."""
    draw: Pictures = decompositions
    """What is drawn of the first model of each row."""

    def scaled(self, scale: float) -> "SegmentationTable":
        """The same with a fraction of the steps, the batch, the seeds and the scenes; below a hundredth, at toy width."""
        rows = {name: scaled(run, scale) for name, run in self.rows.items()}
        exams = {name: replace(exam, count=max(4, round(exam.count * scale))) for name, exam in self.exams.items()}
        if scale < 0.01:
            side = next(iter(rows.values())).model.build().size[1]
            exams = {name: replace(exam, data=at_size(exam.data, side)) for name, exam in exams.items()}
        few = {"seeds": max(1, round(self.seeds * scale)), "shown": max(1, round(self.shown * scale))}
        return replace(self, rows=rows, exams=exams, **few)

    def perform(self, folder: Path, effort: Effort) -> tuple[list[dict[str, Any]], list[Section]]:
        """Trains what is not trained yet, as far as `effort` goes: records of every model and baseline, and the page."""
        runs = {(name, seed): replace(run, seed=seed) for seed in range(self.seeds) for name, run in self.rows.items()}
        done = dict(zip(runs, train_all(list(runs.values()), effort), strict=True))
        begun = {place: found for place, found in done.items() if found.step > 0}
        records = [record for name in self.exams for record in self.judged(name, begun, effort)]
        sections = [Section(table.title, [table]) for table in self.tables(records)]
        shown = {name: found.folder for (name, seed), found in begun.items() if seed == 0}
        return records, [*sections, *learned(shown), Section("Slots", [*self.pictures(shown)])]

    def judged(self, exam: str, begun: Mapping[tuple[str, int], Performed], effort: Effort) -> Iterator[dict[str, Any]]:
        """One record for each model and baseline: `table, row, seed, step, steps, images`, and every metric."""
        places = {place: address(replace(self.rows[place[0]], seed=place[1])) for place in begun}
        models = {places[place]: found for place, found in begun.items()}
        scores = judged_once(models, self.exams[exam], effort)
        for (row, seed), found in begun.items():
            told = progress(self.rows[row], found)
            yield {"table": exam, "row": row, "seed": seed, **told, **scores[places[row, seed]]}
        for name, title in BASELINES.items():
            yield {"table": exam, "row": title, "seed": 0, "step": None, "steps": None, "images": None, **scores[name]}

    def tables(self, records: Sequence[Mapping[str, Any]]) -> list[Table]:
        """One table for each exam: a mean over seeds with the lowest and the highest of them."""
        return [self.table(name, [record for record in records if record["table"] == name]) for name in self.exams]

    def table(self, exam: str, records: Sequence[Mapping[str, Any]]) -> Table:
        """The records of one exam, row by row."""
        names = list(dict.fromkeys(record["row"] for record in records))
        rows = {name: cells([record for record in records if record["row"] == name]) for name in names}
        notes = (f"{self.exams[exam].count:,} images. {SPREAD}", TAKEN, *self.notes)
        return Table(f"{self.title}: {exam}", {**COLUMNS, **TRAINING}, rows, self.paper.get(exam, {}), notes, "model")

    def pictures(self, folders: Mapping[str, Path]) -> Iterable[Picture]:
        """The first scenes of the first exam, drawn as the first model of each row sees them."""
        exam = next(iter(self.exams.values()))
        source = open_source(exam.data, exam.seed, exam.split)
        try:
            view = source.read(np.arange(self.shown), ("image", "mask"))
        finally:
            source.close()
        return self.draw({name: weights.load(folder) for name, folder in folders.items()}, view, source.about.background)


def learned(folders: Mapping[str, Path]) -> Iterator[Section]:
    """How the first model of each row came to its squared error, as far as its journal tells; nothing where none does."""
    read_in = {row: read(folder / NAME) for row, folder in folders.items() if (folder / NAME).exists()}
    lines = {row: line for row, told in read_in.items() if (line := squared_error(told)) is not None}
    if lines:
        draw = lambda: curves(lines, "steps", "MSE of training images", scale="log")  # noqa: E731
        yield Section("Training", [Picture(both(draw), "Squared error falls with steps")])


def squared_error(told: Iterable[Mapping[str, Any]]) -> Curve | None:
    """The errors of a journal over its steps, smoothed; None where it has none."""
    pairs = [(line["step"], line[name]) for line in told for name in ERRORS if name in line]
    if not pairs:
        return None
    steps, errors = np.array(pairs).T
    return Curve(steps, exponential(errors, SMOOTHED))


def cells(records: Sequence[Mapping[str, Any]]) -> dict[str, Cell]:
    """One row's cells."""
    first, several = records[0], len(records) > 1
    row: dict[str, Cell] = {}
    for name in METRICS:
        values = [record[name] for record in records if record[name] is not None]
        if values:
            low, high = (min(values), max(values)) if several else (first[f"{name}_low"], first[f"{name}_high"])
            row[name] = Interval(float(np.mean(values)), low, high)
    if first["step"] is not None:
        least = min(records, key=lambda record: record["step"])
        failed = sum((record["takes_all"] or 0) > COLLAPSED for record in records)
        seeds = f"{len(records)} {'seeds' if several else 'seed'}{f', {failed} collapsed' if failed else ''}"
        row["training"] = f"{seeds}, {in_words(least)}"
    return row
