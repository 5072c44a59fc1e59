"""Slot Attention: slots that start alike compete for the places of a feature map, and each is drawn by one decoder.

Locatello et al. 2020, algorithm 1 and the auto-encoder of their object discovery. What differs from the paper: the
squared error is told in nats, as a Gaussian of one width, which changes nothing for Adam; `encode` begins from slots that
were drawn once, so that it gives the same slots for the same image; the first layer of the decoder never sees its tiling
(`Broadcast`), which is the same to rounding and takes a sixth of the time. `slot-attention-small` is the same with fewer
places: it attends at half of the resolution, and its decoder works at a quarter and draws blocks of pixels.
"""

from dataclasses import dataclass, replace
from math import log, pi, prod

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional

from objrep_gym.models.base import SlotModule
from objrep_gym.models.gaussians import widened
from objrep_gym.types import Clock, Decoded, Losses, Scenes, Slots

MOST = 64  # slots that `encode` can begin from
EPSILON = 1e-8  # attention that every place pays, so that a slot which wins nothing divides by something


@dataclass(frozen=True)
class SlotAttentionConfig:
    """Slot Attention with the paper's numbers for 64×64 pixels (its Multi-dSprites, Objects Room in later work)."""

    size: tuple[int, int] = (64, 64)
    """Height and width in pixels; multiples of what strides, rises and block make together."""
    slots: int = 7
    """K. A trained model encodes with up to 64 when its `slots` is set."""
    latent: int = 64
    """D, numbers of a slot."""
    iterations: int = 3
    """Rounds in which slots compete."""
    channels: int = 32
    """Of every convolution: 32, and 64 for CLEVR."""
    hidden: int = 128
    """Width of the MLP that follows each slot's recurrent cell."""
    strides: tuple[int, ...] = (1, 1, 1, 1)
    """Of the encoder's 5×5 convolutions; their product is by how much attention is coarser than the image."""
    rises: tuple[int, ...] = (1, 1, 1)
    """By how much each 5×5 layer of the decoder enlarges its map, 1 or 2."""
    block: int = 1
    """Side of the block of pixels that the decoder's last layer draws for each of its places."""
    sigma: float = 0.1
    """Standard deviation of a pixel, of intensities in [0, 1], which turns squared error into nats."""

    def build(self) -> "SlotAttention":
        """Raises ValueError where the numbers do not fit together."""
        if set(self.rises) - {1, 2} or min(self.strides) < 1 or self.sigma <= 0 or self.iterations < 1:
            raise ValueError(
                f"rises {self.rises} must be 1 or 2, strides {self.strides} and iterations {self.iterations} at least 1, "
                f"and sigma {self.sigma} above 0"
            )
        finest = max(prod(self.strides), 4 * self.fold)
        if any(side % prod(self.strides) or side % self.fold or side < finest for side in self.size):
            raise ValueError(
                f"size {self.size}: both sides must be multiples of {prod(self.strides)} (strides {self.strides}) and of "
                f"{self.fold} (rises {self.rises}, block {self.block}), and at least {finest}"
            )
        return SlotAttention(self)

    def tiny(self) -> "SlotAttentionConfig":
        side = max(16, 4 * self.fold)
        return replace(self, size=(side, side), slots=3, latent=16, channels=16, hidden=32)

    @property
    def fold(self) -> int:
        """How many pixels lie along a side of one place of the map on which decoding begins."""
        return prod(self.rises) * self.block


class Places(nn.Module):
    """A learned linear map of where a place is: y, x and what is left to the other side, each in [0, 1]."""

    places: Tensor

    def __init__(self, outputs: int, grid: tuple[int, int]):
        super().__init__()
        y, x = torch.meshgrid(torch.linspace(0, 1, grid[0]), torch.linspace(0, 1, grid[1]), indexing="ij")
        self.linear = nn.Linear(4, outputs)
        self.register_buffer("places", torch.stack((y, x, 1 - y, 1 - x), 2), persistent=False)

    def forward(self) -> Float[Tensor, "1 F h w"]:
        return self.linear(self.places).permute(2, 0, 1)[None]


class Features(nn.Module):
    """Four 5×5 convolutions, the place of each feature added, and an MLP at every place: a set of N features."""

    def __init__(self, channels: int, strides: tuple[int, ...], size: tuple[int, int]):
        super().__init__()
        befores = (3, *(channels for _ in strides[1:]))
        convs = [nn.Conv2d(i, channels, 5, stride, 2) for i, stride in zip(befores, strides, strict=True)]
        self.convs = nn.Sequential(*(layer for conv in convs for layer in (conv, nn.ReLU())))
        self.grid = (size[0] // prod(strides), size[1] // prod(strides))
        self.places = Places(channels, self.grid)
        mlp = (nn.Linear(channels, channels), nn.ReLU(), nn.Linear(channels, channels))
        self.mlp = nn.Sequential(nn.LayerNorm(channels), *mlp)

    def forward(self, image: Float[Tensor, "B C H W"]) -> Float[Tensor, "B N F"]:
        """`image` in [0, 1]; the network sees it in [−1, 1]."""
        return self.mlp((self.convs(2 * image - 1) + self.places()).flatten(2).mT)


class Competition(nn.Module):
    """Algorithm 1: at every place slots share one unit of attention, each becomes the mean of what it won, and again."""

    def __init__(self, features: int, latent: int, hidden: int, iterations: int):
        super().__init__()
        self.iterations, self.scale = iterations, latent**-0.5
        self.norm_inputs, self.norm_slots, self.norm_mlp = (nn.LayerNorm(n) for n in (features, latent, latent))
        self.keys, self.values = (nn.Linear(features, latent, bias=False) for _ in range(2))
        self.queries = nn.Linear(latent, latent, bias=False)
        self.cell = nn.GRUCell(latent, latent)
        self.mlp = nn.Sequential(nn.Linear(latent, hidden), nn.ReLU(), nn.Linear(hidden, latent))

    def forward(
        self, features: Float[Tensor, "B N F"], slots: Float[Tensor, "B K D"]
    ) -> tuple[Float[Tensor, "B K D"], Float[Tensor, "B K N"]]:
        """Slots after the last round, and what each won in it: attention that sums to one over slots, in float32."""
        features = self.norm_inputs(features)
        keys, values = self.keys(features), self.values(features)
        attention = slots.new_zeros(0)
        for _ in range(self.iterations):
            logits = self.scale * self.queries(self.norm_slots(slots)) @ keys.mT
            attention = widened(logits).softmax(1)
            shares = attention + EPSILON
            # the mean of what was won: dividing K × D sums instead of K × N weights
            won = widened(shares.to(values.dtype) @ values) / shares.sum(2, keepdim=True)
            slots = self.renew(won, slots)
        return slots, attention

    def renew(self, won: Float[Tensor, "B K D"], slots: Float[Tensor, "B K D"]) -> Float[Tensor, "B K D"]:
        """What slots become of what they won; in float32, as it is fed back, and small."""
        with torch.autocast(won.device.type, enabled=False):
            slots = self.cell(won.flatten(0, 1), slots.flatten(0, 1)).view_as(slots)
            return slots + self.mlp(self.norm_mlp(slots))


class Broadcast(nn.Module):
    """The decoder's first layer where it does not enlarge: latents on every place of a grid, places added, 5×5 convolution.

    On a constant tile a padded 5×5 window has 25 different sums, by how far it sticks out at each border: they are
    computed on a tile of 5×5 and dealt out by a product with ones and zeros. Places are convolved once for all.
    """

    dealt: Tensor

    def __init__(self, latent: int, channels: int, grid: tuple[int, int]):
        super().__init__()
        self.grid = grid
        self.places = Places(latent, grid)
        self.conv = nn.Conv2d(latent, channels, 5, padding=2)
        sides = [functional.one_hot(torch.tensor([0, 1, *[2] * (n - 4), 3, 4]), 5).float() for n in grid]
        self.register_buffer("dealt", torch.kron(*sides), persistent=False)

    def forward(self, latents: Float[Tensor, "N D"]) -> Float[Tensor, "N F h w"]:
        tile = latents[:, :, None, None].expand(-1, -1, 5, 5)
        sums = functional.conv2d(tile, self.conv.weight, padding=2).permute(0, 2, 3, 1).flatten(1, 2)
        spread = (self.dealt.to(sums.dtype) @ sums).unflatten(1, self.grid).permute(0, 3, 1, 2)
        return spread + self.conv(self.places())


class EnlargingBroadcast(nn.Module):
    """The decoder's first layer where it enlarges: the same with a transposed convolution, on a small tile."""

    def __init__(self, latent: int, channels: int, grid: tuple[int, int]):
        super().__init__()
        self.places = Places(latent, grid)
        self.conv = layer(latent, channels, 2)

    def forward(self, latents: Float[Tensor, "N D"]) -> Float[Tensor, "N F h w"]:
        return self.conv(latents[:, :, None, None] + self.places())


def layer(inputs: int, outputs: int, rise: int) -> nn.Module:
    """A 5×5 convolution that keeps its map's size, or a transposed one that doubles it."""
    if rise == 1:
        return nn.Conv2d(inputs, outputs, 5, padding=2)
    return nn.ConvTranspose2d(inputs, outputs, 5, 2, padding=2, output_padding=1)


class PartDecoder(nn.Module):
    """From a slot to RGB and a mask logit at every pixel: spatial broadcast (Watters et al. 2019), 5×5 layers with ReLU,
    and a 3×3 one."""

    def __init__(self, config: SlotAttentionConfig):
        super().__init__()
        width, block, grid = config.channels, config.block, tuple(side // config.fold for side in config.size)
        first = Broadcast if config.rises[0] == 1 else EnlargingBroadcast
        middle = [piece for rise in config.rises[1:] for piece in (layer(width, width, rise), nn.ReLU())]
        last = (nn.Conv2d(width, 4 * block**2, 3, padding=1), nn.PixelShuffle(block))
        self.layers = nn.Sequential(first(config.latent, width, (grid[0], grid[1])), nn.ReLU(), *middle, *last)

    def forward(self, latents: Float[Tensor, "N D"]) -> Float[Tensor, "N 4 H W"]:
        return self.layers(latents)


def initialise(model: nn.Module) -> None:
    """Glorot's uniform weights and no biases, as the authors' framework has them by default: torch's own are smaller by √3
    a layer, and from the far side of a decoder little of a slot would be seen at first."""
    for module in model.modules():
        if isinstance(module, nn.Linear | nn.Conv2d | nn.ConvTranspose2d):
            nn.init.xavier_uniform_(module.weight)
            if module.bias is not None:
                nn.init.zeros_(module.bias)
        elif isinstance(module, nn.GRUCell):
            nn.init.xavier_uniform_(module.weight_ih)
            nn.init.orthogonal_(module.weight_hh)
            nn.init.zeros_(module.bias_ih)
            nn.init.zeros_(module.bias_hh)


class SlotAttention(SlotModule):
    """Slots without an order and without a distribution: `nats` are zero, and `sample` is the standard normal of the base
    class, which the paper does not train. `encode` gives the attention of the last round as masks, enlarged to the image
    where it is coarser; the model is judged by decoded masks, as in the paper."""

    takes_slots = True
    noise: Tensor

    def __init__(self, config: SlotAttentionConfig):
        super().__init__(config, (3, *config.size), config.slots, config.latent)
        self.features = Features(config.channels, config.strides, config.size)
        self.competition = Competition(config.channels, config.latent, config.hidden, config.iterations)
        self.decoder = PartDecoder(config)
        bound = (6 / (1 + config.latent)) ** 0.5  # Glorot's for one input, as the authors have it
        self.mean = nn.Parameter(torch.empty(config.latent).uniform_(-bound, bound))
        self.log_sigma = nn.Parameter(torch.empty(config.latent).uniform_(-bound, bound))
        self.register_buffer("noise", torch.randn(MOST, config.latent))
        self.sigma = config.sigma
        initialise(self)

    def begin(self, noise: Float[Tensor, "*N D"]) -> Float[Tensor, "*N D"]:
        """Slots before the first round, by reparameterisation: mean and sigma are learned."""
        return self.mean + self.log_sigma.exp() * noise

    def encode(self, image: Float[Tensor, "B C H W"]) -> Slots:
        """Raises ValueError on images of another size, and where `slots` was set beyond 64."""
        self.check_size(image)
        if self.slots > MOST:
            raise ValueError(
                f"slots {self.slots}: Slot Attention begins from {MOST} slots at most, set slots to 1 … {MOST}"
            )
        first = self.begin(self.noise[: self.slots]).expand(len(image), -1, -1)
        slots, attention = self.competition(self.features(image), first)
        masks = attention.unflatten(2, self.features.grid)
        if self.features.grid != self.size[1:]:
            masks = functional.interpolate(masks, self.size[1:], mode="bilinear", align_corners=False)
        return Slots(slots, slots.new_zeros(slots.shape[:2]), masks)

    def parts(self, latents: Float[Tensor, "B K D"]) -> tuple[Float[Tensor, "B K C H W"], Float[Tensor, "B K H W"]]:
        """Each slot's pixels, not yet clipped to [0, 1], and decoded masks, normalised over slots; both in float32."""
        drawn = widened(self.decoder(latents.flatten(0, 1))).unflatten(0, latents.shape[:2])
        return 0.5 + 0.5 * drawn[:, :, :3], drawn[:, :, 3].softmax(1)

    def decode(self, latents: Float[Tensor, "B K D"]) -> Decoded:
        """Any number of slots. Pixels are clipped to [0, 1], where they live, before they are mixed."""
        means, masks = self.parts(latents)
        means = means.clamp(0, 1)
        return Decoded((means * masks.unsqueeze(2)).sum(1), means, masks)

    def scored_masks(self, slots: Slots, decoded: Decoded) -> Float[Tensor, "B K H W"] | None:
        return decoded.masks

    def losses(self, scenes: Scenes, clock: Clock) -> Losses:
        """−log N(image; mixed parts, sigma²), summed over pixels and channels; `watch` has the mean squared error."""
        image = scenes.image
        noise = torch.randn(len(image), self.slots, self.latent_size, device=image.device)
        slots, _ = self.competition(self.features(image), self.begin(noise))
        means, masks = self.parts(slots)
        mse = ((means * masks.unsqueeze(2)).sum(1) - image).square().mean()
        per_number = 0.5 * log(2 * pi * self.sigma**2) + mse / (2 * self.sigma**2)
        return Losses({"nll": prod(self.size) * per_number}, {"mse": mse.detach()})
