"""The β-VAE as Golla, Caspari & Oezkan 2021 wrote it for their ellipses, and their spatial broadcast decoder.

They do not give kernels and strides: those of the tutorial that they began with are 3×3 and 2, and so are those of the
encoder in front of their spatial broadcast decoder here. Nor do they say how much L2 is "slight".
"""

from dataclasses import dataclass
from itertools import pairwise

import torch
from jaxtyping import Float
from torch import Tensor, nn

from objrep_gym.models.blocks import SpatialBroadcastDecoder, halved, odd
from objrep_gym.models.vae import VAE, Code, Pictures
from objrep_gym.types import Clock

BROADCAST = (64, 64)  # channels of the decoder's 3×3 convolutions before its last, which is 3×3 too


@dataclass(frozen=True)
class EllipseVAEConfig(Pictures):
    """The document's β-VAE. With `decoder="broadcast"` it is their spatial broadcast decoder, whose encoder has four
    convolutions of 64."""

    widths: tuple[int, ...] = (32, 64, 64)
    """Channels of the encoder's convolutions; the decoder has them in reverse."""
    beta: float = 4.0
    """Weight of the KL."""
    dropout: float = 0.0
    """Share of the flattened maps that is left out in training, before the latents."""
    batch_norm: bool = False
    """Normalise the maps of the encoder and of the mirrored decoder over the batch."""
    l2: float = 1e-4
    """Weight of the squared weights of all layers, biases left out."""

    def build(self) -> "EllipseVAE":
        """Raises ValueError on a dropout that leaves nothing."""
        if not 0 <= self.dropout < 1:
            raise ValueError(f"dropout {self.dropout} is no share of the maps: it must be from 0 to below 1")
        return EllipseVAE(self)

    def norm(self, channels: int) -> tuple[nn.Module, ...]:
        """What stands between a convolution and its ReLU."""
        return (nn.BatchNorm2d(channels),) if self.batch_norm else ()

    def make_encoder(self, outputs: int) -> nn.Module:
        (height, width) = halved(self.size, len(self.widths), "an encoder of {} halvings", up=True)[-1]
        convs = [
            layer
            for i, o in pairwise((self.channels, *self.widths))
            for layer in (nn.Conv2d(i, o, 3, stride=2, padding=1), *self.norm(o), nn.ReLU(inplace=True))
        ]
        dropout = (nn.Dropout(self.dropout),) if self.dropout else ()
        return nn.Sequential(*convs, nn.Flatten(), *dropout, nn.Linear(self.widths[-1] * height * width, outputs))

    def make_decoder(self) -> nn.Module:
        if self.decoder == "broadcast":
            return SpatialBroadcastDecoder(self.latent, self.channels, BROADCAST, self.size, last=3)
        back = self.widths[::-1]
        sizes = halved(self.size, len(back), "{} doublings", up=True)[::-1]
        start = (nn.Linear(self.latent, back[0] * sizes[0][0] * sizes[0][1]), nn.Unflatten(1, (back[0], *sizes[0])))
        doublings = [
            layer
            for (i, o), (small, large) in zip(pairwise((back[0], *back)), pairwise(sizes), strict=True)
            for layer in (doubling(i, o, odd(small, large)), *self.norm(o), nn.ReLU(inplace=True))
        ]
        last = nn.ConvTranspose2d(back[-1], self.channels, 3, padding=1)
        return nn.Sequential(*start, nn.ReLU(inplace=True), *doublings, last)


def doubling(inputs: int, outputs: int, beyond: tuple[int, int]) -> nn.ConvTranspose2d:
    """A 3×3 transposed convolution of stride 2, to a size that lies `beyond` twice the smaller one: by 0, or −1 if odd."""
    return nn.ConvTranspose2d(inputs, outputs, 3, 2, 1, output_padding=(1 + beyond[0], 1 + beyond[1]))


class EllipseVAE(VAE):
    """A β-VAE whose weights cost a little too."""

    config: EllipseVAEConfig

    def __init__(self, config: EllipseVAEConfig):
        super().__init__(config, config.beta)

    def regularise(self, code: Code, clock: Clock) -> dict[str, Float[Tensor, ""]]:
        """β times the KL, and the squared weights of convolutions and linear layers."""
        terms = super().regularise(code, clock)
        if self.config.l2 == 0:
            return terms
        weights = [parameter for parameter in self.parameters() if parameter.ndim > 1]
        return {**terms, "l2": self.config.l2 * torch.stack([weight.square().sum() for weight in weights]).sum()}
