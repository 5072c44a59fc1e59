"""What is drawn and measured of a ParallelVAE on scenes that it never saw: who is confident where, and who says how much.

Kinds are the values of one factor of the data, `class` of digits and `shape` of things; member k is the one that the
schedule gave kind k to.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from jaxtyping import Float
from matplotlib.figure import Figure
from torch import Tensor

from objrep_gym.data import open_source
from objrep_gym.figures.grid import sheet
from objrep_gym.metrics.kinds import fields, presence_auc, purity, takers
from objrep_gym.metrics.segmentation import ari, mean_over_images, segments
from objrep_gym.models.base import SlotModule
from objrep_gym.scenes.view import View
from objrep_gym.types import recolour, to_image, to_uint8

CHUNK = 100  # scenes judged at once
SEARCHED = 200  # scenes among which those that are shown are found
FACTORS = ("class", "shape")  # which of them a data set has says what its kinds are


@dataclass(frozen=True)
class Seen:
    """N scenes as a model sees them: KL (N, K), masks' sums and all else that numbers are made of."""

    nats: np.ndarray
    """Nats of every member (N, K)."""
    kinds: np.ndarray
    """Kinds of entities (N, E), NaN for those that are not there or not of a kind."""
    taken: np.ndarray
    """Which member takes each entity (N, E), −1 where it is not seen."""
    ari: np.ndarray
    """Of masks against fields (N,), NaN where fewer than two kinds are seen."""
    mse: np.ndarray
    """Squared error of the whole picture (N,), a pixel and channel."""
    errors: np.ndarray
    """Sums of squared errors over the pixels of each kind, and numbers of these: (kinds, 2)."""


def read(data: str, numbers: np.ndarray, channels: int) -> tuple[Float[Tensor, "N C H W"], View, np.ndarray]:
    """Test scenes by number: images for a model of so many channels, what was seen, and the kinds of entities (N, E)."""
    source = open_source(data, split="test")
    try:
        view = source.read(numbers, ("image", "mask"))
        column = next(i for i, name in enumerate(source.about.factors) if name in FACTORS)
    finally:
        source.close()
    return (
        recolour(to_image(torch.from_numpy(np.ascontiguousarray(view.image))), channels),
        view,
        view.factors[:, :, column],
    )


@torch.no_grad()
def look(model: SlotModule, data: str, count: int, tell: Callable[[int], None] = lambda done: None) -> Seen:
    """The first `count` test scenes of `data` as `model` sees them; `tell` hears how many are done."""
    parts = []
    for start in range(0, count, CHUNK):
        image, view, kinds = read(data, np.arange(start, min(start + CHUNK, count)), model.size[0])
        slots = model.encode(image.to(model.device))
        decoded = model.decode(slots.latents)
        masks = model.scored_masks(slots, decoded)
        assert masks is not None
        assert view.mask is not None
        field, soft = fields(view.mask, kinds), masks.float().cpu().numpy()
        several = np.array([len(np.unique(one[one > 0])) > 1 for one in field])
        score = np.where(several, ari(segments(soft), field, 1), np.nan)
        squares = (decoded.image.cpu() - image).square().mean(1).numpy()
        sums = np.stack([np.bincount(field.ravel(), weights, minlength=11) for weights in (squares.ravel(), None)], 1)
        taken = takers(soft, view.mask, kinds.shape[1])
        parts.append(Seen(slots.nats.cpu().numpy(), kinds, taken, score, squares.mean((1, 2)), sums[1:]))
        tell(start + len(image))
    joined = {
        name: np.concatenate([getattr(one, name) for one in parts]) for name in ("nats", "kinds", "taken", "ari", "mse")
    }
    return Seen(**joined, errors=np.sum([one.errors for one in parts], 0))


def scores(seen: Seen, kinds: Sequence[int], several: bool) -> dict[str, Any]:
    """`mse`, `error` by kind, `ari` (where there are several members), `purity` of objects by confidence and `purity_kl` of
    scenes of one kind by KL, and `auc`, the presence of each kind by the KL of its member; None for what is unknown."""
    told: dict[str, Any] = {"mse": float(seen.mse.mean())}
    told["error"] = [float(seen.errors[kind, 0] / max(seen.errors[kind, 1], 1)) for kind in kinds]
    if not several:
        return told
    told["ari"] = known(mean_over_images(seen.ari)[0])
    there = (seen.taken >= 0) & ~np.isnan(seen.kinds)
    told["purity"] = known(purity(seen.taken[there], seen.kinds[there].astype(int)))
    told["purity_kl"] = known(purity_of_scenes(seen))
    present = [(seen.kinds == kind).any(1) for kind in kinds]
    told["auc"] = [known(presence_auc(nats, shown)) for nats, shown in zip(seen.nats.T, present, strict=False)]
    return told


def known(score: float) -> float | None:
    """A number, and None for what is none: JSON has no NaN."""
    return None if np.isnan(score) else score


def purity_of_scenes(seen: Seen) -> float:
    """Purity of the member that says most, over scenes that show one kind only; NaN where there are none."""
    alone = [set(row[~np.isnan(row)].astype(int).tolist()) for row in seen.kinds]
    single = np.array([len(kinds) == 1 for kinds in alone])
    kinds = np.array([next(iter(kinds)) for kinds in alone if len(kinds) == 1], int)
    return purity(seen.nats[single].argmax(1), kinds)


def shares(model: SlotModule, data: str, count: int) -> list[float]:
    """How many of the things in `count` test scenes each member takes, as shares."""
    seen = look(model, data, count)
    taken = seen.taken[(seen.taken >= 0) & ~np.isnan(seen.kinds)]
    return (np.bincount(taken, minlength=model.slots) / max(1, len(taken))).tolist()


def shown_scenes(data: str, count: int, channels: int) -> Float[Tensor, "N C H W"]:
    """The first `count` test scenes with two things or more of as many kinds as any of them has; fewer if there are."""
    image, _, kinds = read(data, np.arange(SEARCHED), channels)
    different = np.array([len(np.unique(row[~np.isnan(row)])) for row in kinds])
    things = (~np.isnan(kinds)).sum(1)
    best = different == min(2, different.max())
    kept = np.flatnonzero(best & (things >= min(2, things.max())))[:count]
    return image[kept]


@torch.no_grad()
def decomposed(model: SlotModule, image: Float[Tensor, "N C H W"], names: Sequence[str]) -> Figure:
    """As the document draws it: the scene, each member's confidence and what it draws, and the weighted drawing; of one
    member the scene and what it draws."""
    decoded = model.decode(model.encode(image.to(model.device)).latents)
    assert decoded.parts is not None
    assert decoded.masks is not None
    rows, titles = [image], ["scene"]
    for k, name in enumerate(names) if len(names) > 1 else ():
        rows += [decoded.masks[:, k : k + 1], decoded.parts[:, k]]
        titles += [f"confidence, {name}", f"drawn, {name}"]
    pictures = np.stack([in_colour(row) for row in (*rows, decoded.image)])
    last = "together" if len(names) > 1 else "drawn"
    return sheet(pictures, (*titles, last), inches=0.9 if image.shape[3] > image.shape[2] else 0.7)


def in_colour(image: Float[Tensor, "N C H W"]) -> np.ndarray:
    """uint8 (N, H, W, 3)."""
    return to_uint8(recolour(image.cpu(), 3)).numpy()


@torch.no_grad()
def information(model: SlotModule, data: Mapping[str, str], count: int) -> dict[str, list[float]]:
    """Mean nats of every member over `count` test scenes of each of `data`, by its name."""
    found = {}
    for name, text in data.items():
        image, _, _ = read(text, np.arange(count), model.size[0])
        nats = [model.encode(some.to(model.device)).nats.cpu() for some in image.split(CHUNK)]
        found[name] = torch.cat(nats).mean(0).tolist()
    return found
