"""Scenes taken apart by a model, as a figure wants them."""

from collections.abc import Sequence

import numpy as np
import torch

from objrep_gym.figures.decomposition import Parts
from objrep_gym.models.base import SlotModule
from objrep_gym.scenes.room import BACKGROUND
from objrep_gym.scenes.view import View
from objrep_gym.types import to_image, to_uint8
from objrep_gym.wrappers.encoder import fitted, resize


@torch.no_grad()
def taken_apart(model: SlotModule, views: Sequence[View], background: int = len(BACKGROUND)) -> Parts:
    """What `model` makes of views with masks, at the size of their images. Raises ValueError on a model that has neither
    attention masks nor decoded ones. Ids of the views below `background` are not objects."""
    images, ids = (np.concatenate([getattr(view, name) for view in views]) for name in ("image", "mask"))
    height, width = images.shape[1:3]
    slots = model.encode(fitted(to_image(torch.from_numpy(images)), model.size))
    decoded = model.decode(slots.latents)
    masks = model.scored_masks(slots, decoded)
    if masks is None:
        raise ValueError(f"{type(model).__name__} has no masks: there are no parts to show")
    parts = None
    if decoded.parts is not None:
        flat = fitted(decoded.parts.flatten(0, 1), (3, height, width))
        parts = to_uint8(flat.unflatten(0, decoded.parts.shape[:2])).numpy()
    whole = to_uint8(fitted(decoded.image, (3, height, width))).numpy()
    drawn = None if decoded.masks is None else resize(decoded.masks, (height, width)).numpy()
    return Parts(images, resize(masks, (height, width)).numpy(), whole, parts, ids, background, drawn)
