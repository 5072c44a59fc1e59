"""PartPerturbation: the perturbation score by parts of pictures. A part is what lies inside a mask: a true one, or one that
an object model of ours found."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from jaxtyping import Bool, Float

from objrep_gym import weights
from objrep_gym.data import at_size, open_source
from objrep_gym.data.batches import Source
from objrep_gym.experiments.disentanglement_table import TRAINING, cell
from objrep_gym.experiments.dissection import parted_by, plain
from objrep_gym.experiments.judge import Exam
from objrep_gym.experiments.kinds import Performed, Run
from objrep_gym.experiments.metric_agreement import correlated
from objrep_gym.experiments.one_object import encoded
from objrep_gym.experiments.trained import Effort, scaled, train_all
from objrep_gym.figures.page import Section
from objrep_gym.figures.tables import Column, Table
from objrep_gym.metrics.classes import mean_of_known
from objrep_gym.metrics.factor_vae import variances
from objrep_gym.metrics.matching import LEAST
from objrep_gym.metrics.perturbation import lag, lead, sensitivity, shifted
from objrep_gym.models.base import SlotModule
from objrep_gym.types import to_image

COLUMNS = {
    "perturbed_true": Column("perturbed, true masks", "rate", "high"),
    "perturbed_own": Column("by MONet", "rate", "high"),
    "held_true": Column("held, true masks", "rate", "high"),
    "held_own": Column("by MONet", "rate", "high"),
}
MEASURED = (
    "Each part's colours are moved in some ways. Perturbed: (top − second) / top of how much latents vary, over their "
    "variance in all pictures; held: (second − least) / second where all but the part moves. Means over parts of a 256th "
    "of the pixels or more. Beside true masks those of {masks}."
)
Part = Bool[np.ndarray, "B K H W"]


@dataclass(frozen=True)
class PartPerturbation:
    """Which models are asked, on which pictures, and whose masks stand beside the true ones."""

    title: str
    rows: Mapping[str, Run]
    """Models of one slot by the name of their row."""
    exam: Exam
    """Pictures with masks; `count` of them say how much a latent varies."""
    masks: str = "monet-lite@objects-room"
    """A model with masks."""
    pictures: int = 32
    """Pictures whose parts are changed."""
    changes: int = 16
    """Ways in which each part is changed."""
    seeds: int = 1
    """Models of each row."""
    notes: tuple[str, ...] = ()
    """What has to be known to read the table."""

    def scaled(self, scale: float) -> "PartPerturbation":
        """The same with a fraction of the steps, the batch and the pictures; below a hundredth, at toy width."""
        rows = {name: scaled(run, scale) for name, run in self.rows.items()}
        exam = replace(self.exam, count=max(8, round(self.exam.count * scale)))
        if scale < 0.01:
            exam = replace(exam, data=at_size(exam.data, 32))
        return replace(self, rows=rows, exam=exam, pictures=max(2, round(self.pictures * scale)))

    def perform(self, folder: Path, effort: Effort) -> tuple[list[dict[str, Any]], list[Section]]:
        """Trains what is not trained yet, as far as `effort` goes: a record of every model, one of how the two kinds of
        masks agree, and the page."""
        runs = {(n, seed): replace(run, seed=seed) for seed in range(self.seeds) for n, run in self.rows.items()}
        done = dict(zip(runs, train_all(list(runs.values()), effort), strict=True))
        records = self.examined({place: found for place, found in done.items() if found.step > 0})
        if records:
            agreed = correlated(records, "perturbed_true", "perturbed_own")
            records.append({"row": "agreement", "models": len(records), **agreed})
        return records, [Section(self.title, self.tables(records))]

    def examined(self, done: Mapping[tuple[str, int], Performed]) -> list[dict[str, Any]]:
        """A record for each model, all on the same pictures with the same changes."""
        if not done:
            return []
        source = open_source(self.exam.data, self.exam.seed, self.exam.split)
        try:
            image = self.image(source)
            parts = self.parts(image[: self.pictures], source)
        finally:
            source.close()
        records = []
        for (row, seed), found in done.items():
            told = self.scores(weights.load(found.folder), image, parts)
            records.append({"row": row, "seed": seed, "step": found.step, "steps": found.steps, **told})
        return records

    def image(self, source: Source) -> Float[torch.Tensor, "B C H W"]:
        """The pictures that say how much a latent varies."""
        images = []
        for start in range(0, self.exam.count, self.exam.batch):
            numbers = np.arange(start, min(start + self.exam.batch, self.exam.count))
            images.append(source.read(numbers, ("image",)).image)
        return to_image(torch.from_numpy(np.concatenate(images)))

    def scores(
        self, model: SlotModule, image: Float[torch.Tensor, "N C H W"], parts: Mapping[str, Part]
    ) -> dict[str, float | None]:
        """The score and its complement of one model, by true masks and by found ones. Raises ValueError on a model of
        several slots: nobody knows which of them a part belongs to."""
        if model.slots > 1:
            raise ValueError(f"{type(model).__name__} has {model.slots} slots: of whole pictures a model of one is asked")
        exam, shown = self.exam, image[: self.pictures]
        spread = variances(np.concatenate([encoded(model, part, exam) for part in image.split(exam.batch)]))
        told: dict[str, float | None] = {}
        for name, masks in parts.items():
            asked = Asked(shown.numpy(), masks, lambda pictures: encoded(model, torch.from_numpy(pictures), exam))
            perturbed, held = asked.scores(spread, self.changes, exam.seed)
            told |= {f"perturbed_{name}": plain(perturbed), f"held_{name}": plain(held)}
        return told

    def parts(self, image: Float[torch.Tensor, "B C H W"], source: Source) -> dict[str, Part]:
        """True masks, and those that the model with masks finds."""
        true = source.read(np.arange(len(image)), ("image", "mask")).mask
        if true is None:
            raise ValueError(f"{self.exam.data} has no masks: a part is what lies inside one")
        _, own = parted_by(weights.load(self.masks), image, self.exam)
        return {"true": one_hot(true.astype(np.int64)), "own": one_hot(own)}

    def tables(self, records: Sequence[Mapping[str, Any]]) -> list[Table]:
        """The models beside each other."""
        groups = {row: [record for record in records if record["row"] == row] for row in self.rows}
        shown = {**COLUMNS, **TRAINING}
        rows = {row: {name: cell(found, name) for name in shown} for row, found in groups.items() if found}
        agreed = [
            f"Perturbed by true masks against MONet's, over {r['models']} models: Spearman's {r['spearman']:.2f}."
            for r in records
            if r.get("spearman") is not None
        ]
        notes = (MEASURED.format(masks=self.masks), *agreed, *self.notes)
        return [Table(self.title, shown, rows, notes=notes, first="model")]


@dataclass(frozen=True)
class Asked:
    """Pictures (B, C, H, W), their parts, and what encodes pictures."""

    image: Float[np.ndarray, "B C H W"]
    parts: Part
    encode: Callable[[np.ndarray], np.ndarray]

    def scores(self, spread: Float[np.ndarray, "D"], changes: int, seed: int) -> tuple[float, float]:
        """Means over the parts that are large enough: while they change, and while all else does."""
        seen = self.parts.mean((2, 3)) >= LEAST
        changed = lead(self.sensitivities(self.parts, spread, changes, seed))
        holding = lag(self.sensitivities(~self.parts, spread, changes, seed, unused=1.0))
        return mean_of_known(changed[seen]), mean_of_known(holding[seen])

    def sensitivities(
        self, parts: Part, spread: Float[np.ndarray, "D"], changes: int, seed: int, unused: float = 0.0
    ) -> Float[np.ndarray, "B K D"]:
        """How much each latent varies while each part changes, picture by picture."""
        rng, found = np.random.default_rng(seed), []
        for image, masks in zip(self.image, parts, strict=True):
            pictures = shifted(image[None], masks[None].astype(np.float32), changes, rng)[0]
            codes = self.encode(pictures.reshape(-1, *image.shape)).reshape(*pictures.shape[:2], -1)
            found.append(sensitivity(codes, spread, unused))
        return np.stack(found)


def one_hot(ids: np.ndarray) -> Part:
    """Masks (B, K, H, W) of ids (B, H, W) from 0 on."""
    return ids[:, None] == np.arange(int(ids.max()) + 1)[:, None, None]
