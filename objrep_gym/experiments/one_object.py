"""What the one slot of a model tells of the one thing in a picture: the suite of Locatello et al. 2019, of dSprites and its
like. Every picture is encoded once, and all metrics read the codes; models of one config are ranked without labels too."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from objrep_gym import weights
from objrep_gym.configs import to_json
from objrep_gym.data import at_size, open_source
from objrep_gym.data.batches import Packed, Source, to_scenes
from objrep_gym.experiments.dissection import UDR, by_udr, encoding, plain, untrained
from objrep_gym.experiments.judge import Exam, described
from objrep_gym.figures.tables import Column, Table
from objrep_gym.metrics.factor_vae import THINGS, active, variances
from objrep_gym.metrics.suite import METRICS, suite
from objrep_gym.metrics.udr import SIMILARITIES, udr
from objrep_gym.models.base import SlotModule
from objrep_gym.processes import own_device
from objrep_gym.scenes.bits import Bits
from objrep_gym.scenes.view import View
from objrep_gym.scenes.world import About
from objrep_gym.training import layout
from objrep_gym.wrappers.encoder import fitted

COLUMNS = {
    "beta_vae": Column("BetaVAE", "rate", "high"),
    "factor_vae": Column("FactorVAE", "rate", "high"),
    "mig": Column("MIG", "rate", "high"),
    "sap": Column("SAP", "rate", "high"),
    "disentanglement": Column("D", "rate", "high"),
    "completeness": Column("C", "rate", "high"),
    "informativeness": Column("I", "rate", "high"),
}
FURTHER = {
    "modularity": Column("modular", "rate", "high"),
    "explicitness": Column("explicit", "rate", "high"),
    "perturbation": Column("perturbed", "rate", "high"),
    "complement": Column("held", "rate", "high"),
    "in_use": Column("in use"),
}
MEASURED = "As in Locatello et al. 2019; D, C and I are DCI's disentanglement, completeness and informativeness."
MORE = (
    "Modularity and explicitness (Ridgeway & Mozer 2018). Perturbed: does a factor, changed by itself, change one "
    "latent; held: does a factor that is held hold one (Swain & Mahajan 2022, §3.1). In use: latents that deviate by .05."
)
RANKED = "UDR (Duan et al. 2020): agreement with the other models of the same config, without labels; rows in its order."
DRAWN = 20_000  # scenes of a world that has no end
BATCH = 256  # pictures encoded at once: a model of one slot is small
RANKED_BY = 10_000  # things that models are compared on without labels
ANCHORS = 32  # things that are drawn anew, each factor changed by itself, where the data are no grid
LEAST = 0.1  # share of the importance for a factor, from which on a latent is named
Codes = dict[str, Float[np.ndarray, "N D"]]


@dataclass(frozen=True)
class Seen:
    """Codes of N things by the name of a model, and what is true of them; where single factors had to be changed anew, the
    codes of those too, (A, F, P, D)."""

    codes: Codes
    factors: Float[np.ndarray, "N F"]
    names: tuple[str, ...]
    anew: Mapping[str, Float[np.ndarray, "A F P D"]]


def one_thing(about: About) -> bool:
    """Whether pictures have one thing at most."""
    return len(about.entities) - about.background == 1


def usual(refs: Sequence[str], data: str, split: str) -> tuple[int, int] | None:
    """How many scenes and how many at a time, where all of `refs` have one slot and pictures one thing: all scenes that
    there are, or DRAWN. None where they are not for the suite. Raises WeightsError, and ValueError on unknown data."""
    source = open_source(data, split=split)
    try:
        suited = one_thing(source.about) and all(weights.load(ref).slots == 1 for ref in refs)
        return (source.examples or DRAWN, BATCH) if suited else None
    finally:
        source.close()


def evaluate(refs: Sequence[str], exam: Exam, watch: Callable[[int], None] | None = None) -> list[dict[str, Any]]:
    """A record of every model on the same pictures, the most agreed with first; of one alone, and of the same model
    untrained. `watch` is told how many scenes are done. Raises WeightsError; ValueError on models of several slots, and on
    data of several things."""
    models = {ref: weights.load(ref, own_device()) for ref in refs}
    if len(models) == 1:
        models |= {name: model for ref in refs for name, model in untrained(ref, models[ref], exam.seed).items()}
    source = open_source(exam.data, exam.seed, exam.split)
    try:
        seen = gather(models, source, exam, watch)
    finally:
        source.close()
    agreed = agreements(models, seen.codes) if len(refs) > 1 else {}
    about = {"count": len(seen.factors), **described(exam)}
    records = [{"model": name, **about, **agreed.get(name, {}), **told(seen, name, exam.seed)} for name in seen.codes]
    return sorted(records, key=lambda record: -(record.get("udr_lasso") or 0.0))


def gather(
    models: Mapping[str, SlotModule], source: Source, exam: Exam, watch: Callable[[int], None] | None = None
) -> Seen:
    """Codes of the first `exam.count` scenes by every model, each picture drawn once for all models of a size, and at that
    size where the data have it. Scenes without the thing are left out."""
    check(models, source, exam)
    found: list[Seen] = []
    for data, some in by_size(models, source, exam.data).items():
        own = source if data == exam.data else open_source(data, exam.seed, exam.split)
        try:
            found.append(gathered(some, own, exam, watch))
        finally:
            if own is not source:
                own.close()
    codes = {name: each for seen in found for name, each in seen.codes.items()}
    anew = {name: each for seen in found for name, each in seen.anew.items()}
    return Seen({name: codes[name] for name in models}, found[0].factors, found[0].names, anew)


def by_size(models: Mapping[str, SlotModule], source: Source, data: str) -> dict[str, dict[str, SlotModule]]:
    """Models by the data that are of their size, or `data` themselves, which then are brought to it: as published they have
    one size."""
    found: dict[str, dict[str, SlotModule]] = {}
    for name, model in models.items():
        height, width = model.size[1:]
        fits = (height, width) == tuple(source.size) or height != width or "folder=" in data
        found.setdefault(data if fits else at_size(data, height), {})[name] = model
    return found


def gathered(models: Mapping[str, SlotModule], source: Source, exam: Exam, watch: Callable[[int], None] | None) -> Seen:
    """The same of one source."""
    count, background = min(exam.count, source.examples or exam.count), source.about.background
    parts: dict[str, list[np.ndarray]] = {name: [] for name in models}
    scenes: list[np.ndarray] = []
    for start in range(0, count, exam.batch):
        numbers = np.arange(start, min(start + exam.batch, count))
        view = source.bits(numbers) if isinstance(source, Packed) else source.read(numbers, ("image",))
        factors = looked_at(models, view, exam, parts)
        scenes.append(factors)
        if watch is not None:
            watch(int(numbers[-1]) + 1)
    whole = np.concatenate(scenes)
    there = ~np.isnan(whole[:, background]).all(1)
    codes = {name: np.concatenate(found)[there] for name, found in parts.items()}
    factors = whole[there, background].astype(np.float64)
    anew = {} if count == source.examples else changed_anew(models, source, whole[there], exam)
    return Seen(codes, factors, source.about.factors, anew)


def check(models: Mapping[str, SlotModule], source: Source, exam: Exam) -> None:
    """Raises ValueError on what the suite does not judge."""
    if not one_thing(source.about):
        raise ValueError(f"{exam.data} has several things: --disentanglement asks what the slots of models tell")
    several = [f"{name} has {model.slots} slots" for name, model in models.items() if model.slots > 1]
    if several:
        raise ValueError(f"{several[0]}: of one thing in a picture a model of one slot is asked, such as vae")
    if min(exam.count, exam.batch) < 1:
        raise ValueError(f"{exam.count} scenes, {exam.batch} at a time, cannot be judged: ask for 1 or more")


def looked_at(
    models: Mapping[str, SlotModule], view: View | Bits, exam: Exam, parts: Mapping[str, list[np.ndarray]]
) -> np.ndarray:
    """Adds the codes of a batch to those of each model; the factors (B, E, F) of its scenes."""
    image = to_scenes(view, torch.device("cpu"), ()).image
    for name, model in models.items():
        parts[name].append(encoded(model, image, exam))
    return view.factors


@torch.no_grad()
def encoded(model: SlotModule, image: Float[Tensor, "B C H W"], exam: Exam) -> Float[np.ndarray, "B D"]:
    """Latents of a batch, float32."""
    with encoding(model, exam):
        fit = fitted(image, model.size).to(model.device).contiguous(memory_format=layout(model))
        return model.encode(fit).latents[:, 0].float().cpu().numpy()


def changed_anew(
    models: Mapping[str, SlotModule], source: Source, scenes: np.ndarray, exam: Exam
) -> dict[str, Float[np.ndarray, "A F P D"]]:
    """Codes of some of the scenes (N, E, F), of whose thing each factor is changed by itself to what it is in others; {} of
    data that are not drawn."""
    world: Any = getattr(source, "world", None)
    known = scenes[~np.isnan(scenes[:, source.about.background]).any(1)]
    if world is None or len(known) < 2:
        return {}
    rng, background = np.random.default_rng(exam.seed), source.about.background
    anchors = known[rng.permutation(len(known))[:ANCHORS]]
    changed = anchors[:, None, None].repeat(scenes.shape[2], 1).repeat(THINGS, 2)
    for column in range(scenes.shape[2]):
        others = rng.integers(len(known), size=(len(anchors), THINGS))
        changed[:, column, :, background, column] = known[others, background, column]
    flat = changed.reshape(-1, *scenes.shape[1:])
    parts: dict[str, list[np.ndarray]] = {name: [] for name in models}
    for start in range(0, len(flat), exam.batch):
        looked_at(models, world.render(flat[start : start + exam.batch]), exam, parts)
    return {name: np.concatenate(found).reshape(*changed.shape[:3], -1) for name, found in parts.items()}


def told(seen: Seen, name: str, seed: int, metrics: Sequence[str] = METRICS) -> dict[str, Any]:
    """The scores of one model by `metrics`; `in_use`, how many latents vary by .05 or more; and for each factor that there
    is, MIG (`mig_shape`) and, where DCI is asked for, accuracy and `importance`, how much each latent is used to predict
    it. None where there is no such number."""
    codes = seen.codes[name]
    found = suite(codes, seen.factors, seed, seen.anew.get(name), metrics)
    record: dict[str, Any] = {metric: plain(score) for metric, score in found.scores.items()}
    record |= {"in_use": int(active(variances(codes)).sum())}
    record |= {f"mig_{factor}": plain(gap) for factor, gap in zip(seen.names, found.gaps, strict=True)}
    if found.trees is None:
        return record
    right, shares = found.trees.accuracy, found.trees.importance.T
    record |= {f"accuracy_{factor}": plain(value) for factor, value in zip(seen.names, right, strict=True)}
    return record | {"importance": {factor: plain(part) for factor, part in zip(seen.names, shares, strict=True)}}


def agreements(models: Mapping[str, SlotModule], codes: Codes) -> dict[str, dict[str, float]]:
    """UDR of every model of whose config there are several, by the lasso and by Spearman's correlation, on things that all
    have seen; no factor is looked at."""
    found: dict[str, dict[str, float]] = {}
    for group in alike(models):
        scores = {kind: udr([codes[name][:RANKED_BY] for name in group], kind) for kind in SIMILARITIES}
        found |= by_udr(group, scores)
    return found


def alike(models: Mapping[str, SlotModule]) -> list[list[str]]:
    """Names of models that differ in nothing but their weights, two or more together."""
    groups: dict[str, list[str]] = {}
    for name, model in models.items():
        groups.setdefault(str(to_json(model.config)), []).append(name)
    return [group for group in groups.values() if len(group) > 1]


def as_tables(records: Sequence[Mapping[str, Any]]) -> list[Table]:
    """The records of `evaluate`, for people: the scores, and of one model alone which latent tells which factor."""
    first = records[0]
    data = " ".join(str(first[name]) for name in ("data", "variant", "look", "split") if first[name])
    title, ranked = f"{data}, {first['count']:,} images", any("udr_lasso" in record for record in records)
    parts = (
        (title, {**COLUMNS, **(UDR if ranked else {})}, (MEASURED, *([RANKED] if ranked else []))),
        (f"{title}, further scores", FURTHER, (MORE,)),
    )
    tables = [
        Table(head, shown, {r["model"]: {name: r.get(name) for name in shown} for r in records}, notes=notes, first="model")
        for head, shown, notes in parts
    ]
    return tables if ranked else [*tables, by_factor(first)]


def by_factor(record: Mapping[str, Any]) -> Table:
    """Of one model, factor by factor."""
    columns = {
        "mig": Column("MIG", "rate"),
        "accuracy": Column("accuracy", "rate"),
        "by": Column("told by", "text"),
    }
    rows = {
        factor: {"mig": record[f"mig_{factor}"], "accuracy": record[f"accuracy_{factor}"], "by": ", ".join(named(shares))}
        for factor, shares in record["importance"].items()
        if shares is not None
    }
    note = f"Latents that boosted trees use for {LEAST:.0%} of a prediction or more, numbered from 1."
    return Table(f"{record['model']}, factor by factor", columns, rows, notes=(note,), first="factor")


def named(shares: Sequence[float]) -> Iterator[str]:
    """The latents that tell a factor, the first one first, with their shares."""
    for latent in np.argsort(shares)[::-1]:
        if shares[latent] >= LEAST:
            yield f"z{latent + 1} {shares[latent]:.0%}"
