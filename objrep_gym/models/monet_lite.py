"""MONet for one CPU core: its objective over pixels that are clustered in one attention pass, and a small component VAE.

The objective is MONet's (Burgess et al. 2019; Berriel 2022, eq. 4.7): mixture likelihood, β KL of the latents, γ KL from
attention masks to decoded masks. What differs, and why:

* *Attention* is one pass of a U-Net that embeds every pixel, and stick-breaking around seed pixels in that embedding
  (`clustering.py`), instead of K − 1 passes. Chromaticity, colour and place are projected in beside the U-Net's output, so
  that an untrained model already clusters by colour and training starts from there.
* *Colour is withheld* from the attention, not from the VAE, in a share of the training images. The VAE still has to
  explain the colours, so the masks must then follow from light and outline alone: this is how shape is learned.
* *Every second pixel* in each direction, at a random phase for each step, carries the training likelihood, times four.
  Neighbours say nearly the same, and everything behind the U-Net gets four times cheaper.
"""

from dataclasses import dataclass, replace
from math import log, pi
from typing import Any

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn
from torch.nn import functional

from objrep_gym.models.base import SlotModule
from objrep_gym.models.blocks import coordinates
from objrep_gym.models.clustering import Embedding, PixelFeatures, StickBreaking, every_second
from objrep_gym.models.gaussians import kl_to_standard, mask_divergence, reparameterise
from objrep_gym.types import Clock, Decoded, Losses, Scenes, Slots

SPREAD = 0.3  # standard deviation of a segment's mean colour, which the first three latents begin as


@dataclass(frozen=True)
class MONetLiteConfig:
    """The preset `monet-lite`; losses are in nats per image, summed over all of its pixels."""

    size: tuple[int, int] = (64, 64)
    """Height and width in pixels; multiples of 16."""
    slots: int = 9
    """K; more or fewer may be asked for after training, by setting `slots` of the model."""
    latent: int = 16
    """D, latents per slot."""
    widths: tuple[int, ...] = (32, 64, 96, 128)
    """Channels of the U-Net at 1/2, 1/4, 1/8 and 1/16 of the resolution."""
    decoder: int = 32
    """Channels of the component decoder, which works at a quarter of the resolution."""
    embedding: int = 8
    """Dimensions in which pixels are clustered, at least eight: that many colour and place start with."""
    sigma: float = 0.1
    """Standard deviation of a pixel, of intensities in [0, 1]; between the thesis's 0.09 and 0.11."""
    beta: float = 0.5
    """Weight of the KL of the latents."""
    gamma: float = 2.0
    """Weight of the KL from attention masks to decoded masks. Four times the thesis's: masks that a component cannot draw,
    such as the lit half of a sphere, have to cost more than they gain."""
    withhold: float = 0.5
    """Share of the training images whose attention sees little or no colour."""
    hue: int = 1
    """How many times its angle the attention sees a hue at, once it has learned or is frozen. At two, things of two
    opposite hues are one; an attention that is taught so finds the two tones all the same, by what is left of them."""
    settle: int = 1000
    """Steps in which the VAE learns alone: what it cannot draw yet says nothing about where masks should be."""

    attention_rate: float = 0.5
    """Learning rate of the attention, relative to that of the VAE, which has to follow what the masks do."""

    def build(self) -> "MONetLite":
        """Raises ValueError where the numbers do not fit together."""
        step = max(16, 2 ** len(self.widths))
        if any(side % step for side in self.size):
            raise ValueError(f"size {self.size}: both sides must be multiples of {step} for {len(self.widths)} widths")
        if self.hue < 1:
            raise ValueError(f"hue {self.hue} must be at least 1")
        if self.latent < 3:
            raise ValueError(f"latent {self.latent} must be at least 3: the first three begin as colour")
        return MONetLite(self)

    def tiny(self) -> "MONetLiteConfig":
        return replace(self, size=(32, 32), slots=4, latent=6, widths=(16, 16, 16), decoder=16)


class ComponentEncoder(nn.Module):
    """From a picture and K masks to K posteriors, at half of the resolution.

    The picture is looked at once in patches of 4×4; each mask gates what it lets through and adds its own outline. Mean
    colour, centre, spread and extent under the mask go straight to the last layer, so that they are linear in the latents
    from the beginning."""

    places: Tensor

    def __init__(self, latent: int, size: tuple[int, int], width: int = 64, hidden: int = 128):
        super().__init__()
        half = (size[0] // 2, size[1] // 2)
        self.picture = nn.Conv2d(5, width, 4, stride=4)
        self.outline = nn.Linear(16, width)
        flat = width * (half[0] // 8) * (half[1] // 8)
        conv = nn.Conv2d(width, width, 3, stride=2, padding=1)
        self.layers = nn.Sequential(conv, nn.ReLU(), nn.Flatten(), nn.Linear(flat, hidden), nn.ReLU())
        self.last = nn.Linear(hidden + 8, 2 * latent)
        with torch.no_grad():  # the first three latents begin as mean colour, of about unit variance
            self.last.weight[:3] *= 0.1
            self.last.weight[:3, hidden : hidden + 3] = torch.eye(3) / SPREAD
            self.last.bias[latent:] = -1.5
        self.register_buffer("places", coordinates(*half)[None], persistent=False)

    def moments(self, seen: Float[Tensor, "B C h w"], masks: Float[Tensor, "B K h w"]) -> Float[Tensor, "B K S"]:
        """Mean colour and place, spread of place, and √extent under each mask; all near zero for an empty slot."""
        seen, masks = seen.flatten(2), masks.flatten(2)
        both = torch.cat((seen, seen[:, -2:].square()), 1)
        extent = masks.mean(2, keepdim=True)
        means = masks @ both.mT / (extent * masks.shape[2] + 1e-3)
        spread = (means[..., -2:] - means[..., 3:5].square()).clamp_min(1e-6).sqrt()
        return torch.cat((means[..., :5], spread, extent.sqrt()), 2) * (extent * 50).clamp_max(1)

    def forward(
        self, image: Float[Tensor, "B C h w"], masks: Float[Tensor, "B K h w"]
    ) -> tuple[Float[Tensor, "B K D"], Float[Tensor, "B K D"]]:
        """Means and log standard deviations, in float32."""
        seen = torch.cat((image - 0.5, self.places.expand(len(image), -1, -1, -1)), 1)
        patches = functional.pixel_unshuffle(masks, 4).unflatten(1, (-1, 16))
        h, w = patches.shape[-2:]
        outlines = self.outline(patches.flatten(3).mT)
        gates = patches.mean(2).flatten(2).unsqueeze(3).to(outlines.dtype)
        shown = self.picture(seen).flatten(2).mT.unsqueeze(1)
        cells = functional.relu(shown * gates + outlines).flatten(0, 1).mT.unflatten(2, (h, w))
        with torch.autocast(image.device.type, enabled=False):
            moments = self.moments(seen, masks)
        code = self.last(torch.cat((self.layers(cells).unflatten(0, masks.shape[:2]).float(), moments), 2)).float()
        mean, log_sigma = code.chunk(2, 2)
        return mean, log_sigma.clamp(-5, 2)


class ComponentDecoder(nn.Module):
    """Latents broadcast over a grid of a quarter of the resolution (Watters et al. 2019), three layers there, and at the
    end 4×4 pixels of RGB mean and mask logit from each place; beneath it a smooth part, quadratic in place."""

    smooth: Tensor

    def __init__(self, latent: int, size: tuple[int, int], width: int):
        super().__init__()
        grid = (size[0] // 4, size[1] // 4)
        y, x = coordinates(*size)
        smooth = torch.stack((torch.ones_like(y), y, x, y * y, y * x, x * x))
        self.register_buffer("smooth", functional.pixel_unshuffle(smooth, 4).unflatten(0, (6, 16)), persistent=False)
        self.coefficients = nn.Linear(2 * latent, 4 * 6)
        self.content = nn.Linear(latent, width, bias=False)
        self.grid = grid
        self.place = nn.Parameter(self.waves(width, grid))
        convs = [layer for _ in range(2) for layer in (nn.Conv2d(width, width, 3, padding=1), nn.ReLU())]
        self.layers = nn.Sequential(nn.ReLU(), *convs)
        self.last = nn.Conv2d(width, 4 * 16, 1)
        with torch.no_grad():  # begins as flat parts of the colour that the first three latents are
            self.last.weight *= 0.1
            self.last.get_parameter("bias").zero_()
            self.coefficients.weight[:18] *= 0.1
            self.coefficients.bias[:18] = torch.tensor([0.5, 0, 0, 0, 0, 0]).repeat(3)
            for channel in range(3):
                self.coefficients.weight[6 * channel, channel] = SPREAD

    @staticmethod
    def waves(width: int, grid: tuple[int, int]) -> Float[Tensor, "P C"]:
        """How the map that is added to every place begins: random directions and slow waves of the coordinates."""
        y, x = coordinates(*grid)
        directions, offsets = torch.randn(width, 2), 2 * pi * torch.rand(width)
        return (
            torch.sin(2 * (directions[:, :1, None] * y + directions[:, 1:, None] * x) + offsets[:, None, None])
            .flatten(1)
            .mT
        )

    def forward(self, latents: Float[Tensor, "N D"], phase: Int[Tensor, "2"] | None = None) -> Float[Tensor, "N 4 P h w"]:
        """RGB and mask logit of the 16 pixels of each place, or of the 4 that are every second one from `phase` on."""
        # content + place as one matrix product: the gradients of a broadcast sum cost more than both convolutions
        content = self.content.weight.mT.unsqueeze(1).expand(-1, len(self.place), -1)
        wide = torch.cat((content.flatten(1), self.place.flatten()[None]))
        h = functional.pad(latents, (0, 1), value=1) @ wide
        h = self.layers(h.unflatten(1, self.place.shape).mT.unflatten(2, self.grid))
        weight, bias, smooth = self.last.weight, self.last.get_parameter("bias"), self.smooth
        if phase is not None:
            within = torch.tensor([[0, 2], [8, 10]], device=phase.device).flatten() + 4 * phase[0] + phase[1]
            rows = (16 * torch.arange(4, device=phase.device)[:, None] + within).flatten()
            weight, bias, smooth = weight.index_select(0, rows), bias.index_select(0, rows), smooth.index_select(1, within)
        drawn = functional.conv2d(h, weight, bias).float().unflatten(1, (4, -1))
        with torch.autocast(latents.device.type, enabled=False):
            coefficients = self.coefficients(torch.cat((latents, latents.square()), 1)).unflatten(1, (4, 6))
            return drawn + (coefficients @ smooth.flatten(1)).view_as(drawn)


def withhold_colour(image: Float[Tensor, "B C H W"], share: float) -> Float[Tensor, "B C H W"]:
    """The same light in one hue: in a share of the images all chromaticities are moved towards one random colour, most of
    them all the way, so that only value (the largest channel) tells things apart."""
    shape = (len(image), 1, 1, 1)
    tint = torch.rand(len(image), 3, 1, 1, device=image.device)
    tint = tint / tint.amax(1, keepdim=True)
    kept = torch.rand(shape, device=image.device).square()
    kept = torch.where(torch.rand(shape, device=image.device) < share, kept, 1)
    return image * kept + image.amax(1, keepdim=True) * tint * (1 - kept)


class MONetLite(SlotModule):
    """Slots in the order in which seeds were found; decoding knows no order."""

    takes_masks = takes_slots = True

    def __init__(self, config: MONetLiteConfig):
        super().__init__(config, (3, *config.size), config.slots, config.latent)
        self.config: MONetLiteConfig = config
        features = PixelFeatures(5, config.widths, config.size)
        self.embedding = Embedding(config.embedding, features, config.widths[0], config.size, config.hue)
        self.clusters = StickBreaking()
        self.encoder = ComponentEncoder(config.latent, config.size)
        self.decoder = ComponentDecoder(config.latent, config.size, config.decoder)
        self.sigma, self.beta, self.gamma = config.sigma, config.beta, config.gamma
        self.withhold, self.settle = config.withhold, config.settle

    def parameter_groups(self, lr: float) -> list[dict[str, Any]]:
        """The attention learns more slowly than the VAE."""
        attention = [*self.embedding.parameters(), *self.clusters.parameters()]
        component = [*self.encoder.parameters(), *self.decoder.parameters()]
        return [{"params": attention, "lr": lr * self.config.attention_rate}, {"params": component, "lr": lr}]

    def attend(self, embedding: Float[Tensor, "B E h w"], full: Float[Tensor, "B E H W"]) -> Float[Tensor, "B K H W"]:
        """Seeds found in `embedding`, log masks at the pixels of `full`."""
        with torch.autocast(embedding.device.type, enabled=False):
            weights = self.clusters.centres(embedding, self.slots)
            return self.clusters(full, weights @ embedding.flatten(2).mT)

    def encode(self, image: Float[Tensor, "B C H W"]) -> Slots:
        self.check_size(image)
        full = self.embedding(image)
        return self.encode_parts(image, self.attend(full[:, :, ::2, ::2], full).exp())

    def encode_latents(self, image: Float[Tensor, "B C H W"]) -> Float[Tensor, "B K D"]:
        """Masks at the pixels that the VAE looks at, every second one, and at no others."""
        self.check_size(image)
        seen = self.embedding(image, torch.zeros(2, dtype=torch.int64, device=image.device))
        mean, _ = self.encoder(image[:, :, ::2, ::2], self.attend(seen, seen).exp())
        return mean

    def encode_parts(self, image: Float[Tensor, "B C H W"], masks: Float[Tensor, "B P H W"]) -> Slots:
        self.check_size(image)
        mean, log_sigma = self.encoder(image[:, :, ::2, ::2], masks[:, :, ::2, ::2])
        return Slots(mean, kl_to_standard(mean, log_sigma), masks)

    def decode(self, latents: Float[Tensor, "B K D"]) -> Decoded:
        """Any number of slots. Means are clipped to [0, 1], where pixels live, before they are mixed."""
        drawn = functional.pixel_shuffle(self.decoder(latents.flatten(0, 1)).flatten(1, 2), 4).unflatten(
            0, latents.shape[:2]
        )
        means, masks = drawn[:, :, :3].clamp(0, 1), drawn[:, :, 3].softmax(1)
        return Decoded((means * masks.unsqueeze(2)).sum(1), means, masks)

    def losses(self, scenes: Scenes, clock: Clock) -> Losses:
        """The three terms of eq. 4.7 on a quarter of the pixels, times four."""
        phase = torch.randint(2, (2,), device=scenes.image.device)
        embedding = self.embedding(withhold_colour(scenes.image, self.withhold), phase)
        image, log_masks = every_second(scenes.image, phase), self.attend(embedding, embedding)
        log_masks = torch.where(clock.step < self.settle, log_masks.detach(), log_masks)
        mean, log_sigma = self.encoder(image, log_masks.exp())
        drawn = self.decoder(reparameterise(mean, log_sigma).flatten(0, 1), phase).unflatten(0, mean.shape[:2])
        # the 4 pixels of a place stay side by side as the decoder writes them: moving the picture is K times cheaper
        image = functional.pixel_unshuffle(image, 2).unflatten(1, (3, 4))
        log_masks = functional.pixel_unshuffle(log_masks, 2).unflatten(1, (-1, 4)).flatten(3)
        return self.objective(image.flatten(3), log_masks, drawn.flatten(4), mean, log_sigma)

    def objective(
        self,
        image: Float[Tensor, "B C P N"],
        log_masks: Float[Tensor, "B K P N"],
        drawn: Float[Tensor, "B K 4 P N"],
        mean: Float[Tensor, "B K D"],
        log_sigma: Float[Tensor, "B K D"],
    ) -> Losses:
        """Eq. 4.7 from a quarter of the pixels. Whole pixels are mixed, not their channels one by one: a pixel belongs to
        one slot, and it is a third of the logarithms."""
        wrong = (drawn[:, :, :3] - image[:, None]).square().sum(2)
        mixed = (log_masks - wrong / (2 * self.sigma**2)).logsumexp(1)
        decoded = drawn[:, :, 3].log_softmax(1)
        terms = {
            "nll": 4 * (1.5 * log(2 * pi * self.sigma**2) - mixed).sum((1, 2)).mean(),
            "kl": self.beta * kl_to_standard(mean, log_sigma).sum(1).mean(),
            "mask": 4 * self.gamma * mask_divergence(log_masks, decoded).mean(),
        }
        with torch.no_grad():
            error = (log_masks.exp() * wrong).sum(1).mean() / 3
        return Losses(terms, {"error": error})
