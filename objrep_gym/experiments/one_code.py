"""What the figures of VAEs draw: pictures drawn again, and every latent from end to end."""

from collections.abc import Mapping

import numpy as np
import torch
from jaxtyping import UInt8

from objrep_gym.experiments.entities import again, decoded, seen, traverse
from objrep_gym.experiments.model_figure import Shown
from objrep_gym.figures.grid import sheet
from objrep_gym.figures.page import Picture
from objrep_gym.figures.style import both
from objrep_gym.figures.traversal import effects, traversal

VALUES = np.linspace(-3, 3, 11)  # the prior's three deviations


@torch.no_grad()
def reconstructions(shown: Mapping[str, Shown]) -> list[Picture]:
    """Pictures, and under them what each model draws of their latents' means, with the colour of the ground of both; one
    sheet for each size of pictures."""
    pictures = []
    for name, one in shown.items():
        rows = np.stack([seen(one.image), again(one.model, one.image)])
        picture = both(lambda rows=rows: sheet(rows, ("pictures", "drawn again")))
        told = f"{name}. Median RGB of the corner: {ground(rows[0])} in pictures, {ground(rows[1])} drawn again."
        pictures.append(Picture(picture, f"Reconstructions of {name}", told))
    return pictures


def ground(images: UInt8[np.ndarray, "N H W 3"]) -> str:
    """The colour of the upper left corner, which no thing of our worlds reaches, as three numbers of 255."""
    return ", ".join(f"{value:.0f}" for value in np.median(images[:, 0, 0], axis=0))


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
    picture = both(lambda: traversal(images, VALUES, names, origin, inches=0.55))
    told = f"{name}. After a latent's name: how far it changes the picture, deviation over its values, per cent of white."
    return Picture(picture, f"Latent traversals of {name}", told)
