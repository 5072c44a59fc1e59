"""The multi-entity VAE (Nash et al. 2017), which attends to where most information is, and the VAE it is compared with.

A map of candidate objects, one a cell of a grid, each with its own posterior; the N of the largest KL from the prior are
the scene's objects, in no order but that of their KL, and the decoder does not mind in which order they come. What is
trained is the bound of the document: only objects that were chosen are drawn and pay their KL. A candidate that was not has
no gradient, and needs none: it says less than the least of the chosen, whose price presses that least towards nothing.

The document gives neither widths nor kernels, here 3×3, nor N; twelve latents an object and its baseline's sixty make five.
"""

from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Literal

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional

from objrep_gym.models.base import SlotModule
from objrep_gym.models.blocks import coordinates
from objrep_gym.models.gaussians import kl_to_standard, reparameterise, widened
from objrep_gym.models.likelihoods import bernoulli_nll
from objrep_gym.types import Clock, Decoded, Losses, Scenes, Slots

Pooling = Literal["max", "sum"]
COARSE = 8  # height and width of the maps that an object starts from
CONVOLUTIONS = 4
DEEP = 16  # channels of those maps


@dataclass(frozen=True)
class MVAEConfig:
    """MVAE with the document's numbers, and the widths that it leaves open."""

    size: tuple[int, int] = (64, 64)
    """Height and width in pixels; multiples of 8 and of what the grid asks."""
    objects: int = 5
    """N, how many candidates become objects. A trained model encodes with more or fewer when its `slots` is set."""
    latent: int = 12
    """D, latents per object."""
    grid: int = 4
    """Candidates along each side of 64 pixels: 4 after four poolings, as in the document, or 8 after three."""
    pooling: Pooling = "max"
    """How objects' maps become the scene's: their maximum or their sum."""
    beta: float = 1.0
    """Weight of the KL; 1 is the bound itself. Above it, cells that repeat what a neighbour says fall silent sooner."""
    rise: float = 0.0
    """Fraction of a stage in which the weight goes from 1 to `beta`; 0 has it from the start."""
    channels: int = 16
    """Of the first convolution and of all maps of the decoder; the encoder's later ones have two and four times as many."""

    def build(self) -> "MVAE":
        return MVAE(self)

    def tiny(self) -> "MVAEConfig":
        return replace(self, size=(32, 32), objects=3, latent=6, channels=8)


@dataclass(frozen=True)
class MatchedVAEConfig:
    """The document's baseline: MVAE's encoder, one posterior of the whole scene, MVAE's decoder of one object."""

    size: tuple[int, int] = (64, 64)
    """Height and width in pixels; multiples of 16."""
    latent: int = 60
    """Latents of the scene: as many as MVAE's five objects have."""
    beta: float = 1.0
    """Weight of the KL; 1 is the bound itself."""
    channels: int = 16
    """As MVAE's."""

    def build(self) -> "MatchedVAE":
        return MatchedVAE(self)

    def tiny(self) -> "MatchedVAEConfig":
        return replace(self, size=(32, 32), latent=12, channels=8)


class CandidateEncoder(nn.Module):
    """Four convolutions with max-pooling (three of them pooled on the finer grid), two channels of coordinates, and two
    more convolutions: posterior parameters in every cell, (B, 2D, h, w).

    Pooling comes before ELU, which grows with its argument: the same numbers, a quarter of the work. Raises ValueError on a
    grid other than 4 and 8 and on sides that the poolings do not divide.
    """

    places: Tensor

    def __init__(self, size: tuple[int, int], outputs: int, grid: int, channels: int):
        super().__init__()
        if grid not in (4, 8):
            raise ValueError(f"grid {grid} is neither 4, with four poolings of 64 pixels, nor 8, with three")
        self.poolings = CONVOLUTIONS if grid == 4 else CONVOLUTIONS - 1
        step = 2**self.poolings
        if size[0] % step or size[1] % step:
            raise ValueError(f"{self.poolings} poolings need sides that are multiples of {step}, got {size[0]}×{size[1]}")
        widths = (3, channels, 2 * channels, 4 * channels, 4 * channels)
        self.convs = nn.ModuleList(nn.Conv2d(i, o, 3, padding=1) for i, o in pairwise(widths))
        self.mix = nn.Conv2d(4 * channels + 2, 4 * channels, 3, padding=1)
        self.head = nn.Conv2d(4 * channels, outputs, 3, padding=1)
        self.register_buffer("places", coordinates(size[0] // step, size[1] // step)[None], persistent=False)

    def forward(self, image: Float[Tensor, "B C H W"]) -> Float[Tensor, "B P h w"]:
        x = image
        for number, conv in enumerate(self.convs):
            x = conv(x)
            x = functional.elu(functional.max_pool2d(x, 2) if number < self.poolings else x)
        x = torch.cat((x, self.places.expand(len(x), -1, -1, -1).to(x.dtype)), 1)
        return self.head(functional.elu(self.mix(x)))


class ObjectDecoder(nn.Module):
    """g: two dense layers to maps of 8×8×16 (for 64 pixels), then two convolutions with bilinear doubling."""

    def __init__(self, latent: int, size: tuple[int, int], channels: int):
        super().__init__()
        if size[0] % COARSE or size[1] % COARSE:
            raise ValueError(f"three doublings need sides that are multiples of {COARSE}, got {size[0]}×{size[1]}")
        coarse = (DEEP, size[0] // COARSE, size[1] // COARSE)
        flat = coarse[0] * coarse[1] * coarse[2]
        self.dense = nn.Sequential(nn.Linear(latent, 8 * channels), nn.ELU(), nn.Linear(8 * channels, flat), nn.ELU())
        self.unflatten = nn.Unflatten(1, coarse)
        self.first, self.second = nn.Conv2d(DEEP, channels, 3, padding=1), nn.Conv2d(channels, channels, 3, padding=1)

    def forward(self, latents: Float[Tensor, "N D"]) -> Float[Tensor, "N F h w"]:
        x = doubled(functional.elu(self.first(self.unflatten(self.dense(latents)))))
        return doubled(functional.elu(self.second(x)))


class Renderer(nn.Module):
    """h: three convolutions and one bilinear doubling from the pooled maps to Bernoulli logits (B, 3, H, W)."""

    def __init__(self, channels: int):
        super().__init__()
        self.first, self.second = (nn.Conv2d(channels, channels, 3, padding=1) for _ in range(2))
        self.last = nn.Conv2d(channels, 3, 3, padding=1)

    def forward(self, pooled: Float[Tensor, "B F h w"]) -> Float[Tensor, "B C H W"]:
        return self.last(doubled(functional.elu(self.second(functional.elu(self.first(pooled))))))


def doubled(x: Float[Tensor, "N F h w"]) -> Float[Tensor, "N F H W"]:
    """Twice the height and width, between pixels bilinear."""
    return functional.interpolate(x, scale_factor=2, mode="bilinear", align_corners=False)


class Entities(SlotModule):
    """What MVAE and its baseline share: posteriors in, Bernoulli logits out, and the bound between."""

    has_masks = False
    beta: float
    rise: float = 0.0

    def posteriors(self, image: Float[Tensor, "B C H W"]) -> tuple[Tensor, Tensor]:
        """Mean and log sigma (B, K, D) of what is decoded."""
        raise NotImplementedError(f"{type(self).__name__} does not write posteriors()")

    def logits(self, latents: Float[Tensor, "B K D"]) -> Float[Tensor, "B C H W"]:
        """Bernoulli logits of the scene."""
        raise NotImplementedError(f"{type(self).__name__} does not write logits()")

    def encode(self, image: Float[Tensor, "B C H W"]) -> Slots:
        """Posterior means and their KL; MVAE's objects come from the one that says most to the one that says least."""
        self.check_size(image)
        mean, log_sigma = self.posteriors(image)
        return Slots(widened(mean), kl_to_standard(mean, log_sigma).clamp_min(0))

    def decode(self, latents: Float[Tensor, "B K D"]) -> Decoded:
        """The scene, without parts: an object's own picture is what it alone decodes to."""
        return Decoded(widened(self.logits(latents)).sigmoid())

    def price(self, clock: Clock) -> float | Tensor:
        """Weight of the KL at a step."""
        if self.rise == 0:
            return self.beta
        return 1 + (self.beta - 1) * (clock.step / (self.rise * clock.steps)).clamp_max(1)

    def losses(self, scenes: Scenes, clock: Clock) -> Losses:
        """The negative bound, with the KL at its price; `watch` has the squared error per pixel and channel."""
        mean, log_sigma = self.posteriors(scenes.image)
        logits = self.logits(reparameterise(mean, log_sigma))
        terms = {
            "nll": bernoulli_nll(logits, scenes.image).mean(),
            "kl": self.price(clock) * kl_to_standard(mean, log_sigma).sum(1).mean(),
        }
        with torch.no_grad():
            mse = (widened(logits).sigmoid() - scenes.image).square().mean()
        return Losses(terms, {"mse": mse})


class MVAE(Entities):
    """Objects from the candidates of the largest KL; an object's maps are pooled with the others' before they are drawn."""

    takes_slots = True

    def __init__(self, config: MVAEConfig):
        super().__init__(config, (3, *config.size), config.objects, config.latent)
        if config.pooling not in ("max", "sum"):
            raise ValueError(f"pooling {config.pooling!r} is neither 'max' nor 'sum'")
        if not 0 <= config.rise <= 1:
            raise ValueError(f"rise {config.rise} is no fraction of a stage: it must be from 0 to 1")
        self.beta, self.rise, self.pooling = config.beta, config.rise, config.pooling
        self.encoder = CandidateEncoder(config.size, 2 * config.latent, config.grid, config.channels)
        self.objects = ObjectDecoder(config.latent, config.size, config.channels)
        self.render = Renderer(config.channels)
        if config.objects > (cells := self.encoder.places[0, 0].numel()):
            raise ValueError(f"{config.objects} objects cannot be chosen from {cells} candidates: choose fewer or grid 8")

    def candidates(self, image: Float[Tensor, "B C H W"]) -> tuple[Tensor, Tensor, Tensor]:
        """Means and log sigmas (B, S, D) of all cells, and their KL (B, S) in nats, row by row of the grid."""
        parameters = widened(self.encoder(image)).flatten(2).transpose(1, 2)
        mean, log_variance = parameters.chunk(2, 2)
        log_sigma = 0.5 * log_variance
        return mean, log_sigma, kl_to_standard(mean, log_sigma)

    def information(self, image: Float[Tensor, "B C H W"]) -> Float[Tensor, "B h w"]:
        """How many nats each cell says: the KL maps of the document's Figure 2, which count objects (§4.3)."""
        self.check_size(image)
        height, width = self.encoder.places.shape[2:]
        return self.candidates(image)[2].clamp_min(0).unflatten(1, (height, width))

    def posteriors(self, image: Float[Tensor, "B C H W"]) -> tuple[Tensor, Tensor]:
        """The `slots` candidates of the largest KL, the largest first. Gradients flow through what was chosen."""
        mean, log_sigma, nats = self.candidates(image)
        chosen = nats.topk(self.slots, dim=1).indices[..., None].expand(-1, -1, self.latent_size)
        return mean.gather(1, chosen), log_sigma.gather(1, chosen)

    def logits(self, latents: Float[Tensor, "B K D"]) -> Float[Tensor, "B C H W"]:
        maps = self.objects(latents.flatten(0, 1)).unflatten(0, latents.shape[:2])
        # not amax, whose backward pass shares gradients out over ties and takes twice as long on a CPU
        return self.render(maps.max(1).values if self.pooling == "max" else maps.sum(1))


class MatchedVAE(Entities):
    """One slot of the whole scene: the baseline of the document's Figures 2, 5 and 6."""

    def __init__(self, config: MatchedVAEConfig):
        super().__init__(config, (3, *config.size), 1, config.latent)
        self.beta = config.beta
        self.encoder = CandidateEncoder(config.size, 24, 4, config.channels)
        self.project = nn.Linear(24 * self.encoder.places[0, 0].numel(), 2 * config.latent)
        self.objects = ObjectDecoder(config.latent, config.size, config.channels)
        self.render = Renderer(config.channels)

    def posteriors(self, image: Float[Tensor, "B C H W"]) -> tuple[Tensor, Tensor]:
        mean, log_variance = widened(self.project(self.encoder(image).flatten(1)))[:, None].chunk(2, 2)
        return mean, 0.5 * log_variance

    def logits(self, latents: Float[Tensor, "B 1 D"]) -> Float[Tensor, "B C H W"]:
        return self.render(self.objects(latents.flatten(0, 1)))
