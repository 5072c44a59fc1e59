"""MetricAgreement: many trained models of one slot, every metric of each, and whether the metrics put them in one order."""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np

from objrep_gym import weights
from objrep_gym.data import at_size, open_source
from objrep_gym.data.batches import Source
from objrep_gym.data.watching import watching
from objrep_gym.experiments.disentanglement_table import TRAINING, cell
from objrep_gym.experiments.dissected import fingerprint, recall, remember
from objrep_gym.experiments.judge import Exam
from objrep_gym.experiments.kinds import Performed, Run
from objrep_gym.experiments.one_object import COLUMNS, FURTHER, MEASURED, MORE, UDR, agreements, gather, told
from objrep_gym.experiments.trained import Effort, scaled, train_all
from objrep_gym.figures.agreement import agreement
from objrep_gym.figures.page import Picture, Section
from objrep_gym.figures.style import both
from objrep_gym.figures.tables import Column, Table
from objrep_gym.metrics.suite import BY_TREES, METRICS, VERSION
from objrep_gym.models.base import SlotModule

NOTES = "suited"
FEWEST = 3  # models whose order can be compared
RESAMPLES = 2000
SCORES = {name: column for name, column in {**COLUMNS, **FURTHER, **UDR}.items() if name != "in_use"}
ORDERED = "Spearman's rank correlation over all models. UDR knows no factor."


@dataclass(frozen=True)
class MetricAgreement:
    """Which models are compared, on what, and which two scores are drawn over each other."""

    title: str
    rows: Mapping[str, Run]
    """Models by the name of their row."""
    exam: Exam
    """Pictures of one thing whose factors are known."""
    pair: tuple[str, str]
    """The score that is asked about, and the one that it should order models like."""
    metrics: tuple[str, ...] = METRICS
    """Scores of the suite that each model gets; without those of DCI it takes a fifth of the time."""
    seeds: int = 2
    """Models of each row."""
    paper: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    """Published scores, as they are printed, by row and metric."""
    portrait: Callable[[str, SlotModule], Sequence[Picture]] | None = None
    """What is drawn of the model that has most of the second score of `pair`; nothing if None."""
    notes: tuple[str, ...] = ()
    """What has to be known to read the tables."""

    def scaled(self, scale: float) -> "MetricAgreement":
        """The same with a fraction of the steps, the batch and the pictures; below a hundredth, at toy width, one model of
        each row, and without DCI."""
        rows = {name: scaled(run, scale) for name, run in self.rows.items()}
        exam = replace(self.exam, count=max(60, round(self.exam.count * scale)))
        if scale < 0.01:
            exam = replace(exam, data=at_size(exam.data, 32))
            quick = tuple(name for name in self.metrics if name not in BY_TREES)
            return replace(self, rows=rows, exam=exam, metrics=quick, seeds=1)
        return replace(self, rows=rows, exam=exam)

    def perform(self, folder: Path, effort: Effort) -> tuple[list[dict[str, Any]], list[Section]]:
        """Trains what is not trained yet, as far as `effort` goes: a record of every model and one of the pair, and the
        page."""
        runs = {(n, seed): replace(run, seed=seed) for seed in range(self.seeds) for n, run in self.rows.items()}
        done = dict(zip(runs, train_all(list(runs.values()), effort), strict=True))
        records = self.examined({place: found for place, found in done.items() if found.step > 0}, effort)
        if len(records) >= FEWEST:
            records.append({"row": "agreement", "models": len(records), **correlated(records, *self.pair)})
        blocks = [*self.pictures(records), *self.best(records, done), *self.tables(records)]
        return records, [Section(self.title, blocks)]

    def examined(self, done: Mapping[tuple[str, int], Performed], effort: Effort) -> list[dict[str, Any]]:
        """A record for each model; those of a row are compared with each other too."""
        source, records = open_source(self.exam.data, self.exam.seed, self.exam.split), []
        try:
            for name in self.rows:
                seeds = {seed: found for (row, seed), found in done.items() if row == name}
                models = {str(seed): weights.load(found.folder) for seed, found in seeds.items()}
                scores = self.examined_once(models, source, effort) if models else {}
                records += [
                    {"row": name, "seed": seed, "step": found.step, "steps": found.steps, **scores[str(seed)]}
                    for seed, found in seeds.items()
                ]
        finally:
            source.close()
        return records

    def examined_once(self, models: Mapping[str, SlotModule], source: Source, effort: Effort) -> dict[str, dict[str, Any]]:
        """Scores of the seeds of a row, found out once: a note of them lies below the root of trained models, by the
        weights of all and the metrics."""
        exam, told_by = self.exam, [str(VERSION), *(fingerprint(model) for model in models.values()), *self.metrics]
        path = effort.root / NOTES / f"{hashlib.sha256(' '.join(told_by).encode()).hexdigest()[:16]}.json"
        known = recall(path, exam)
        if known is None:
            with watching(f"examine {exam.data}", exam.count, effort.progress) as show:
                seen = gather(models, source, exam, lambda done: show(done, "pictures"))
            ranked = agreements(models, seen.codes) if len(models) > 1 else {}
            known = {name: {**told(seen, name, exam.seed, self.metrics), **ranked.get(name, {})} for name in models}
            remember(path, exam, known)
        return known

    def pictures(self, records: Sequence[Mapping[str, Any]]) -> list[Picture]:
        """The pair of scores over each other, once there are models to compare."""
        known = [r for r in records if all(r.get(name) is not None for name in self.pair) and r["row"] != "agreement"]
        if len(known) < FEWEST:
            return []
        points = {
            row: np.array([[r[name] for name in self.pair] for r in known if r["row"] == row])
            for row in dict.fromkeys(r["row"] for r in known)
        }
        asked, other = (SCORES[name].title for name in self.pair)
        return [Picture(both(partial(agreement, points, asked, other)), f"{asked} against {other}", "A point is a model.")]

    def best(self, records: Sequence[Mapping[str, Any]], done: Mapping[tuple[str, int], Performed]) -> Sequence[Picture]:
        """The portrait of the best model so far."""
        known = [record for record in records if record.get(self.pair[1]) is not None and record["row"] != "agreement"]
        if self.portrait is None or not known:
            return []
        first = max(known, key=lambda record: record[self.pair[1]])
        model = weights.load(done[first["row"], first["seed"]].folder)
        return self.portrait(f"{first['row']}, seed {first['seed']}", model)

    def tables(self, records: Sequence[Mapping[str, Any]]) -> list[Table]:
        """The scores of each row, and how the scores agree; of several seeds the mean with the lowest and the highest."""
        models = [record for record in records if record["row"] != "agreement"]
        shown = {n: c for n, c in {**SCORES, **TRAINING}.items() if n == "training" or any(n in r for r in models)}
        groups = {row: [r for r in models if r["row"] == row] for row in self.rows}
        rows = {row: {name: cell(found, name) for name in shown} for row, found in groups.items() if found}
        notes = (f"{self.exam.count:,} pictures. {MEASURED}", MORE, *self.notes)
        scores = Table(self.title, shown, rows, self.paper, notes, first="model")
        found = [self.agreed(record) for record in records if record.get("spearman") is not None]
        return [scores, orders(self.title, models, (*found, ORDERED))] if len(models) >= FEWEST else [scores]

    def agreed(self, record: Mapping[str, Any]) -> str:
        """The answer, in words."""
        asked, other = (SCORES[name].title for name in self.pair)
        low, high = record["spearman_low"], record["spearman_high"]
        return (
            f"{asked} against {other}, over {record['models']} models: {record['spearman']:.2f}, 95 % bootstrap interval "
            f"over models {low:.2f} to {high:.2f}."
        )


def correlated(records: Sequence[Mapping[str, Any]], asked: str, other: str) -> dict[str, Any]:
    """`spearman` of two scores over the models that have both, with the bounds of its 95 % bootstrap interval over models;
    None where one of them is the same for all."""
    pairs = np.array([[r[asked], r[other]] for r in records if None not in (r.get(asked), r.get(other))])
    if len(pairs) < FEWEST:
        return {"spearman": None}
    rng = np.random.default_rng(0)
    drawn = [spearman(*pairs[rng.integers(len(pairs), size=len(pairs))].T) for _ in range(RESAMPLES)]
    low, high = np.nanquantile(drawn, [0.025, 0.975]) if np.isfinite(drawn).any() else (np.nan, np.nan)
    told = {"spearman": spearman(*pairs.T), "spearman_low": float(low), "spearman_high": float(high)}
    return {name: None if np.isnan(value) else value for name, value in told.items()}


def spearman(first: np.ndarray, second: np.ndarray) -> float:
    """Spearman's rank correlation, NaN where one side is all alike."""
    from scipy.stats import rankdata

    ranks = np.array([rankdata(side) for side in (first, second)])
    return float(np.corrcoef(ranks)[0, 1]) if np.ptp(ranks, axis=1).all() else float("nan")


def orders(title: str, models: Sequence[Mapping[str, Any]], notes: tuple[str, ...]) -> Table:
    """How every two scores agree on the order of models."""
    names = [name for name in SCORES if any(model.get(name) is not None for model in models)]
    columns = {name: Column(SCORES[name].title, "number", digits=2) for name in names}
    rows: dict[str, dict[str, Any]] = {SCORES[name].title: {} for name in names}
    for name, other in product(names, names):
        pairs = np.array([[m[name], m[other]] for m in models if None not in (m.get(name), m.get(other))])
        rows[SCORES[name].title][other] = spearman(*pairs.T) if len(pairs) >= FEWEST else None
    return Table(f"{title}: order of {len(models)} models", columns, rows, notes=notes, first="score")
