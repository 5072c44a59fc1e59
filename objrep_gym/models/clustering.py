"""Pixels clustered in one pass: an embedding that starts as colour and place, and stick-breaking around seed pixels in it.

Engelcke et al. 2021 (GENESIS-v2) cluster so with a Gaussian kernel. Here the kernel is logistic in the squared distance:
flat inside a cluster, Gaussian outside, and both its logarithm and that of what it leaves are smooth at the seed.
"""

from math import log

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.functional import logsigmoid

from objrep_gym.models.blocks import coordinates

# How an untrained embedding weighs chromaticity (three), RGB (three), y and x, in radii of the kernel. Measured on 200
# untrained rooms each (ARI-FG / MSC-FG): .96 / .96 published, .24 / .41 objects of one colour; without place .94 / .96 and
# .01 / .28, with twice as much of it .71 / .50 and .45 / .34, since floors and walls fall apart.
START = (8.0, 8.0, 8.0, 1.0, 1.0, 1.0, 1.0, 1.0)
DARK = 0.02  # what the chromaticity of a nearly black pixel is divided by: there it is noise


def block(inputs: int, outputs: int, stride: int = 1) -> nn.Sequential:
    """3×3 convolution, batch norm, ReLU: on a CPU a group norm's backward pass costs as much as two convolutions."""
    conv = nn.Conv2d(inputs, outputs, 3, stride=stride, padding=1, bias=False)
    return nn.Sequential(conv, nn.BatchNorm2d(outputs), nn.ReLU())


class PixelFeatures(nn.Module):
    """A U-Net that begins at half of the resolution; skips are added, its bottom is an MLP over the whole picture."""

    def __init__(self, inputs: int, widths: tuple[int, ...], size: tuple[int, int], hidden: int = 128):
        super().__init__()
        self.stem = nn.Sequential(nn.Conv2d(inputs, widths[0], 4, stride=2, padding=1), nn.ReLU())
        befores = (widths[0], *widths[:-1])
        self.down = nn.ModuleList(
            block(i, o, 1 if n == 0 else 2) for n, (i, o) in enumerate(zip(befores, widths, strict=True))
        )
        bottom = (widths[-1], size[0] // 2 ** len(widths), size[1] // 2 ** len(widths))
        flat = bottom[0] * bottom[1] * bottom[2]
        layers = (nn.Linear(flat, hidden), nn.ReLU(), nn.Linear(hidden, hidden), nn.ReLU(), nn.Linear(hidden, flat))
        self.bridge = nn.Sequential(nn.Flatten(), *layers, nn.Unflatten(1, bottom))
        afters = (*widths[-2::-1], widths[0])
        self.up = nn.ModuleList(block(i, o) for i, o in zip(reversed(widths), afters, strict=True))

    def forward(self, x: Float[Tensor, "B I H W"]) -> Float[Tensor, "B F h w"]:
        x, skips = self.stem(x), []
        for layer in self.down:
            x = layer(x)
            skips.append(x)
        x = self.bridge(x) + skips.pop()
        for layer in self.up[:-1]:
            x = functional.interpolate(layer(x), scale_factor=2, mode="nearest") + skips.pop()
        return self.up[-1](x)


class Embedding(nn.Module):
    """Where each pixel lies for clustering: a learned mixture of chromaticity, RGB and place, plus a network's opinion.

    Distances are in units of the kernel's radius. The first eight dimensions start as chromaticity, RGB, y and x. How much
    place counts is gated at every pixel, by a factor between e^−4 and e^4 that starts at one: little on floors and walls,
    which would fall apart, much on things, so that like ones in two places are two (Novotny et al. 2018 add what is
    multiplied here).
    """

    places: Tensor

    def __init__(self, dimensions: int, features: nn.Module, width: int, size: tuple[int, int], hue: int = 1):
        """`features` makes `width` channels at half of the resolution from the picture, around zero, beside y and x. Once
        it has learned, the embedding sees every hue at `hue` times its angle."""
        super().__init__()
        self.hue = hue
        if dimensions < len(START):
            raise ValueError(f"embedding {dimensions} must be at least {len(START)}: so many do colour and place take")
        self.features = features
        self.head = nn.Conv2d(width, dimensions + 1, 1)
        nn.init.normal_(self.head.weight, std=0.01)
        nn.init.constant_(self.head.get_parameter("bias"), 0.0)
        seen = torch.zeros(dimensions, 8)
        seen[:8] = torch.diag(torch.tensor(START))
        self.seen = nn.Parameter(seen[:, :, None, None])
        self.register_buffer("places", coordinates(*size)[None], persistent=False)

    def forward(self, image: Float[Tensor, "B C H W"], phase: Int[Tensor, "2"] | None = None) -> Float[Tensor, "B E h w"]:
        """At every pixel, or at every second one from `phase` (y, x) on."""
        image, places = turned(image, 1 if self.training else self.hue), self.places.expand(len(image), -1, -1, -1)
        opinion = self.head(self.features(torch.cat((image - 0.5, places), 1))).float()
        # not pixel-shuffled: four heads that disagree leave chequered masks
        opinion = functional.interpolate(opinion, scale_factor=2, mode="bilinear")
        if phase is not None:
            opinion, image, places = (every_second(each, phase) for each in (opinion, image, places))
        seen = torch.cat((image / (image.amax(1, keepdim=True) + DARK), image, places), 1)
        with torch.autocast(image.device.type, enabled=False):
            gate = (4 * torch.tanh(opinion[:, -1:] / 4)).exp()
            seen = torch.cat((seen[:, :6], seen[:, 6:] * gate), 1)
            return opinion[:, :-1] + functional.conv2d(seen, self.seen)


def turned(image: Float[Tensor, "B 3 H W"], times: int) -> Float[Tensor, "B 3 H W"]:
    """Every hue as `times` its angle, value and chroma as they are: with two, opposite hues are one."""
    if times == 1:
        return image
    value, least = image.amax(1, keepdim=True), image.amin(1, keepdim=True)
    red, green, blue = image.split(1, 1)
    chroma = value - least
    unit = chroma.clamp_min(1e-6)
    below = torch.where(value == green, (blue - red) / unit + 2, (red - green) / unit + 4)
    sixths = times * torch.where(value == red, (green - blue) / unit, below)
    offsets = image.new_tensor((5.0, 3.0, 1.0)).view(1, 3, 1, 1)  # Smith 1978, without cases
    place = (offsets + sixths) % 6
    return value - chroma * torch.minimum(place, 4 - place).clamp(0, 1)


def every_second(x: Float[Tensor, "B C H W"], phase: Int[Tensor, "2"]) -> Float[Tensor, "B C h w"]:
    """Every second pixel in each direction, from `phase` (y, x) on; the phase stays on the device."""
    rows = x.unflatten(2, (-1, 2)).index_select(3, phase[:1]).squeeze(3)
    return rows.unflatten(3, (-1, 2)).index_select(4, phase[1:]).squeeze(4)


class StickBreaking(nn.Module):
    """Seeds in the embedding, one after another, each taking its part of the scope that is left; the last gets the rest."""

    def __init__(self):
        super().__init__()
        self.log_sharpness = nn.Parameter(torch.tensor(log(8.0)))

    def logits(self, pixels: Float[Tensor, "B E N"], centres: Float[Tensor, "B J E"]) -> Float[Tensor, "B J N"]:
        """Positive within distance one of a centre."""
        # one product instead of J differences: |p − c|² = |p|² + |c|² − 2 p·c
        inside = 2 * centres @ pixels - pixels.square().sum(1, keepdim=True) - centres.square().sum(2, keepdim=True)
        # e^−60 is nothing already, and beyond it exponentials are denormal and ten times slower
        return (self.log_sharpness.exp() * (1 + inside)).clamp(-60, 60)

    def seed(self, scope: Float[Tensor, "B h w"], luck: Float[Tensor, "B h w"]) -> Int[Tensor, "B"]:
        """Which pixel begins the next cluster. Training draws it in proportion to the scope that is left (`luck` is
        exponential: Gumbel's trick); otherwise it is the one with most unexplained scope around it."""
        around = luck if self.training else functional.avg_pool2d(scope[:, None], 5, 1, 2)[:, 0]
        return (around * scope).flatten(1).argmax(1)

    @torch.no_grad()
    def centres(self, embedding: Float[Tensor, "B E h w"], slots: int) -> Float[Tensor, "B J n"]:
        """Weights over pixels whose mean is each cluster's centre: a seed, moved by one step of mean shift."""
        pixels, scope = embedding.flatten(2), torch.ones_like(embedding[:, 0])
        luck = torch.empty_like(scope).exponential_().reciprocal_() if self.training else scope
        weights = [pixels[:, :0]]  # none at all for a single slot
        for _ in range(slots - 1):
            index = self.seed(scope, luck)[:, None, None].expand(-1, pixels.shape[1], 1)
            near = self.logits(pixels, pixels.gather(2, index).mT)[:, 0].sigmoid() * scope.flatten(1)
            near = (near / near.sum(1, keepdim=True).clamp_min(1e-6))[:, None]
            weights.append(near)
            centre = near @ pixels.mT
            scope = scope * (-self.logits(pixels, centre)).sigmoid().view_as(scope)
        return torch.cat(weights, 1)

    def forward(self, embedding: Float[Tensor, "B E h w"], centres: Float[Tensor, "B J E"]) -> Float[Tensor, "B K h w"]:
        """log m_k, which sum to one over slots: eq. 4.6 with the kernel in the place of the attention network."""
        logits = self.logits(embedding.flatten(2), centres)
        leaves = logsigmoid(-logits)
        left = functional.pad(leaves.cumsum(1), (0, 0, 1, 0))
        takes = logits + leaves  # log of the sigmoid itself, at the price of a sum; logits are not extreme
        return torch.cat((left[:, :-1] + takes, left[:, -1:]), 1).clamp_min(-80).unflatten(2, embedding.shape[2:])
