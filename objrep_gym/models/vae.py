"""The variational auto-encoder (Kingma & Welling 2014) and β-VAE (Higgins et al. 2017): an object model with one slot.

Layers are those of the dSprites studies (Locatello et al. 2019, Table 1 of their appendix): four 4×4 convolutions of
stride 2, one hidden layer, and the same mirrored; or the spatial broadcast decoder (Watters et al. 2019) in the place of
the mirror. Pixels are Bernoulli, as there; losses are in nats, summed over pixels and latents.
"""

from dataclasses import dataclass, replace
from typing import Literal

import torch
from jaxtyping import Float
from torch import Tensor, nn

from objrep_gym.models.base import SlotModule
from objrep_gym.models.blocks import ConvEncoder, DeconvolutionDecoder, SpatialBroadcastDecoder
from objrep_gym.models.gaussians import kl_to_standard, reparameterise, widened
from objrep_gym.models.likelihoods import bernoulli_nll
from objrep_gym.types import Clock, Decoded, Losses, Scenes, Slots

Decoder = Literal["deconvolution", "broadcast"]
BROADCAST = (64, 64, 64)  # channels of the spatial broadcast decoder's convolutions before its last


@dataclass(frozen=True)
class VAEConfig:
    """A VAE with the numbers of the dSprites studies; `beta` above 1 makes it a β-VAE."""

    size: tuple[int, int] = (64, 64)
    """Height and width in pixels; multiples of 16."""
    channels: int = 1
    """Of the pictures: 1 or 3."""
    latent: int = 10
    """D, latents of the picture."""
    beta: float = 1.0
    """Weight of the KL."""
    widths: tuple[int, int, int, int] = (32, 32, 64, 64)
    """Channels of the encoder's convolutions; the deconvolutional decoder has them in reverse."""
    hidden: int = 128
    """Units of the layer between convolutions and latents, on either side."""
    decoder: Decoder = "deconvolution"
    """The encoder's mirror, or the spatial broadcast decoder."""

    def build(self) -> "VAE":
        """Raises ValueError on channels that no picture has."""
        if self.channels not in (1, 3):
            raise ValueError(f"channels {self.channels} must be 1, for grey pictures, or 3")
        return VAE(self)

    def tiny(self) -> "VAEConfig":
        return replace(self, size=(32, 32), latent=min(self.latent, 6), widths=(16, 16, 16, 16), hidden=128)


class VAE(SlotModule):
    """One slot, which describes the whole picture. It has no masks."""

    has_masks = False

    def __init__(self, config: VAEConfig):
        super().__init__(config, (config.channels, *config.size), 1, config.latent)
        self.beta = config.beta
        self.encoder = ConvEncoder(config.channels, 2 * config.latent, config.widths, config.size, config.hidden, kernel=4)
        if config.decoder == "broadcast":
            self.decoder: nn.Module = SpatialBroadcastDecoder(config.latent, config.channels, BROADCAST, config.size)
        else:
            widths = (*reversed(config.widths), config.channels)
            self.decoder = DeconvolutionDecoder(config.latent, widths, config.size, config.hidden)
        for layer in self.modules():  # He et al. 2015: torch's own start lets the signal fade on its way through ten layers
            if isinstance(layer, nn.Linear | nn.Conv2d | nn.ConvTranspose2d):
                nn.init.kaiming_normal_(layer.weight)
                nn.init.zeros_(layer.get_parameter("bias"))

    def posterior(self, image: Float[Tensor, "B C H W"]) -> tuple[Float[Tensor, "B D"], Float[Tensor, "B D"]]:
        """Mean and log standard deviation of the latents."""
        mean, log_variance = widened(self.encoder(image)).chunk(2, 1)
        return mean, 0.5 * log_variance

    def encode(self, image: Float[Tensor, "B C H W"]) -> Slots:
        self.check_size(image)
        mean, log_sigma = self.posterior(image)
        return Slots(mean[:, None], kl_to_standard(mean, log_sigma)[:, None].clamp_min(0))

    def decode(self, latents: Float[Tensor, "B 1 D"]) -> Decoded:
        """Probabilities of the pixels."""
        return Decoded(widened(self.decoder(latents[:, 0])).sigmoid())

    def losses(self, scenes: Scenes, clock: Clock) -> Losses:
        """The negative bound with β times its KL (Higgins et al. 2017, eq. 4); `watch` has the error per pixel."""
        mean, log_sigma = self.posterior(scenes.image)
        logits = self.decoder(reparameterise(mean, log_sigma))
        terms = {
            "nll": bernoulli_nll(logits, scenes.image).mean(),
            "kl": self.beta * kl_to_standard(mean, log_sigma).mean(),
        }
        with torch.no_grad():
            mse = (widened(logits).sigmoid() - scenes.image).square().mean()
        return Losses(terms, {"mse": mse})
