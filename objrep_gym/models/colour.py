"""Colour alone: pixels clustered by colour, without weights. The baseline of every table of segmentation and of control,
and slots at once in any environment (`encoder="colour"`).

Batched k-means (Lloyd 1982) from k-means++ starts (Arthur & Vassilvitskii 2007) whose random numbers are fixed, so that
the slots of an image depend on that image alone, whatever else is in the batch.
"""

from dataclasses import dataclass, replace
from typing import Any, Literal, NoReturn

import torch
from jaxtyping import Float
from torch import Tensor

from objrep_gym.models.base import SlotModule
from objrep_gym.models.blocks import coordinates
from objrep_gym.models.places import PLACES, places
from objrep_gym.types import Clock, Decoded, Losses, Scenes, Slots

LATENTS = ("red", "green", "blue", *PLACES)
"""Colour is the segment's mean in [0, 1]."""


@dataclass(frozen=True)
class ColourConfig:
    """K-means over pixels, by RGB or by chromaticity: RGB divided by its largest channel, which shading leaves alone."""

    size: tuple[int, int] = (64, 64)
    """Height and width in pixels."""
    slots: int = 7
    """K, the number of clusters."""
    space: Literal["chromaticity", "rgb"] = "chromaticity"
    """What distances are measured in."""
    restarts: int = 4
    """Starts per image, of which the tightest clustering is kept."""
    iterations: int = 8
    """Steps of Lloyd's algorithm."""
    points: int = 1024
    """Centres are found on at most about so many pixels of an image, evenly spaced; all pixels are then assigned."""

    def build(self) -> "Colour":
        return Colour(self)

    def tiny(self) -> "ColourConfig":
        return replace(self, size=(32, 32), slots=4, restarts=2)


class Colour(SlotModule):
    """K-means over colours; slots from the largest segment to the smallest, empty ones all zeros. Nothing to train."""

    takes_masks = True
    draws: Tensor
    grid: Tensor

    def __init__(self, config: ColourConfig):
        super().__init__(config, (3, *config.size), config.slots, len(LATENTS))
        if config.space not in ("chromaticity", "rgb"):
            raise ValueError(f"space {config.space!r} is neither 'chromaticity' nor 'rgb'")
        if min(config.restarts, config.iterations) < 1 or config.points < config.slots:
            raise ValueError(f"restarts, iterations and points per slot must be at least 1 each, got {config}")
        self.space, self.iterations = config.space, config.iterations
        height, width = config.size
        self.stride = next(s for s in range(1, height + width) if -(-height // s) * -(-width // s) <= config.points)
        generator = torch.Generator().manual_seed(0)
        draws = torch.rand(config.restarts, config.slots, generator=generator)
        self.register_buffer("draws", draws, persistent=False)
        self.register_buffer("grid", coordinates(height, width), persistent=False)

    def features(self, image: Float[Tensor, "B 3 H W"]) -> Float[Tensor, "B 3 H W"]:
        """What is clustered; black has the chromaticity of grey."""
        if self.space == "rgb":
            return image
        return (image + 1e-4) / (image.amax(1, keepdim=True) + 1e-4)

    @torch.no_grad()
    def encode(self, image: Float[Tensor, "B C H W"]) -> Slots:
        """One-hot masks and `LATENTS` of each segment; `nats` are zero."""
        self.check_size(image)
        with torch.autocast(image.device.type, enabled=False):  # distances in bf16 would merge close colours
            image = image.float()
            features = self.features(image)
            sparse = features[..., :: self.stride, :: self.stride].flatten(2)
            centres = cluster(sparse, self.draws, self.iterations)
            masks = assign(features.flatten(2), centres)
            order = masks.sum(2).argsort(dim=1, descending=True, stable=True)
            masks = masks.gather(1, order.unsqueeze(2).expand_as(masks))
        return self.encode_parts(image, masks.unflatten(2, image.shape[2:]))

    @torch.no_grad()
    def encode_parts(self, image: Float[Tensor, "B C H W"], masks: Float[Tensor, "B P H W"]) -> Slots:
        """`LATENTS` of parts of any origin, as they are numbered."""
        self.check_size(image)
        with torch.autocast(image.device.type, enabled=False):
            masks = masks.float()
            latents = describe(image.float(), masks.flatten(2), self.grid)
        return Slots(latents, latents.new_zeros(latents.shape[:2]), masks)

    def decode(self, latents: Float[Tensor, "B K D"]) -> Decoded:
        return painted(latents, self.grid)

    def losses(self, scenes: Scenes, clock: Clock) -> Losses:
        self.refuse()

    def parameter_groups(self, lr: float) -> list[dict[str, Any]]:
        self.refuse()

    def refuse(self) -> NoReturn:
        raise TypeError("'colour' has no weights, there is nothing to train: use it as it is, weights.load('colour')")


def describe(
    image: Float[Tensor, "B 3 H W"], masks: Float[Tensor, "B K P"], grid: Float[Tensor, "2 H W"]
) -> Float[Tensor, "B K 8"]:
    """`LATENTS` of every segment."""
    colour = masks @ image.flatten(2).mT / masks.sum(2, keepdim=True).clamp_min(1)
    return torch.cat((colour, places(masks, grid)), 2)


def painted(latents: Float[Tensor, "B K 8"], grid: Float[Tensor, "2 H W"]) -> Decoded:
    """`LATENTS` as a picture: every part is one colour; masks are who is responsible for a pixel in a mixture of
    axis-parallel Gaussians with the segments' places, extents and areas."""
    colour, place, extent, area = latents.float().split((3, 2, 2, 1), 2)
    pixel = 2 / max(grid.shape[1:])
    extent = extent.clamp_min(pixel / 2)[..., None, None]
    distance = ((grid - place[..., None, None]) / extent).square().sum(2)
    weight = area.clamp_min(1e-6).log() - extent.log().sum((2, 3, 4)).unsqueeze(2)
    masks = (weight.unsqueeze(3) - distance / 2).softmax(1)
    parts = colour.clamp(0, 1)[..., None, None].expand(-1, -1, -1, *grid.shape[1:])
    return Decoded((parts * masks.unsqueeze(2)).sum(1), parts, masks)


def distances(points: Float[Tensor, "N C P"], centres: Float[Tensor, "N K C"]) -> Float[Tensor, "N K P"]:
    """Squared distances less the points' own squared length, which no comparison between centres needs."""
    return torch.baddbmm(centres.square().sum(2, keepdim=True), centres, points, alpha=-2)


def assign(points: Float[Tensor, "N C P"], centres: Float[Tensor, "N K C"]) -> Float[Tensor, "N K P"]:
    """One-hot over centres: the nearest, and the first of those that are equally near (argmin costs ten times as much)."""
    away = distances(points, centres)
    free = torch.ones_like(away[:, 0], dtype=torch.bool)
    taken = []
    for near in (away == away.amin(1, keepdim=True)).unbind(1):
        taken.append(near & free)
        free = free & ~near
    return torch.stack(taken, 1).to(points.dtype)


def starts(points: Float[Tensor, "N C P"], draws: Float[Tensor, "N K"]) -> Float[Tensor, "N K C"]:
    """K-means++: each next centre is a point, drawn in proportion to its squared distance from the nearest centre."""
    away = torch.ones_like(points[:, 0])
    chosen = []
    for draw in draws.split(1, 1):
        total = away.cumsum(1)
        index = torch.searchsorted(total, total[:, -1:] * draw).clamp_max(points.shape[2] - 1)
        centre = points.gather(2, index.unsqueeze(1).expand(-1, points.shape[1], -1))
        gap = (points - centre).square().sum(1)
        away = torch.minimum(away, gap) if chosen else gap
        chosen.append(centre)
    return torch.cat(chosen, 2).mT


def cluster(points: Float[Tensor, "B C P"], draws: Float[Tensor, "R K"], iterations: int) -> Float[Tensor, "B K C"]:
    """Centres of the tightest of R runs of k-means on each image; a centre that loses all points stays where it was."""
    batch, restarts = len(points), len(draws)
    points = points.repeat_interleave(restarts, 0)
    centres = starts(points, draws.repeat(batch, 1))
    for _ in range(iterations):
        away = distances(points, centres)
        # a comparison, not argmin with one_hot, which is three times slower; a point between two centres pulls both
        member = (away == away.amin(1, keepdim=True)).to(points.dtype)
        count = member.sum(2, keepdim=True)
        centres = torch.where(count > 0, member @ points.mT / count.clamp_min(1), centres)
    tightness = distances(points, centres).amin(1).sum(1).view(batch, restarts)
    best = tightness.argmin(1)
    return centres.unflatten(0, (batch, restarts))[torch.arange(batch, device=best.device), best]
