"""Segmenter: MONet-RN50*'s trunk and decoder, taught to segment by exact masks, so that an attention can begin from it.

Berriel 2022 (abstract, §4.2) takes weights "from a supervised segmentation task". Ours are drawn: tables, whose masks and
factors are exact, while the model that begins from it is trained, without labels, on rooms. What is asked of each pixel is
what an attention can use and colour does not tell: which shape of which material a thing is, and whether the pixel lies on
the outline of something. Classes alone would not part two cubes that touch; the outline does. Which thing is which
number would not carry over, since the numbers mean nothing: those are for the attention to find.
"""

from dataclasses import dataclass, replace
from math import prod

import torch
from jaxtyping import Float, Int, UInt8
from torch import Tensor, nn
from torch.nn import functional

from objrep_gym.models.base import SlotModule
from objrep_gym.models.blocks import Initialiser, coordinates, initialise
from objrep_gym.models.colour import LATENTS, describe, painted
from objrep_gym.models.gaussians import widened
from objrep_gym.models.resnet import ResNet, SkipUpsampling, check_sides
from objrep_gym.scenes.world import About
from objrep_gym.types import Clock, Decoded, Losses, Scenes, Slots


@dataclass(frozen=True)
class SegmenterConfig:
    """The trunk and the decoder of `monet-rn50-star`; the classes of our tables."""

    size: tuple[int, int] = (64, 64)
    """Height and width in pixels; multiples of 16."""
    columns: tuple[int, ...] = (0, 2)
    """Which of the factors make a thing's class: shape and material of `tabletop`. (0,) is the shape in `objects-room`."""
    values: tuple[int, ...] = (3, 2)
    """How many values each of them has."""
    background: int = 1
    """Ids below it are no things: they are one class, the first."""
    channels: int = 64
    """Of the trunk's first layer."""
    depths: tuple[int, int, int, int] = (3, 4, 6, 3)
    """Bottlenecks of each stage of the trunk."""
    outlines: float = 1.0
    """Weight of the outlines beside the classes."""
    init: Initialiser = "kaiming"
    """Heuristic of the truncated normal (Berriel 2022, §4.3)."""

    def build(self) -> "Segmenter":
        """Raises ValueError where the numbers do not fit together."""
        if len(self.columns) != len(self.values) or min((*self.columns, *self.values), default=-1) < 0:
            raise ValueError(f"columns {self.columns} and values {self.values} must be as many, at least one, none below 0")
        return Segmenter(self)

    def tiny(self) -> "SegmenterConfig":
        return replace(self, size=(32, 32), channels=8, depths=(1, 1, 1, 1))


class Segmenter(SlotModule):
    """Slot k is class k, the first of which is the background: `encode` gives its probability at each pixel as its mask,
    and colour, place and extent of what lies under it as its latents. Decoding knows no order."""

    reads = ("image", "mask", "factors")
    grid: Tensor

    def __init__(self, config: SegmenterConfig):
        super().__init__(config, (3, *config.size), 1 + prod(config.values), len(LATENTS))
        check_sides(config.size)
        self.columns, self.values, self.background = tuple(config.columns), tuple(config.values), config.background
        self.outlines = config.outlines
        self.trunk = ResNet(config.channels, config.depths)
        widths = [*(config.channels * m for m in (8, 2, 1)), config.channels // 4]
        self.upsampling = SkipUpsampling(self.trunk.channels, widths)
        self.classes = nn.Conv2d(self.upsampling.outputs, self.slots + 1, 1)
        self.register_buffer("grid", coordinates(*config.size), persistent=False)
        initialise(self, config.init)

    def check_about(self, about: About) -> None:
        """Raises ValueError unless the factors in `columns` have `values` and the background ends at `background`."""
        sizes = tuple(about.sizes[column] if column < len(about.sizes) else 0 for column in self.columns)
        if (sizes, about.background) != (self.values, self.background):
            numbered = enumerate(zip(about.factors, about.sizes, strict=True))
            names = ", ".join(f"{i} {name} ({size or 'continuous'})" for i, (name, size) in numbered)
            raise ValueError(
                f"classes from columns {self.columns} of {self.values} values above background {self.background} do not "
                f"suit data with the columns {names} and background {about.background}: set --model.columns, "
                "--model.values and --model.background"
            )

    def logits(self, image: Float[Tensor, "B C H W"]) -> tuple[Float[Tensor, "B K H W"], Float[Tensor, "B H W"]]:
        """Of the classes, and of lying on an outline, in float32 at least."""
        drawn = widened(self.classes(self.upsampling(self.trunk(image))))
        return drawn[:, :-1], drawn[:, -1]

    def encode(self, image: Float[Tensor, "B C H W"]) -> Slots:
        self.check_size(image)
        masks = self.logits(image)[0].softmax(1)
        with torch.autocast(image.device.type, enabled=False):
            latents = describe(widened(image), masks.flatten(2), self.grid)
        return Slots(latents, latents.new_zeros(latents.shape[:2]), masks)

    def decode(self, latents: Float[Tensor, "B K D"]) -> Decoded:
        return painted(latents, self.grid)

    def labels(self, mask: UInt8[Tensor, "B H W"], factors: Float[Tensor, "B E F"]) -> Int[Tensor, "B H W"]:
        """The class of each pixel: 0 for the background, else 1 + the values of the thing's factors as one number."""
        known = factors.nan_to_num()
        number = torch.zeros_like(known[:, :, 0])
        for column, values in zip(self.columns, self.values, strict=True):
            number = number * values + known[:, :, column]
        things = torch.arange(known.shape[1], device=mask.device) >= self.background
        of_entity = torch.where(things, 1 + number, 0).long()
        return of_entity.gather(1, mask.flatten(1).long()).view(mask.shape)

    def losses(self, scenes: Scenes, clock: Clock) -> Losses:
        """Cross-entropies summed over pixels; `watch` has the share of the things' pixels whose class is right. Raises
        ValueError on scenes without masks or factors."""
        if scenes.mask is None or scenes.factors is None:
            raise ValueError("a Segmenter learns from masks and factors: its scenes must have both")
        logits, outline = self.logits(scenes.image)
        labels = self.labels(scenes.mask, scenes.factors)
        edges = outlined(scenes.mask).to(outline.dtype)
        missed = functional.binary_cross_entropy_with_logits(outline, edges, reduction="sum")
        terms = {
            "classes": functional.cross_entropy(logits, labels, reduction="sum") / len(labels),
            "outlines": self.outlines * missed / len(edges),
        }
        with torch.no_grad():
            things = labels > 0
            right = ((logits.argmax(1) == labels) & things).sum() / things.sum().clamp_min(1)
        return Losses(terms, {"right": right})


def outlined(mask: UInt8[Tensor, "B H W"]) -> Float[Tensor, "B H W"]:
    """One where the pixel below or to the right belongs to something else, on both sides of that border; zero elsewhere."""
    across = functional.pad((mask[:, 1:] != mask[:, :-1]).float(), (0, 0, 1, 1))
    along = functional.pad((mask[:, :, 1:] != mask[:, :, :-1]).float(), (1, 1))
    return (across[:, 1:] + across[:, :-1] + along[:, :, 1:] + along[:, :, :-1]).clamp_max(1)
