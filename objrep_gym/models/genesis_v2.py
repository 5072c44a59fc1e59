"""GENESIS-v2: pixels are embedded and clustered around random seeds, one after another, and each cluster is one slot.

Engelcke et al. 2021, with the numbers of their Objects Room. Masks come from a stochastic stick-breaking process (IC-SBP)
with a Gaussian kernel; each slot's posterior is read from the features under its mask; the prior is autoregressive; a slot
is drawn by a spatial broadcast decoder, and decoded masks, not those of the attention, mix the likelihood. GECO (Rezende &
Viola 2018) weighs the KL so that the reconstruction error reaches a goal: its multiplier and error average are buffers.

What differs from the paper: the KL to the prior is the closed form given the sampled slots before, not a sample of it;
`encode` takes its seeds from scores that were drawn once, so that it gives the same slots for the same image, and prices
them against the prior given the means of the slots before. Where the paper leaves a width open, the code says what it is.
`genesis-v2-small` is the same with fewer places: it clusters at half of the resolution, and its decoder works at a quarter
and draws blocks of pixels.
"""

from dataclasses import dataclass, replace
from itertools import pairwise
from math import exp, log, prod

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional

from objrep_gym.models.base import SlotModule
from objrep_gym.models.blocks import UNet, conv_group_relu, coordinates
from objrep_gym.models.gaussians import HALF_LOG_TWO_PI, kl_between, reparameterise, widened
from objrep_gym.types import Clock, Decoded, Losses, Scenes, Slots

LEAST, GREATEST = 1e-10, 1e10  # bounds of GECO's multiplier
NARROWEST = 1e-6  # standard deviation of a latent


@dataclass(frozen=True)
class GenesisV2Config:
    """GENESIS-v2 with the paper's numbers; six blocks, eleven slots and 128×128 pixels are CLEVR's."""

    size: tuple[int, int] = (64, 64)
    """Height and width in pixels."""
    slots: int = 7
    """K; one clustering step fewer is run. A trained model encodes with more or fewer when its `slots` is set."""
    latent: int = 64
    """D, latents per slot."""
    channels: int = 64
    """Of the U-Net's first block; every other width is a multiple or a half of it."""
    blocks: int = 5
    """U-Net blocks each way."""
    embedding: int = 8
    """Dimensions in which pixels are clustered; the first two have the pixel's place added."""
    stride: int = 1
    """By how much the picture that is clustered is coarser than the image."""
    rises: int = 4
    """Layers of the decoder, each of which doubles its map."""
    block: int = 1
    """Side of the block of pixels that the decoder's last layer draws for each of its places."""
    sigma: float = 0.7
    """Standard deviation of a pixel, of intensities in [0, 1]."""
    goal: float = 0.5655
    """Negative log likelihood in nats per pixel and channel that GECO aims at; a perfect picture has 0.5623."""
    rate: float = 1e-5
    """By which GECO's multiplier follows the distance from the goal, per nat and step; a quarter of it for four times the
    pixels keeps the pace."""
    speedup: float = 10.0
    """The same, times this, once the goal is met."""
    momentum: float = 0.99
    """Of the error average that GECO compares with its goal."""

    def build(self) -> "GenesisV2":
        """Raises ValueError where the numbers do not fit together."""
        fold = 2**self.rises * self.block
        if any(side % fold or side % self.stride or side < 2 * fold for side in self.size):
            raise ValueError(
                f"size {self.size}: both sides must be multiples of {self.stride} (stride), and multiples of {fold} "
                f"({self.rises} rises, block {self.block}) of at least {2 * fold}"
            )
        if self.embedding < 2 or self.channels % 16 or self.sigma <= 0:
            raise ValueError(
                f"embedding {self.embedding} must be at least 2, for the pixel's place; channels {self.channels} must be a "
                f"multiple of 16, for eight groups; sigma {self.sigma} must be above 0"
            )
        return GenesisV2(self)

    def tiny(self) -> "GenesisV2Config":
        """Pixels are less noisy too: of the 0.57 nats that the published ones cost, a toy learns little."""
        side = max(self.stride * 2**self.blocks, 2 * self.block * 2**self.rises)
        return replace(self, size=(side, side), slots=3, latent=8, channels=16, sigma=0.1, goal=-1.3)


class StochasticStickBreaking(nn.Module):
    """IC-SBP: a seed where scope times a random score is largest, a cluster of what lies near it in the embedding, taken
    from the scope; K − 1 times, and the last slot gets the rest. Near is exp(−distance² / width), the width learned from
    1 / (K log 2) on."""

    def __init__(self, slots: int):
        super().__init__()
        self.log_width = nn.Parameter(torch.tensor(-log(slots * log(2))))

    def forward(
        self, embedding: Float[Tensor, "B E h w"], scores: Float[Tensor, "#B h w"], slots: int
    ) -> Float[Tensor, "B K h w"]:
        """Masks, which sum to one over slots. In float32: what a cluster takes is one minus what it leaves."""
        pixels, scores = widened(embedding).flatten(2), scores.flatten(1)
        scope, masks = torch.ones_like(pixels[:, 0]), []
        for _ in range(slots - 1):
            index = (scope * scores).argmax(1)[:, None, None].expand(-1, pixels.shape[1], 1)
            square = (pixels - pixels.gather(2, index)).square().sum(1)
            near = torch.exp(-square * torch.exp(-self.log_width))
            masks.append(scope * near)
            scope = scope * (1 - near)
        return torch.stack((*masks, scope), 1).unflatten(2, embedding.shape[2:])


class AutoregressivePrior(nn.Module):
    """p(z_k | z_1 … z_k−1) by an LSTM of four times the latents; the first slot's is the standard normal. Standard
    deviations lie between 0 and 1 and start near 1."""

    def __init__(self, latent: int):
        super().__init__()
        self.cell, self.head = nn.LSTMCell(latent, 4 * latent), nn.Linear(4 * latent, 2 * latent)

    def forward(self, latents: Float[Tensor, "B K D"]) -> tuple[Float[Tensor, "B K D"], Float[Tensor, "B K D"]]:
        """Mean and log standard deviation of each slot given those before it, in float32."""
        first, state = torch.zeros_like(latents[:, 0]), None
        found = [(first, first)]
        for latent in latents[:, :-1].unbind(1):
            mean, log_sigma, state = self.step(latent, state)
            found.append((mean, log_sigma))
        means, log_sigmas = zip(*found, strict=True)
        return torch.stack(means, 1), torch.stack(log_sigmas, 1)

    def step(
        self, latent: Float[Tensor, "B D"], state: tuple[Tensor, Tensor] | None
    ) -> tuple[Float[Tensor, "B D"], Float[Tensor, "B D"], tuple[Tensor, Tensor]]:
        """What comes after one more slot, and what is remembered."""
        with torch.autocast(latent.device.type, enabled=False):
            hidden, cell = self.cell(latent, state)
            mean, raw = self.head(hidden).chunk(2, 1)
        return mean, functional.logsigmoid(raw + 4), (hidden, cell)


class PartDecoder(nn.Module):
    """Latents tiled over a small grid with two coordinate channels (Watters et al. 2019), then transposed 5×5 convolutions
    of stride 2 with group normalisation and ReLU, the later half of them at half the width, and a 1×1 one to RGB and a mask
    logit."""

    grid: Tensor

    def __init__(self, config: GenesisV2Config):
        super().__init__()
        fold = 2**config.rises * config.block
        wide, narrow = (config.rises + 1) // 2, config.rises // 2
        widths = [config.latent + 2, *[config.channels] * wide, *[config.channels // 2] * narrow]
        layers = []
        for inputs, outputs in pairwise(widths):
            enlarge = nn.ConvTranspose2d(inputs, outputs, 5, 2, padding=2, output_padding=1, bias=False)
            layers += [enlarge, nn.GroupNorm(8, outputs), nn.ReLU()]
        self.layers = nn.Sequential(*layers, nn.Conv2d(widths[-1], 4 * config.block**2, 1), nn.PixelShuffle(config.block))
        grid = coordinates(config.size[0] // fold, config.size[1] // fold)
        self.register_buffer("grid", grid[None], persistent=False)

    def forward(self, latents: Float[Tensor, "N D"]) -> Float[Tensor, "N 4 H W"]:
        tile = latents[:, :, None, None].expand(-1, -1, *self.grid.shape[2:])
        return self.layers(torch.cat((tile, self.grid.expand(len(tile), -1, -1, -1)), 1))


class Geco(nn.Module):
    """Weighs one term so that another, the error, reaches a goal (Rezende & Viola 2018, with GENESIS's speed-up): the
    multiplier falls while the average error is above the goal, and rises while it is below. Its state is two buffers."""

    multiplier: Tensor
    error: Tensor

    def __init__(self, goal: float, rate: float, speedup: float, momentum: float):
        super().__init__()
        self.goal, self.rate, self.speedup, self.momentum = goal, rate, speedup, momentum
        self.register_buffer("multiplier", torch.tensor(1.0))
        self.register_buffer("error", torch.tensor(torch.nan))  # none is known before the first step

    def forward(self, error: Float[Tensor, ""]) -> Float[Tensor, ""]:
        """The multiplier of this step; in training it then moves, and so does the average."""
        multiplier = self.multiplier.clone()
        if self.training:
            with torch.no_grad():
                average = self.momentum * self.error + (1 - self.momentum) * error
                self.error.copy_(torch.where(self.error.isnan(), error, average))
                left = self.goal - self.error
                rate = torch.where(left > 0, self.rate * self.speedup, self.rate)
                self.multiplier.copy_((multiplier * torch.exp(rate * left)).clamp(LEAST, GREATEST))
        return multiplier


class GenesisV2(SlotModule):
    """Slots in the order in which their seeds were drawn; all share one decoder, so that permuted latents give permuted
    parts, and only the prior minds their order."""

    takes_slots = True
    scores: Tensor
    places: Tensor

    def __init__(self, config: GenesisV2Config):
        super().__init__(config, (3, *config.size), config.slots, config.latent)
        wide, grid = config.channels, (config.size[0] // config.stride, config.size[1] // config.stride)
        widths = [wide, wide, *[2 * wide] * (config.blocks - 2)][: config.blocks]
        self.unet = UNet(3, config.embedding, widths, grid, block=conv_group_relu)
        # pixels are clustered by place at first: embeddings that differ as they are drawn would be clusters of one pixel
        nn.init.normal_(self.unet.head.weight, std=0.01)
        self.clusters = StochasticStickBreaking(config.slots)
        self.features = conv_group_relu(wide, wide)
        hidden = (nn.Linear(wide, 2 * wide), nn.ReLU(), nn.Linear(2 * wide, 2 * config.latent))
        self.posterior = nn.Sequential(nn.LayerNorm(wide), *hidden)
        self.prior = AutoregressivePrior(config.latent)
        self.decoder = PartDecoder(config)
        self.geco = Geco(config.goal * prod(self.size), config.rate, config.speedup, config.momentum)
        self.register_buffer("scores", torch.rand(1, *grid))
        places = functional.pad(coordinates(*grid), (0, 0, 0, 0, 0, config.embedding - 2))
        self.register_buffer("places", places[None], persistent=False)
        self.stride, self.log_sigma = config.stride, log(config.sigma)

    def infer(
        self, image: Float[Tensor, "B C H W"], scores: Float[Tensor, "#B h w"]
    ) -> tuple[Float[Tensor, "B K D"], Float[Tensor, "B K D"], Float[Tensor, "B K h w"]]:
        """Mean and log standard deviation of each slot's latents, and the mask under which they were read."""
        seen = self.unet.features(functional.avg_pool2d(image, self.stride))
        masks = self.clusters(widened(self.unet.head(seen)) + self.places, scores, self.slots)
        flat = masks.flatten(2)
        # the mean under each mask; what follows is small, and linear maps may as well come after it
        read = widened(flat @ self.features(seen).flatten(2).mT) / (flat.sum(2, keepdim=True) + 1e-5)
        mean, raw = widened(self.posterior(read)).chunk(2, 2)
        return mean, functional.softplus(raw + 0.5).clamp_min(NARROWEST).log(), masks

    def encode(self, image: Float[Tensor, "B C H W"]) -> Slots:
        self.check_size(image)
        mean, log_sigma, masks = self.infer(image, self.scores)
        if self.stride > 1:
            masks = functional.interpolate(masks, self.size[1:], mode="bilinear", align_corners=False)
        return Slots(mean, kl_between(mean, log_sigma, *self.prior(mean)), masks)

    def parts(self, latents: Float[Tensor, "B K D"]) -> tuple[Float[Tensor, "B K C H W"], Float[Tensor, "B K H W"]]:
        """Each slot's pixels in [0, 1], and log decoded masks, normalised over slots; both in float32."""
        drawn = widened(self.decoder(latents.flatten(0, 1))).contiguous().unflatten(0, latents.shape[:2])
        return drawn[:, :, :3].sigmoid(), drawn[:, :, 3].log_softmax(1)

    def decode(self, latents: Float[Tensor, "B K D"]) -> Decoded:
        """Any number of slots."""
        means, log_masks = self.parts(latents)
        masks = log_masks.exp()
        return Decoded((means * masks.unsqueeze(2)).sum(1), means, masks)

    def mixture(
        self, image: Float[Tensor, "B C H W"], log_masks: Float[Tensor, "B K H W"], means: Float[Tensor, "B K C H W"]
    ) -> Float[Tensor, "B"]:
        """`gaussians.mixture_nll` where all slots have one sigma, in half of its passes over K pictures."""
        wrong = (means - image.unsqueeze(1)).square()
        joint = log_masks.unsqueeze(2) - wrong / (2 * exp(2 * self.log_sigma))
        return prod(self.size) * (self.log_sigma + HALF_LOG_TWO_PI) - joint.logsumexp(1).sum((1, 2, 3))

    def losses(self, scenes: Scenes, clock: Clock) -> Losses:
        """Negative log likelihood of the mixture, and the KL times GECO's multiplier; `watch` has the multiplier, the KL
        itself in nats per image, and the squared error per pixel and channel."""
        image = scenes.image
        scores = torch.rand(len(image), *self.scores.shape[1:], device=image.device)
        mean, log_sigma, _ = self.infer(image, scores)
        latents = reparameterise(mean, log_sigma)
        means, log_masks = self.parts(latents)
        nll = self.mixture(image, log_masks, means).mean()
        kl = kl_between(mean, log_sigma, *self.prior(latents)).sum(1).mean()
        multiplier = self.geco(nll.detach())
        with torch.no_grad():
            mse = ((means * log_masks.exp().unsqueeze(2)).sum(1) - image).square().mean()
        watch = {"multiplier": multiplier, "nats": kl.detach(), "mse": mse}
        return Losses({"nll": nll, "kl": multiplier * kl}, watch)

    @torch.no_grad()
    def sample(self, n: int) -> Float[Tensor, "n K D"]:
        """Latents from the autoregressive prior, slot after slot, by torch's global generator."""
        latents, state = [torch.randn(n, self.latent_size, device=self.device)], None
        for _ in range(self.slots - 1):
            mean, log_sigma, state = self.prior.step(latents[-1], state)
            latents.append(reparameterise(mean, log_sigma))
        return torch.stack(latents, 1)
