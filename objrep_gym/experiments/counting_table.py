"""CountingTable: how often models tell the number of objects, by a threshold on KL maps or because they were taught."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from objrep_gym import weights
from objrep_gym.data import at_size, open_source
from objrep_gym.data.watching import watching
from objrep_gym.experiments.kinds import Performed, Run
from objrep_gym.experiments.trained import Effort, in_words, progress, scaled, train_all
from objrep_gym.figures.page import Section
from objrep_gym.figures.tables import Cell, Column, Table
from objrep_gym.metrics.counting import best_threshold, count_by_kl, count_regions, count_seen, peaks
from objrep_gym.metrics.intervals import Interval, wilson
from objrep_gym.models.base import SlotModule
from objrep_gym.models.counter import Counter
from objrep_gym.models.mvae import MVAE
from objrep_gym.types import to_image

COLUMNS = {
    "test": Column("test", "rate", "high"),
    "train": Column("where chosen", "rate"),
    "nats": Column("threshold, nats", digits=2),
    "peaks": Column("test, peaks only", "rate", "high"),
    "training": Column("training", "text"),
}
CHOSEN, TESTED = "validation", "test"
NOTES = (
    "The document's rule: as many objects as cells of the KL map above one threshold, chosen on {choose:,} scenes and "
    "tested on {test:,} others; intervals are Wilson's at 95 %. Peaks only, a rule of our own: only cells count whose KL "
    "none of their eight neighbours exceeds, with a threshold of their own.",
    "The counter is taught the true numbers: what can be had at most. Connected regions are counted in the picture itself.",
)
REGIONS, COMMONEST = "connected regions", "the commonest number"
CHUNK = 100  # scenes read and encoded at once


@dataclass(frozen=True)
class Counts:
    """What one model says of N scenes: KL maps (N, h, w) in nats, or numbers of objects (N,)."""

    nats: np.ndarray | None = None
    said: np.ndarray | None = None


@dataclass(frozen=True)
class CountingTable:
    """What counts, and on which scenes: of every set, each model's own data, the numbers of objects that are seen."""

    title: str
    sets: Mapping[str, Mapping[str, Run]]
    """Models by the name of their row, by the name of their scenes; those of one set are trained on the same data."""
    choose: int = 6400
    """Scenes on which thresholds are chosen."""
    test: int = 12800
    """Scenes on which they are tested."""
    paper: Mapping[str, Mapping[str, Mapping[str, str]]] = field(default_factory=dict)
    """The document's own numbers, as it prints them, by set, row and column."""
    black: tuple[str, ...] = ()
    """Sets on black ground, whose connected regions are counted too."""
    notes: tuple[str, ...] = ()
    """What has to be known to read the table."""

    @property
    def rows(self) -> dict[str, Run]:
        """Models by set and row, as a queue names them."""
        return {f"{name}: {row}": run for name, rows in self.sets.items() for row, run in rows.items()}

    def scaled(self, scale: float) -> "CountingTable":
        """The same with a fraction of the steps, the batch and the scenes; below a hundredth, at toy width."""
        sets = {name: {row: scaled(run, scale) for row, run in rows.items()} for name, rows in self.sets.items()}
        return replace(self, sets=sets, choose=max(8, round(self.choose * scale)), test=max(8, round(self.test * scale)))

    def perform(self, folder: Path, effort: Effort) -> tuple[list[dict[str, Any]], list[Section]]:
        """Trains what is not trained yet, as far as `effort` goes: a record for each model and baseline, and the page."""
        places = [(name, row) for name, rows in self.sets.items() for row in rows]
        done = dict(zip(places, train_all([self.sets[name][row] for name, row in places], effort), strict=True))
        records = [record for name in self.sets for record in self.counted(name, done, effort)]
        return records, [Section(table.title, [table]) for table in self.tables(records)]

    def counted(self, name: str, done: Mapping[tuple[str, str], Performed], effort: Effort) -> Iterator[dict[str, Any]]:
        """Records of one set: `set, row, step, steps, images`, rates and thresholds."""
        rows = self.sets[name]
        begun = {row: done[name, row] for row in rows if done[name, row].step > 0}
        models = {row: weights.load(found.folder) for row, found in begun.items()}
        data = next(iter(rows.values())).data[0]
        if models:  # toy models see scenes of their own size
            data = at_size(data, next(iter(models.values())).size[1])
        black = name in self.black
        with watching(f"count {name}", self.choose + self.test, effort.progress) as show:
            chosen, truth = count(models, data, CHOSEN, self.choose, black, lambda done: show(done, "scenes"))
            tested, new = count(models, data, TESTED, self.test, black, lambda done: show(self.choose + done, "scenes"))
        for row in tested:
            found = begun.get(row)
            told = {"step": None, "steps": None, "images": None}
            if found:
                told = progress(rows[row], found)
            yield {"set": name, "row": row, **told, **scores(chosen[row], truth, tested[row], new)}
        commonest = np.bincount(truth).argmax()
        yield {"set": name, "row": COMMONEST, "step": None, **right(new == commonest, "test")}

    def tables(self, records: Sequence[Mapping[str, Any]]) -> list[Table]:
        """One table for each set."""
        return [self.table(name, [record for record in records if record["set"] == name]) for name in self.sets]

    def table(self, name: str, records: Sequence[Mapping[str, Any]]) -> Table:
        """The records of one set, row by row."""
        notes = tuple(note.format(choose=self.choose, test=self.test) for note in (*NOTES, *self.notes))
        notes = notes if name == next(iter(self.sets)) else ()  # they hold for all
        rows = {record["row"]: dict(cells(record)) for record in records}
        return Table(f"{self.title}: {name}", COLUMNS, rows, self.paper.get(name, {}), notes, "count by")


@torch.no_grad()
def count(
    models: Mapping[str, SlotModule], data: str, split: str, scenes: int, black: bool, watch: Any
) -> tuple[dict[str, Counts], np.ndarray]:
    """What every model says of the first `scenes` scenes of a split, and the true numbers (N,)."""
    found: dict[str, list[np.ndarray]] = {name: [] for name in (*models, *([REGIONS] if black else []))}
    truth = []
    source = open_source(data, 0, split)
    try:
        for start in range(0, scenes, CHUNK):
            view = source.read(np.arange(start, min(start + CHUNK, scenes)), ("image", "mask"))
            assert view.mask is not None
            truth.append(count_seen(view.mask, source.about.background))
            image = to_image(torch.from_numpy(np.ascontiguousarray(view.image)))
            for name, model in models.items():
                found[name].append(reading(model, image.to(model.device)))
            if black:
                found[REGIONS].append(count_regions(view.image))
            watch(start + len(view.image))
    finally:
        source.close()
    joined = {name: np.concatenate(parts) for name, parts in found.items()}
    counts = {name: Counts(nats=whole) if whole.ndim > 1 else Counts(said=whole) for name, whole in joined.items()}
    return counts, np.concatenate(truth)


@torch.no_grad()
def reading(model: SlotModule, image: torch.Tensor) -> np.ndarray:
    """KL maps (B, h, w) of what has them, numbers (B,) of a counter, and else how much each slot says (B, K)."""
    if isinstance(model, MVAE):
        return model.information(image).cpu().numpy()
    if isinstance(model, Counter):
        return model.count(image).cpu().numpy()
    return model.encode(image).nats.cpu().numpy()


def scores(chosen: Counts, truth: np.ndarray, tested: Counts, new: np.ndarray) -> dict[str, Any]:
    """Rates with the bounds of their intervals, and thresholds, of one model."""
    if tested.said is not None and chosen.said is not None:
        return right(chosen.said == truth, "train") | right(tested.said == new, "test")
    assert chosen.nats is not None
    assert tested.nats is not None
    best = best_threshold(chosen.nats, truth)
    found = {"nats": best.nats, **right(count_by_kl(chosen.nats, best.nats) == truth, "train")}
    found |= right(count_by_kl(tested.nats, best.nats) == new, "test")
    if chosen.nats.ndim == 3:
        alone, others = (np.where(peaks(nats), nats, 0) for nats in (chosen.nats, tested.nats))
        least = best_threshold(alone, truth)
        found |= {"peaks_nats": least.nats, **right(count_by_kl(others, least.nats) == new, "peaks")}
    return found


def right(hits: np.ndarray, name: str) -> dict[str, float]:
    """How often a count was right, with Wilson's bounds."""
    interval = wilson(int(hits.sum()), len(hits))
    return {name: interval.mean, f"{name}_low": interval.low, f"{name}_high": interval.high}


def cells(record: Mapping[str, Any]) -> Iterator[tuple[str, Cell]]:
    for name in ("test", "train", "peaks"):
        if name in record:
            yield name, Interval(record[name], record[f"{name}_low"], record[f"{name}_high"])
    if "nats" in record:
        yield "nats", float(record["nats"])
    if record["step"] is not None:
        yield "training", in_words(record)
