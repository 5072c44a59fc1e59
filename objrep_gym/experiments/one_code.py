"""What the figures of VAEs draw: pictures drawn again, and every latent from end to end."""

from collections.abc import Mapping

import numpy as np
import torch

from objrep_gym.experiments.entities import again, decoded, traverse
from objrep_gym.experiments.model_figure import Shown
from objrep_gym.figures.grid import sheet
from objrep_gym.figures.page import Picture
from objrep_gym.figures.style import both
from objrep_gym.figures.traversal import effects, traversal
from objrep_gym.types import to_uint8

VALUES = np.linspace(-3, 3, 11)  # the prior's three deviations


@torch.no_grad()
def reconstructions(shown: Mapping[str, Shown]) -> list[Picture]:
    """Pictures, and under them what each model draws of their latents' means; one sheet for each size of pictures."""
    pictures = []
    for name, one in shown.items():
        rows = np.stack([coloured(to_uint8(one.image).numpy()), coloured(again(one.model, one.image))])
        picture = both(lambda rows=rows: sheet(rows, ("pictures", "drawn again")))
        pictures.append(Picture(picture, f"Reconstructions of {name}", name))
    return pictures


def traversals(shown: Mapping[str, Shown]) -> list[Picture]:
    """Of the first picture of each model: every latent in its turn from −3 to 3, all others as they are."""
    return [traversed(name, one) for name, one in shown.items()]


@torch.no_grad()
def traversed(name: str, one: Shown) -> Picture:
    """All latents of one model, in their order and counted from 1, with how much each changes the picture."""
    latents = one.model.encode(one.image[:1]).latents
    images = traverse(one.model, latents[0], 0, VALUES)
    effect = effects(images)
    origin = np.repeat(decoded(one.model, latents), len(images), axis=0)
    names = [f"z{latent + 1}  {100 * share:.1f}" for latent, share in enumerate(effect)]
    picture = both(lambda: traversal(coloured(images), VALUES, names, coloured(origin), inches=0.55))
    told = f"{name}. After a latent's name: how far it changes the picture, deviation over its values, per cent of white."
    return Picture(picture, f"Latent traversals of {name}", told)


def coloured(pixels: np.ndarray) -> np.ndarray:
    """uint8 (…, H, W, 3) of pictures that are grey or not."""
    return np.repeat(pixels, 3, axis=-1) if pixels.shape[-1] == 1 else pixels
