"""SlotCounting: models trained on few objects count more of them, in more slots than they were trained with.

Bounds between which a slot is an object (`metrics.scope`) are chosen on held-out scenes like those of training; the same
bounds then count in all exams. No label reaches a model.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from objrep_gym import weights
from objrep_gym.data import at_size, open_source
from objrep_gym.experiments.judge import Exam
from objrep_gym.experiments.kinds import Performed, Run
from objrep_gym.experiments.trained import Effort, in_words, progress, scaled, train_all
from objrep_gym.figures.page import Section
from objrep_gym.figures.tables import Cell, Column, Table
from objrep_gym.metrics.intervals import Interval, bootstrap
from objrep_gym.metrics.scope import best_shares, count_by_scope, extents, used_slots
from objrep_gym.models.base import SlotModule
from objrep_gym.types import to_image
from objrep_gym.wrappers.encoder import fitted

CONSTANT = "always the commonest count"
COLUMNS = {
    "error": Column("mean |count − true|", best="low", digits=2),
    "right": Column("counted right", "rate", "high"),
    "used": Column("slots used"),
    "true": Column("objects in sight"),
    "training": Column("training", "text"),
}
ROOMS = {
    "one to three objects": Exam("objects-room:variant=train", count=500),
    "four to six objects": Exam("objects-room:variant=six-objects", count=500),
}


@dataclass(frozen=True)
class SlotCounting:
    """What counts, in how many slots, and on which scenes."""

    title: str
    rows: Mapping[str, Run]
    """Models by the name of their row; their number of slots may change after training."""
    slots: int = 12
    """K when counting: the objects and whatever ground falls apart into."""
    exams: Mapping[str, Exam] = field(default_factory=lambda: ROOMS)
    """Scenes by the name of their table; the validation split of the first is what bounds are chosen on."""
    seeds: int = 1
    """Models of each row."""
    notes: tuple[str, ...] = ()
    """What has to be known to read the tables."""

    def scaled(self, scale: float) -> "SlotCounting":
        """The same with a fraction of the steps, the batch, the seeds and the scenes; below a hundredth, at toy width."""
        rows = {name: scaled(run, scale) for name, run in self.rows.items()}
        exams = {name: replace(exam, count=max(4, round(exam.count * scale))) for name, exam in self.exams.items()}
        if scale < 0.01:
            side = next(iter(rows.values())).model.build().size[1]
            exams = {name: replace(exam, data=at_size(exam.data, side)) for name, exam in exams.items()}
        return replace(self, rows=rows, exams=exams, seeds=max(1, round(self.seeds * scale)))

    def perform(self, folder: Path, effort: Effort) -> tuple[list[dict[str, Any]], list[Section]]:
        """Trains what is not trained yet, as far as `effort` goes: a record of every model and exam, and the page."""
        runs = [(name, replace(run, seed=seed)) for seed in range(self.seeds) for name, run in self.rows.items()]
        done = train_all([run for _, run in runs], effort)
        begun = [(name, run, found) for (name, run), found in zip(runs, done, strict=True) if found.step > 0]
        records = [record for name, run, found in begun for record in self.counted(name, run, found)]
        return records, [Section(table.title, [table]) for table in self.tables(records)]

    def counted(self, row: str, run: Run, found: Performed) -> Iterator[dict[str, Any]]:
        """One model's records: `table, row, seed, step, steps, images`, the bounds, and what it counted; and those of the
        count that is the commonest where bounds are chosen."""
        model = weights.load(found.folder)
        model.slots = self.slots
        first = replace(next(iter(self.exams.values())), split="validation")
        shares, true = shares_and_counts(model, first)
        bounds, guess = best_shares(shares, true), int(np.bincount(true).argmax())
        told = {"row": row, "seed": run.seed, **progress(run, found)}
        for name, exam in self.exams.items():
            shares, true = shares_and_counts(model, exam)
            counts, used = count_by_scope(shares, bounds), used_slots(shares, bounds.least)
            yield {"table": name, **told, "least": bounds.least, "most": bounds.most, **errors(counts, true, used)}
            yield {"table": name, "row": CONSTANT, "seed": run.seed, **errors(np.full_like(true, guess), true)}

    def tables(self, records: Sequence[Mapping[str, Any]]) -> list[Table]:
        """One for each exam; of several seeds, their mean with the lowest and the highest."""
        tables = []
        for name, exam in self.exams.items():
            chosen = [record for record in records if record["table"] == name]
            names = [row for row in dict.fromkeys(r["row"] for r in chosen) if row != CONSTANT]
            rows = {row: cells([r for r in chosen if r["row"] == row]) for row in (*names, CONSTANT) if chosen}
            notes = (f"{exam.count:,} images, {self.slots} slots. Objects are those with a pixel in sight.", *self.notes)
            tables.append(Table(f"{self.title}: {name}", COLUMNS, rows, notes=notes, first="model"))
        return tables


@torch.no_grad()
def shares_and_counts(model: SlotModule, exam: Exam) -> tuple[np.ndarray, np.ndarray]:
    """What share of each picture each slot explains, float (N, K), and how many objects are in sight, int (N,)."""
    source, shares, counts = open_source(exam.data, exam.seed, exam.split), [], []
    try:
        total = min(exam.count, source.examples or exam.count)
        for start in range(0, total, exam.batch):
            view = source.read(np.arange(start, min(start + exam.batch, total)), ("image", "mask"))
            if view.mask is None:
                raise ValueError(f"{exam.data} has no masks to count by: generate it with masks")
            image = fitted(to_image(torch.from_numpy(np.array(view.image))), model.size)
            masks = model.encode(image.to(model.device)).masks
            assert masks is not None, "rows of a counting table attend"
            shares.append(extents(masks.float().cpu().numpy()))
            counts.append(in_sight(view.mask, source.about.background))
    finally:
        source.close()
    return np.concatenate(shares), np.concatenate(counts)


def in_sight(mask: np.ndarray, background: int) -> np.ndarray:
    """How many objects have a pixel in each mask uint8 (N, H, W)."""
    return np.array([len(np.unique(one[one >= background])) for one in mask])


def errors(counts: np.ndarray, true: np.ndarray, used: np.ndarray | None = None) -> dict[str, Any]:
    """What a record says of counts, with the bounds of 95 % bootstrap intervals."""
    told: dict[str, Any] = {"used": None if used is None else float(used.mean()), "true": float(true.mean())}
    for name, values in (("error", np.abs(counts - true).astype(float)), ("right", (counts == true).astype(float))):
        interval = bootstrap(values)
        told |= {name: interval.mean, f"{name}_low": interval.low, f"{name}_high": interval.high}
    return told


def cells(records: Sequence[Mapping[str, Any]]) -> dict[str, Cell]:
    """One row's cells."""
    first, row = records[0], dict[str, Cell]()
    for name in ("error", "right"):
        values = [record[name] for record in records]
        low, high = (min(values), max(values)) if len(records) > 1 else (first[f"{name}_low"], first[f"{name}_high"])
        row[name] = Interval(float(np.mean(values)), low, high)
    row["true"] = first["true"]
    if first["used"] is not None:
        row["used"] = float(np.mean([record["used"] for record in records]))
        row["training"] = in_words(first)
    return row
