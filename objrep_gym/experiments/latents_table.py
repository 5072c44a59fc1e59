"""LatentsTable: which latent of a model carries which factor of the one thing in a picture, computed, not guessed."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from textwrap import fill
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from objrep_gym import weights
from objrep_gym.data import at_size, open_source
from objrep_gym.experiments.dissection import plain
from objrep_gym.experiments.judge import Exam
from objrep_gym.experiments.kinds import Performed, Run
from objrep_gym.experiments.one_object import COLUMNS, FURTHER, Seen, gather
from objrep_gym.experiments.trained import Effort, in_words, progress, scaled, train_all
from objrep_gym.figures.importance import importance
from objrep_gym.figures.page import Picture, Section
from objrep_gym.figures.style import both
from objrep_gym.figures.tables import Cell, Column, Table
from objrep_gym.metrics.factor_vae import active, factor_vae, variances
from objrep_gym.metrics.mig import mig, mutual_information
from objrep_gym.metrics.perturbation import perturbation
from objrep_gym.processes import own_device

GRID = Exam("ellipses", count=16 * 16 * 6 * 40, batch=256, precision="bf16")
CARRIES, HINTS = 0.1, 0.03  # shares from which a latent is named, and named in brackets
SHARES = {"information": Column("by information", "text"), "variance": Column("by variance", "text")}
SCORES = {name: {**COLUMNS, **FURTHER}[name] for name in ("factor_vae", "mig", "perturbation", "in_use")}
TRAINING = {"training": Column("training", "text")}
NOTES = (
    "By information: the share of the factor's entropy that the latent tells, in 20 bins. By variance: the variance of the "
    "latent while this factor changes and all others are fixed, over that in the data, of latents in use. Named from "
    f"{CARRIES:.0%} on, in brackets from {HINTS:.0%} on; latents are numbered from 1, as in the document.",
)
MEASURED = (
    "FactorVAE score and MIG as in Locatello et al. 2019. Perturbed: does a factor, changed by itself, change one latent "
    "(Swain & Mahajan 2022, §3.1). In use: latents whose deviation is .05 or more."
)
WIDE = 20  # letters that a map's title has room for
MAPPED = "The darker, the more: columns are factors, rows latents, numbered from 1."


@dataclass(frozen=True)
class LatentsTable:
    """Models by row, what their latents carry, and how well they do."""

    title: str
    rows: Mapping[str, Run]
    """Models by the name that they have in the table."""
    paper: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    """The document's latents, by the row's name and the factor."""
    exam: Exam = GRID
    """Pictures of one thing each, whose factors are known."""
    notes: tuple[str, ...] = ()
    """What has to be known to read the table."""

    def scaled(self, scale: float) -> "LatentsTable":
        """The same with a fraction of the steps, the batch and the pictures; below a hundredth, at toy width."""
        exam = replace(self.exam, count=max(100, round(self.exam.count * scale)))
        exam = replace(exam, data=at_size(exam.data, 32)) if scale < 0.01 else exam
        return replace(self, rows={name: scaled(run, scale) for name, run in self.rows.items()}, exam=exam)

    def perform(self, folder: Path, effort: Effort) -> tuple[list[dict[str, Any]], list[Section]]:
        """Trains what is not trained yet, as far as `effort` goes: a record for each model and each of its factors, and the
        page."""
        done = dict(zip(self.rows, train_all(list(self.rows.values()), effort), strict=True))
        begun = {name: found for name, found in done.items() if found.step > 0}
        records = list(self.records(begun)) if begun else []
        return records, [Section(self.title, [*self.pictures(records), *self.tables(records)])]

    def records(self, begun: Mapping[str, Performed]) -> Iterator[dict[str, Any]]:
        """Of each model its scores; then, factor by factor, what each latent tells of it."""
        models = {name: weights.load(found.folder, own_device()) for name, found in begun.items()}
        source = open_source(self.exam.data, self.exam.seed, self.exam.split)
        try:
            seen = gather(models, source, self.exam)
        finally:
            source.close()
        for name, found in begun.items():
            scores, *factors = carried(seen, name, self.exam.seed)
            yield {"row": name, **progress(self.rows[name], found), **scores}
            yield from ({"row": name, **factor} for factor in factors)

    def tables(self, records: Sequence[Mapping[str, Any]]) -> list[Table]:
        """A table of factors for each model, beside the document's where there is one, and the scores of all."""
        models = [record for record in records if "factor" not in record]
        notes = (*NOTES, *self.notes)
        factors = [self.factors(model["row"], records, notes) for model in models]
        rows = {model["row"]: scores(model) for model in models}
        told = (f"{self.exam.count:,} images. {MEASURED}", *(() if factors else self.notes))
        return [*factors, Table(f"{self.title}: scores", SCORES | TRAINING, rows, notes=told, first="model")]

    def factors(self, name: str, records: Sequence[Mapping[str, Any]], notes: tuple[str, ...]) -> Table:
        """Which latents carry which factor, of one model."""
        mine = {record["factor"]: record for record in records if record["row"] == name and "factor" in record}
        rows = {factor: {way: named(record[way]) for way in SHARES} for factor, record in mine.items()}
        paper = {factor: {"information": latents} for factor, latents in self.paper.get(name, {}).items()}
        return Table(f"{self.title}: {name}", SHARES, rows, paper, notes, first="factor")

    def pictures(self, records: Sequence[Mapping[str, Any]]) -> list[Picture]:
        """Both shares of every model as maps."""
        if not records:
            return []
        return [Picture(both(partial(maps, records)), f"What latents carry: {self.title}", MAPPED)]


def carried(seen: Seen, name: str, seed: int) -> Iterator[dict[str, Any]]:
    """The scores of one model by their names; then for each factor that varies `information` and `variance`, a share for
    each latent. Raises ValueError as `metrics.classes.check` does."""
    codes, factors = seen.codes[name], seen.factors
    parts = perturbation(codes, factors, seed, seen.anew.get(name))
    told, entropy = mutual_information(codes, factors)
    yield {
        "factor_vae": plain(factor_vae(codes, factors, seed)),
        "mig": plain(mig(codes, factors)),
        "perturbation": plain(parts.score),
        "in_use": int(active(variances(codes)).sum()),
    }
    for column in np.flatnonzero(entropy):
        shares = {"information": told[:, column] / entropy[column], "variance": parts.changed[column]}
        yield {"factor": seen.names[column], **{way: plain(share) for way, share in shares.items()}}


def named(shares: Sequence[float] | None) -> str:
    """`z7 62 %, z10 31 %, (z3 5 %)`: latents by what they carry, counted from 1."""
    if shares is None:
        return ""
    order = [latent for latent in np.argsort(shares)[::-1] if shares[latent] >= HINTS]
    told = [f"z{latent + 1} {shares[latent]:.0%}" for latent in order]
    return ", ".join(text if shares[latent] >= CARRIES else f"({text})" for latent, text in zip(order, told, strict=True))


def scores(record: Mapping[str, Any]) -> dict[str, Cell]:
    """A row of the table of scores."""
    return {name: record[name] for name in SCORES} | {"training": in_words(record)}


def maps(records: Sequence[Mapping[str, Any]]) -> Figure:
    """Latents by factors, of every model and either way."""
    factors = list(dict.fromkeys(record["factor"] for record in records if "factor" in record))
    tables = {}
    for name in dict.fromkeys(record["row"] for record in records):
        mine = [record for record in records if record["row"] == name and "factor" in record]
        size = next(len(record["information"]) for record in mine)
        for way in SHARES:
            columns = [record[way] or [np.nan] * size for record in mine]
            tables[f"{fill(name, WIDE)}\n{way}"] = np.clip(np.array(columns, float).T, 0, 1)
    return importance(tables, factors, first=1)
