"""ParallelVAE (Stavarache 2019): K variational auto-encoders side by side. Each looks at the whole picture and draws all of
it, with a confidence for every pixel; a softmax of the confidences over the K is who explains what.

The loss is that of §3.1: Σ_k m̂_k (x̂_k − x)² + β Σ_k KL_k − γ log(H(m̂) / log K), with H the entropy of a pixel's masks. The
document is silent on some points, settled here:

- Squares are summed over pixels and channels: with a mean, its β of 0.5 would cost more than all pixels together.
- The entropy term is one for each pixel, and summed: a pixel that one VAE has taken over is to cost something wherever it
  is. `average="before"` takes the logarithm of the picture's mean entropy instead, times the number of pixels.
- The logarithm needs no ε: entropies are worked out from logarithms of masks, and bounded below at 1e-30.
- A member takes part from its first step of learning. Before it, it would draw noise that the others must be confident
  against, and who comes later would find them so confident that no pixel is left to learn by.
- A member's nats cost next to nothing while it is young, and then their price rises. Beside members that draw its kind of
  object tolerably, it needs a thousand steps to draw it better; if it pays from the start, it falls silent, and stays so.
- Drawn pixels are bounded to [0, 1] by a sigmoid. Of its convolutions the document gives kernels and strides, not widths.

Beyond the document, `cells` gives each member a map of latents in place of one vector: a vector has to say where everything
is, a cell of a map says what is here. Where members draw each other's kinds, `claim` lets sources say whose a thing is.

Who learns on what, and when, is a list of stages (`experiments.schedules`). A member that is frozen goes on drawing and
goes on being confident; its batch statistics stay where they were, as `training.fit` puts it into `eval()`.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any, Literal

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn
from torch.nn import functional

from objrep_gym.models.base import SlotModule
from objrep_gym.models.blocks import SpatialBroadcastDecoder
from objrep_gym.models.claims import joined, unclaimed, whole
from objrep_gym.models.gaussians import kl_to_standard, reparameterise, widened
from objrep_gym.models.prices import Average, priced, risen, unassuming
from objrep_gym.types import Clock, Decoded, Losses, Scenes, Slots

NONE = -1e4  # a confidence that leaves no share, and is finite: 0 · −∞ is not a number
QUIET = 0.05  # of a priced member's code, as it begins
MEMORY = 0.99  # of the running KL that prices a member: the mean of about a hundred batches


@dataclass(frozen=True)
class ParallelVAEConfig:
    """K VAEs in parallel; the defaults are the document's for pairs of digits."""

    size: tuple[int, int] = (28, 56)
    """Height and width in pixels; multiples of 2 to the number of convolutions."""
    channels: int = 1
    """Of the pictures: 1 or 3."""
    vaes: int = 2
    """K, members: one for each kind of object."""
    latent: int = 32
    """Latents of each; 128 for tables."""
    cells: int = 0
    """Latents of each cell of a map as coarse as the last convolution's, in place of `latent`; 0 for none."""
    hidden: int = 64
    """Units of the layer between convolutions and latents, on either side; 256 for tables."""
    widths: tuple[int, ...] = (24, 24)
    """Channels of the encoder's 3×3 convolutions of stride 2; the deconvolutional decoder has them in reverse."""
    normalise: bool = True
    """Batch normalisation after each of them."""
    slope: float = 0.0
    """Of the ReLUs below zero; 0.3 for tables."""
    decoder: Literal["deconvolution", "broadcast"] = "deconvolution"
    """The encoder's mirror, or the spatial broadcast decoder (Watters et al. 2019)."""
    broadcast: tuple[int, ...] = (32, 32, 32)
    """Channels of the broadcast decoder's 3×3 convolutions before its last."""
    coarse: int = 1
    """The broadcast decoder draws at this fraction of the resolution, and is then enlarged; 1 is the document's."""
    beta: float = 0.5
    """Price of a nat of KL."""
    free: int = 1000
    """Steps of a member's learning in which its nats cost next to nothing."""
    warm: int = 1000
    """Steps of its learning after those in which the price rises; 0 for none."""
    gamma: float = 0.009
    """Weight of a pixel's entropy term: the price of confidence."""
    claim: float = 0.0
    """Price of a nat of −log m̂_k in pixels of source k, which shows one kind alone; 0 where sources do not tell kinds."""
    cut: bool = True
    """Whether scenes of which sources tell the kind are cut and joined."""
    average: Average = "after"
    """Whether entropies are averaged over pixels after their logarithm, or before it."""
    threshold: float = 0.0
    """τ, nats: the running KL at which a member learns half as fast as at the start; 0 lets all learn evenly."""
    steepness: float = 4.0
    """p of that price, 1 / (1 + (KL/τ)^p)."""

    @property
    def codes(self) -> int:
        """D, latents of a member in all."""
        step = 2 ** len(self.widths)
        return self.cells * (self.size[0] // step) * (self.size[1] // step) if self.cells else self.latent

    def build(self) -> "ParallelVAE":
        """Raises ValueError on channels that no picture has, on a map whose decoder is broadcast, and on a size that does
        not halve as often as it must."""
        if self.cells and self.decoder == "broadcast":
            raise ValueError("a map of latents has places already and is not broadcast: choose the deconvolutional decoder")
        if self.channels not in (1, 3):
            raise ValueError(f"channels {self.channels} must be 1, for grey pictures, or 3")
        step = 2 ** len(self.widths)
        if self.size[0] % step or self.size[1] % step or self.size[0] % self.coarse or self.size[1] % self.coarse:
            raise ValueError(
                f"{len(self.widths)} halvings and a decoder at 1/{self.coarse} need sides that are multiples of "
                f"{math.lcm(step, self.coarse)}, got {self.size[0]}×{self.size[1]}"
            )
        return ParallelVAE(self)

    def tiny(self) -> "ParallelVAEConfig":
        side = 16 if self.size[0] < self.size[1] else 32
        narrow = {"widths": (12,) * len(self.widths), "broadcast": (12,) * len(self.broadcast), "hidden": 32}
        return replace(self, size=(side, 32), latent=min(self.latent, 6), **narrow)


class Member(nn.Module):
    """One VAE: looks at the whole picture and draws all of it, with a raw confidence for each pixel."""

    def __init__(self, config: ParallelVAEConfig):
        super().__init__()
        step = 2 ** len(config.widths)
        coarse = (config.widths[-1], config.size[0] // step, config.size[1] // step)
        convs = [
            layer
            for i, o in pairwise((config.channels, *config.widths))
            for layer in (nn.Conv2d(i, o, 3, 2, 1, bias=not config.normalise), *after(o, config))
        ]
        self.encoder = nn.Sequential(*convs, *head(config, coarse))
        outputs, self.coarse = config.channels + 1, config.coarse if config.decoder == "broadcast" else 1
        if config.decoder == "broadcast":
            size = (config.size[0] // config.coarse, config.size[1] // config.coarse)
            self.decoder: nn.Module = SpatialBroadcastDecoder(config.codes, outputs, config.broadcast, size)
        else:
            self.decoder = nn.Sequential(*mirror(config, coarse, outputs))
        for half in (self.encoder, self.decoder):
            begin(half)
        if config.threshold:  # one that begins with hundreds of nats would never learn to say less
            with torch.no_grad():
                for parameter in self.encoder[-1 if not config.cells else -2].parameters():
                    parameter *= QUIET

    def posterior(self, image: Float[Tensor, "B C H W"]) -> tuple[Float[Tensor, "B D"], Float[Tensor, "B D"]]:
        """Mean and log standard deviation of the latents."""
        mean, log_variance = widened(self.encoder(image)).chunk(2, 1)
        return mean, 0.5 * log_variance

    def draw(self, latents: Float[Tensor, "B D"]) -> tuple[Float[Tensor, "B C H W"], Float[Tensor, "B H W"]]:
        """Pixels in [0, 1] and raw confidences."""
        drawn = self.decoder(latents)
        if self.coarse > 1:
            drawn = functional.interpolate(drawn, scale_factor=self.coarse, mode="bilinear", align_corners=False)
        drawn = widened(drawn)
        return drawn[:, :-1].sigmoid(), drawn[:, -1]


def begin(half: nn.Module) -> None:
    """He et al. 2015 in all layers but the last, which no ReLU follows: from torch's own start, it takes longer until more
    than a mean is drawn."""
    layers = [layer for layer in half.modules() if isinstance(layer, nn.Linear | nn.Conv2d | nn.ConvTranspose2d)]
    for layer in layers[:-1]:
        nn.init.kaiming_normal_(layer.weight)
        if layer.bias is not None:
            nn.init.zeros_(layer.bias)


def after(width: int, config: ParallelVAEConfig) -> Sequence[nn.Module]:
    """What follows a convolution."""
    return (nn.BatchNorm2d(width), activation(config)) if config.normalise else (activation(config),)


def activation(config: ParallelVAEConfig) -> nn.Module:
    """ReLU, leaky where the document's was."""
    return nn.LeakyReLU(config.slope) if config.slope else nn.ReLU()


def head(config: ParallelVAEConfig, coarse: tuple[int, int, int]) -> Sequence[nn.Module]:
    """From the last convolution's maps to means and log variances."""
    if config.cells:  # all means, then all log variances
        return nn.Conv2d(coarse[0], 2 * config.cells, 3, padding=1), nn.Flatten()
    dense = (nn.Flatten(), nn.Linear(math.prod(coarse), config.hidden), activation(config))
    return *dense, nn.Linear(config.hidden, 2 * config.latent)


def mirror(config: ParallelVAEConfig, coarse: tuple[int, int, int], outputs: int) -> list[nn.Module]:
    """Layers of the deconvolutional decoder, from latents to pixels and confidences."""
    flat, widths = math.prod(coarse), tuple(reversed(config.widths))
    if config.cells:
        start = [nn.Unflatten(1, (config.cells, *coarse[1:])), nn.Conv2d(config.cells, widths[0], 3, padding=1)]
    else:
        dense = (nn.Linear(config.latent, config.hidden), activation(config), nn.Linear(config.hidden, flat))
        start = [*dense, nn.Unflatten(1, coarse)]
    layers: list[nn.Module] = [*start, activation(config)]
    for i, o in pairwise(widths):
        layers += [nn.ConvTranspose2d(i, o, 3, 2, 1, output_padding=1, bias=not config.normalise), *after(o, config)]
    return [*layers, nn.ConvTranspose2d(widths[-1], outputs, 3, 2, 1, output_padding=1)]


class ParallelVAE(SlotModule):
    """K VAEs; slot k is VAE k's latents. Masks are decoded: a confidence comes with a drawing."""

    ordered = True
    has_masks = False
    learned: Tensor
    information: Tensor
    rates: Tensor

    def __init__(self, config: ParallelVAEConfig):
        super().__init__(config, (config.channels, *config.size), config.vaes, config.codes)
        self.beta, self.gamma, self.free, self.warm = config.beta, config.gamma, config.free, config.warm
        self.claim, self.cut, self.reads = config.claim, config.cut, ("image", "source") if config.claim else ("image",)
        self.average: Average = config.average
        self.threshold, self.steepness, self.base = config.threshold, config.steepness, 0.0
        self.vaes = nn.ModuleList(Member(config) for _ in range(config.vaes))
        self.register_buffer("learned", torch.zeros(config.vaes))  # steps of each member
        self.register_buffer("information", torch.zeros(config.vaes))  # running KL of each member, nats
        self.register_buffer("rates", torch.zeros(config.vaes), persistent=False)

    def encode(self, image: Float[Tensor, "B C H W"]) -> Slots:
        self.check_size(image)
        means, log_sigmas = self.posteriors(image)
        return Slots(means, kl_to_standard(means, log_sigmas).clamp_min(0))

    def posteriors(self, image: Float[Tensor, "B C H W"]) -> tuple[Float[Tensor, "B K D"], Float[Tensor, "B K D"]]:
        """Means and log standard deviations of every member's latents."""
        found = [vae.posterior(image) for vae in self.members()]
        return torch.stack([mean for mean, _ in found], 1), torch.stack([log_sigma for _, log_sigma in found], 1)

    def members(self) -> list[Member]:
        return [vae for vae in self.vaes if isinstance(vae, Member)]

    def draw(self, latents: Float[Tensor, "B K D"]) -> tuple[Float[Tensor, "B K C H W"], Float[Tensor, "B K H W"]]:
        """What each member draws, in [0, 1], and logarithms of its masks. Members that have not begun to learn have no
        share in a pixel, if others have."""
        drawn = [vae.draw(codes) for vae, codes in zip(self.members(), latents.unbind(1), strict=True)]
        confidences = torch.stack([confidence for _, confidence in drawn], 1)
        confidences = confidences.masked_fill(~self.begun()[:, None, None], NONE)
        return torch.stack([part for part, _ in drawn], 1), confidences.log_softmax(1)

    def begun(self) -> Bool[Tensor, "K"]:
        """Which members take part."""
        begun = self.learned > 0
        return begun | ~begun.any()

    def decode(self, latents: Float[Tensor, "B K D"]) -> Decoded:
        """Raises ValueError on another number of slots: each is drawn by its own member."""
        if latents.shape[1] != self.slots:
            raise ValueError(f"latents of {latents.shape[1]} slots, and slot k of {self.slots} is drawn by VAE k")
        parts, log_masks = self.draw(latents)
        masks = log_masks.exp()
        return Decoded((masks.unsqueeze(2) * parts).sum(1), parts, masks)

    def losses(self, scenes: Scenes, clock: Clock) -> Losses:
        """The loss of §3.1 of the document; `watch` has every member's KL before its price."""
        self.age()
        image, owners = scenes.image, None
        if self.claim and scenes.source is not None:
            image, owners = (joined if self.cut else whole)(image, scenes.source)
        means, log_sigmas = self.posteriors(image)
        parts, log_masks = self.draw(reparameterise(means, log_sigmas))
        errors = (parts - image.unsqueeze(1)).square().sum(2)
        kl = kl_to_standard(means, log_sigmas).mean(0)
        terms = {
            "squares": (log_masks.exp() * errors).sum((1, 2, 3)).mean(),
            "kl": self.beta * (risen(self.learned, self.free, self.warm) * kl).sum(),
        }
        if self.slots > 1:
            terms["confidence"] = self.gamma * unassuming(log_masks, self.average, self.begun().sum()).mean()
        if owners is not None:
            terms["claim"] = self.claim * unclaimed(log_masks, owners).mean()
        if self.training and self.threshold:
            self.price(kl.detach())
        return Losses(terms, {f"kl_{k}": value for k, value in enumerate(kl.detach().unbind())})

    @torch.no_grad()
    def age(self) -> None:
        """One more step for each member that learns."""
        for number, vae in enumerate(self.vaes):
            self.learned[number] += int(vae.training)

    @torch.no_grad()
    def price(self, kl: Float[Tensor, "K"]) -> None:
        """Learning gets dearer for members that say much: 1 / (1 + (KL/τ)^p) of the rate that they began with."""
        self.information.lerp_(kl, 1 - MEMORY)
        self.rates.copy_(self.base * priced(self.information, self.threshold, self.steepness))

    def parameter_groups(self, lr: float) -> list[dict[str, Any]]:
        """A group for each member. Where learning is priced, its rate is a number in a buffer that `losses` changes: Adam
        divides gradients by their own size, so that smaller ones would change nothing."""
        if not self.threshold:
            return [{"params": list(vae.parameters()), "lr": lr} for vae in self.vaes]
        self.base = lr
        self.rates.copy_(lr * priced(self.information, self.threshold, self.steepness))
        return [
            {"params": list(vae.parameters()), "lr": rate} for vae, rate in zip(self.vaes, self.rates.unbind(), strict=True)
        ]
