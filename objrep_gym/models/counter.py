"""A counter that is told the number of objects: what counting without labels, by KL, is measured against.

Ours; the MVAE document (Nash et al. 2017, §4.3) compares its count with none. Its convolutions are MVAE's encoder, and what
they find in each cell is added up, since a count is a sum over places.
"""

from dataclasses import dataclass, replace

import torch
from jaxtyping import Float, Int, UInt8
from torch import Tensor, nn
from torch.nn import functional

from objrep_gym.models.base import SlotModule
from objrep_gym.models.gaussians import widened
from objrep_gym.models.mvae import CandidateEncoder
from objrep_gym.scenes.world import About
from objrep_gym.types import Clock, Decoded, Losses, Scenes, Slots


@dataclass(frozen=True)
class CounterConfig:
    """A classifier of how many objects are seen."""

    size: tuple[int, int] = (64, 64)
    """Height and width in pixels; multiples of 8 and of what the grid asks."""
    most: int = 3
    """Largest count; the classes are none to `most`."""
    background: int = 1
    """Entities from this id on are counted, as the data says: 1 for sprites, 6 for rooms."""
    grid: int = 8
    """Cells along each side of 64 pixels: 4 or 8."""
    channels: int = 16
    """Of the first convolution; later ones have twice and four times as many."""

    def build(self) -> "Counter":
        return Counter(self)

    def tiny(self) -> "CounterConfig":
        return replace(self, size=(32, 32), channels=8)


class Counter(SlotModule):
    """One slot: the log-probabilities of 0, 1 … `most` objects. There is nothing to decode: it draws grey."""

    has_masks = False
    reads = ("image", "mask")

    def __init__(self, config: CounterConfig):
        if config.most < 1 or config.background < 0:
            raise ValueError(f"most {config.most} must be at least 1, and background {config.background} at least 0")
        super().__init__(config, (3, *config.size), 1, config.most + 1)
        self.most, self.background = config.most, config.background
        self.encoder = CandidateEncoder(config.size, 4 * config.channels, config.grid, config.channels)
        self.classify = nn.Sequential(
            nn.Linear(4 * config.channels, 4 * config.channels), nn.ELU(), nn.Linear(4 * config.channels, config.most + 1)
        )

    def check_about(self, about: About) -> None:
        """Raises ValueError where objects begin at another id, or may be more than `most`."""
        if about.background != self.background or len(about.entities) - about.background > self.most:
            raise ValueError(
                f"a counter of 0 to {self.most} objects from id {self.background} on does not suit data with "
                f"{len(about.entities) - about.background} from id {about.background} on: set --model.most and "
                "--model.background"
            )

    def logits(self, image: Float[Tensor, "B C H W"]) -> Float[Tensor, "B N"]:
        """Of each count, in float32 at least."""
        found = functional.elu(self.encoder(image))
        return widened(self.classify(found.sum((2, 3)) / 8))  # so that sums over 64 cells start near one

    def count(self, image: Float[Tensor, "B C H W"]) -> Int[Tensor, "B"]:
        """The likeliest number of objects of each image. Raises ValueError on images of another size."""
        self.check_size(image)
        return self.logits(image).argmax(1)

    def encode(self, image: Float[Tensor, "B C H W"]) -> Slots:
        self.check_size(image)
        latents = self.logits(image).log_softmax(1)[:, None]
        return Slots(latents, latents.new_zeros(latents.shape[:2]))

    def decode(self, latents: Float[Tensor, "B 1 D"]) -> Decoded:
        return Decoded(latents.new_full((len(latents), *self.size), 0.5))

    def losses(self, scenes: Scenes, clock: Clock) -> Losses:
        """Cross-entropy of the number of objects that are seen; `watch` has how often the likeliest is right. Raises
        ValueError on scenes without masks."""
        if scenes.mask is None:
            raise ValueError("a Counter learns from masks: its scenes must have them")
        logits, counts = self.logits(scenes.image), seen(scenes.mask, self.background, self.most)
        with torch.no_grad():
            right = (logits.argmax(1) == counts).float().mean()
        return Losses({"count": functional.cross_entropy(logits, counts)}, {"right": right})


def seen(mask: UInt8[Tensor, "B H W"], background: int, most: int) -> Int[Tensor, "B"]:
    """How many of the `most` entities from id `background` on have a pixel in the mask."""
    ids = torch.arange(background, background + most, device=mask.device)
    return (mask.flatten(1)[:, :, None] == ids).any(1).sum(1)
