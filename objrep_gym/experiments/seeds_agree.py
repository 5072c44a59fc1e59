"""Do models that differ in their seeds find the same latents? UDR of scene models, without any label."""

from collections.abc import Sequence
from itertools import combinations
from typing import Any

import numpy as np
import torch
from jaxtyping import Float

from objrep_gym import weights
from objrep_gym.data import open_source
from objrep_gym.data.batches import Source
from objrep_gym.experiments.dissection import by_udr, looked_at, parted_by
from objrep_gym.experiments.judge import Exam
from objrep_gym.experiments.one_object import alike
from objrep_gym.metrics.matching import match
from objrep_gym.metrics.udr import SIMILARITIES, Similarity, agreement, informative, medians
from objrep_gym.models.base import SlotModule

SAME = 0.5  # intersection over union from which on segments of two models are of one thing
Pair = tuple[np.ndarray, np.ndarray]


def agreements(models: Sequence[SlotModule], source: Source, exam: Exam) -> dict[str, Float[np.ndarray, "S"]]:
    """UDR of S models, by the lasso and by Spearman's correlation (`metrics.udr`), on the first scenes of `source`. Slots
    of two models are codes of the same thing where their segments overlap by half or more, backgrounds among them."""
    pairs = list(combinations(range(len(models)), 2))
    met: dict[tuple[int, int], list[Pair]] = {pair: [] for pair in pairs}
    for image, _, _ in looked_at(source, exam, None):
        seen = [parted_by(model, image, exam) for model in models]
        for i, j in pairs:
            found = match(seen[i][1], seen[j][1], background=0)
            same = found.overlap >= SAME
            rows = found.image[same], found.segment[same], found.thing[same]
            met[i, j].append((picked(seen[i][0], *rows[:2]), picked(seen[j][0], rows[0], rows[2])))
    codes = {pair: [np.concatenate(side) for side in zip(*parts, strict=True)] for pair, parts in met.items()}
    return {name: scored(codes, name, len(models)) for name in SIMILARITIES}


def compared(records: Sequence[dict[str, Any]], refs: Sequence[str], exam: Exam) -> list[dict[str, Any]]:
    """The records of `dissection.evaluate` with the UDR (`udr_lasso`, `udr_spearman`) of models of whose config there are
    several, by their own masks."""
    models = {ref: weights.load(ref) for ref in refs} if len(refs) > 1 else {}
    found: dict[str, dict[str, Any]] = {}
    for group in alike(models):
        source = open_source(exam.data, exam.seed, exam.split)
        try:
            scores = agreements([models[ref] for ref in group], source, exam)
        finally:
            source.close()
        found |= by_udr(group, scores)
    return [{**record, **(found.get(record["model"], {}) if record["masks"] == "own" else {})} for record in records]


def picked(latents: torch.Tensor, images: np.ndarray, slots: np.ndarray) -> np.ndarray:
    """Latents (M, D) of some slots of a batch."""
    return latents.float().cpu().numpy()[images, slots]


def scored(codes: dict[tuple[int, int], list[np.ndarray]], similarity: Similarity, count: int) -> Float[np.ndarray, "S"]:
    """Each model's median agreement with the others; NaN where two have too little in common to be compared."""
    pairs = np.full((count, count), np.nan)
    for (i, j), (first, second) in codes.items():
        if len(first) > 1:
            kept = first[:, informative(first)], second[:, informative(second)]
            pairs[i, j] = pairs[j, i] = agreement(*kept, similarity=similarity)
    return medians(pairs)
