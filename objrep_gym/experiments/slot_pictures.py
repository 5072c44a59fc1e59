"""What a table of segmentation shows of its models: scenes taken apart, or one object while one latent changes."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np
import torch

from objrep_gym.experiments.apart import taken_apart
from objrep_gym.experiments.entities import decoded, traverse
from objrep_gym.figures.decomposition import decomposition_both_ways
from objrep_gym.figures.page import Picture
from objrep_gym.figures.style import both
from objrep_gym.figures.traversal import effects, traversal
from objrep_gym.metrics.segmentation import contingency, segments
from objrep_gym.models.base import SlotModule
from objrep_gym.scenes.view import View
from objrep_gym.types import to_image
from objrep_gym.wrappers.encoder import fitted, resize

VALUES = np.linspace(-2.0, 2.0, 7)  # standard deviations of the prior


@runtime_checkable
class Pictures(Protocol):
    """What draws models, by their names, on scenes with masks; ids below `background` are not objects."""

    def __call__(self, models: Mapping[str, SlotModule], view: View, background: int) -> Iterable[Picture]: ...


def decompositions(models: Mapping[str, SlotModule], view: View, background: int) -> Iterator[Picture]:
    """Every scene taken apart by every model, with and without the masks that slots decode to (Berriel 2022, fig. 5.3)."""
    for name, model in models.items():
        parts = taken_apart(model, [view], background)
        told = f"{name}. Above, what each slot decodes to; below, behind the mask that it decodes to."
        yield Picture(both(lambda parts=parts: decomposition_both_ways(parts)), f"Slots of {name}", told)


@dataclass(frozen=True)
class Traversals:
    """The latents of one slot from end to end, that of the largest object of a scene (Berriel 2022, figures 5.4 to 5.6):
    `most` of them, those that change the picture most."""

    most: int = 16

    def __call__(self, models: Mapping[str, SlotModule], view: View, background: int) -> Iterator[Picture]:
        for name, model in models.items():
            yield traversed(name, model, view, background, self.most)


@torch.no_grad()
def traversed(name: str, model: SlotModule, view: View, background: int, most: int) -> Picture:
    """One model's picture, of the first scene."""
    image = fitted(to_image(torch.from_numpy(np.array(view.image[:1]))), model.size)
    latents = model.encode(image).latents
    slot = of_largest(model, view, background)
    images = traverse(model, latents[0], slot, VALUES)
    chosen = np.argsort(-effects(images), kind="stable")[:most]
    origin = np.repeat(decoded(model, latents), len(chosen), axis=0)
    names = [f"z {latent}" for latent in chosen]
    picture = both(lambda: traversal(images[chosen], VALUES, names, origin))
    told = f"{name}, slot {slot}: latents of the largest object's slot, in the order of how much they change the picture."
    return Picture(picture, f"Latent traversals of {name}", told)


def of_largest(model: SlotModule, view: View, background: int) -> int:
    """The slot that holds most of the first scene's largest object; the first slot where no object is seen."""
    assert view.mask is not None
    slots = model.encode(fitted(to_image(torch.from_numpy(np.array(view.image[:1]))), model.size))
    masks = slots.masks if slots.masks is not None else model.decode(slots.latents).masks
    if masks is None:
        return 0
    height, width = view.mask.shape[1:]
    parted: np.ndarray = segments(resize(masks.float(), (height, width)).numpy())
    table = contingency(parted, view.mask[:1].astype(np.int64))[0][:, background:]
    return int(table[:, table.sum(0).argmax()].argmax()) if table.sum() else 0
