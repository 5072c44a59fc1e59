"""Scenes taken apart by a model, as a figure wants them."""

from collections.abc import Sequence

import numpy as np
import torch

from objrep_gym.figures.decomposition import Parts
from objrep_gym.models.base import SlotModule
from objrep_gym.scenes.room import BACKGROUND
from objrep_gym.scenes.view import View
from objrep_gym.types import to_image, to_uint8
from objrep_gym.wrappers.encoder import recolour, resize


@torch.no_grad()
def taken_apart(model: SlotModule, views: Sequence[View]) -> Parts:
    """What `model` makes of views with masks, at the size of their images. Raises ValueError on a model that has neither
    attention masks nor decoded ones."""
    images, ids = (np.concatenate([getattr(view, name) for view in views]) for name in ("image", "mask"))
    size, (channels, height, width) = (images.shape[1], images.shape[2]), model.size
    slots = model.encode(recolour(resize(to_image(torch.from_numpy(images)), (height, width)), channels))
    decoded = model.decode(slots.latents)
    masks = slots.masks if slots.masks is not None else decoded.masks
    if masks is None:
        raise ValueError(f"{type(model).__name__} has no masks: there are no parts to show")
    parts = None
    if decoded.parts is not None:
        flat = recolour(resize(decoded.parts.flatten(0, 1), size), 3)
        parts = to_uint8(flat.unflatten(0, decoded.parts.shape[:2])).numpy()
    whole = to_uint8(recolour(resize(decoded.image, size), 3)).numpy()
    return Parts(images, resize(masks, size).numpy(), whole, parts, ids, background=len(BACKGROUND))
