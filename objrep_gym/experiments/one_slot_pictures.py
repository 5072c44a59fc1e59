"""What the figures of the report on FactorVAE draw (Swain & Mahajan 2022): models of one slot, asked for pictures."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float, UInt8
from matplotlib.figure import Figure
from torch import Tensor

from objrep_gym.experiments.entities import WARM, decoded, journal, learning, seen, traverse
from objrep_gym.experiments.model_figure import Shown
from objrep_gym.figures.curves import curves
from objrep_gym.figures.page import Picture
from objrep_gym.figures.style import both
from objrep_gym.figures.traversal import effects, traversal
from objrep_gym.models.base import SlotModule
from objrep_gym.scenes.dsprites import DSprites
from objrep_gym.scenes.sprites import SPRITES
from objrep_gym.types import to_image
from objrep_gym.wrappers.encoder import fitted

ENDS = np.linspace(-2.0, 2.0, 9)  # standard deviations of the prior
MIDDLE = {"color": 0, "shape": 0, "scale": 4, "orientation": 5, "posX": 15, "posY": 15}  # a sprite that all else moves from
STILL = 0.001  # a latent that changes the picture by less, in standard deviations of intensity, does not apply to it
TERMS = {  # what a journal calls them
    "nll": "Reconstruction",
    "kl": "KL",
    "correlation": "Total correlation",
    "discriminator": "Loss of the discriminator",
}


def by_shape(shown: Mapping[str, Shown]) -> list[Picture]:
    """Figure 1: every latent from end to end, from an ellipse and from a heart in the middle."""
    return [picture for name, one in shown.items() for picture in from_shapes(name, one.model)]


def from_shapes(name: str, model: SlotModule) -> list[Picture]:
    """One model's latents, from either shape."""
    return [shaped(name, model, shape) for shape in ("ellipse", "heart")]


@torch.no_grad()
def shaped(name: str, model: SlotModule, shape: str) -> Picture:
    """One model's latents, from one shape."""
    world = DSprites(model.size[1:])
    told = {**MIDDLE, "shape": SPRITES.index(shape)}
    pixels = world.render(world.held(np.array([list(told.values())]))).image
    image = fitted(to_image(torch.from_numpy(pixels)), model.size)
    images = traverse(model, model.encode(image).latents[0], 0, ENDS)
    picture = both(lambda: pictured(images, ENDS, image))
    return Picture(picture, f"Latents of {name} from one {shape}", f"{name}, from {article(shape)}. {moving(images)}")


@dataclass(frozen=True)
class Shifts:
    """Figures 3 and 5: the code of a picture, to each latent of which some number is added, while the others stay."""

    low: float
    high: float
    step: float = 0.1
    """In units of the latents."""

    @property
    def values(self) -> np.ndarray:
        """What is added, (T,), both ends included."""
        return np.linspace(self.low, self.high, round((self.high - self.low) / self.step) + 1)

    def __call__(self, shown: Mapping[str, Shown]) -> list[Picture]:
        return [shifted(name, one, self.values) for name, one in shown.items()]


@torch.no_grad()
def shifted(name: str, one: Shown, shifts: np.ndarray) -> Picture:
    """The first scene of one model."""
    image = one.image[:1]
    latents = one.model.encode(image).latents[:, 0]  # (1, D)
    size = latents.shape[1]
    added = torch.from_numpy(shifts).to(latents)[:, None] * torch.eye(size)[:, None]  # (D, T, D)
    images = decoded(one.model, (latents + added).reshape(-1, 1, size))
    images = images.reshape(size, len(shifts), *images.shape[1:])
    picture = both(lambda: pictured(images, shifts, image))
    told = f"{name}: the original picture, then what is added to one latent of its code. {moving(images)}"
    return Picture(picture, f"Latents of {name} shifted from {shifts[0]:g} to {shifts[-1]:g}", told)


def pictured(
    images: UInt8[np.ndarray, "D T H W 3"], values: Float[np.ndarray, "T"], image: Float[Tensor, "1 C H W"]
) -> Figure:
    """A row for each latent, the picture that all start from before it."""
    rows = [f"z{latent + 1}" for latent in range(len(images))]
    return traversal(images, values, rows, np.repeat(seen(image), len(images), axis=0))


def moving(images: UInt8[np.ndarray, "D T H W 3"]) -> str:
    """Which latents change the picture, and which do not."""
    effect = effects(images)
    still = [f"z{latent + 1}" for latent in np.flatnonzero(effect < STILL)]
    first = ", ".join(f"z{latent + 1}" for latent in np.argsort(-effect, kind="stable")[:4] if effect[latent] >= STILL)
    told = f"Most change by {first}." if first else "None changes it."
    return f"{told} Without effect: {', '.join(still)}." if still and first else told


def article(shape: str) -> str:
    return f"{'an' if shape[0] in 'aeiou' else 'a'} {shape}"


def losses(shown: Mapping[str, Shown]) -> list[Picture]:
    """Figure 2: reconstruction, KL, total correlation and the discriminator's loss while models learn, a picture each."""
    journals = {name: journal(one.folder) for name, one in shown.items()}
    longest = max((line["step"] for lines in journals.values() for line in lines), default=0)
    pictures = []
    for term, words in TERMS.items():
        known = {name: lines for name, lines in journals.items() if lines and term in lines[-1]}
        found = {name: learning(lines, WARM * longest, term) for name, lines in known.items()}
        lines = {name: curve for name, curve in found.items() if curve is not None}
        if lines:
            picture = both(lambda lines=lines, words=words: curves(lines, "steps", f"{words}, nats", size=(6.4, 2.6)))
            pictures.append(Picture(picture, f"{words} while models learn", f"{words}, exponential moving averages."))
    return pictures
