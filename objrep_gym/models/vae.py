"""The variational auto-encoder (Kingma & Welling 2014), an object model with one slot, and what was made of it by another
price on its latents: β-VAE, annealed VAE, β-TCVAE and DIP-VAE. Those with a second network, or a posterior that is not
factorised, have files of their own.

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
from objrep_gym.models.blocks import ConvEncoder, DeconvolutionDecoder, SpatialBroadcastDecoder, initialise_relu
from objrep_gym.models.gaussians import kl_to_standard, log_aggregate, log_normal, moments, reparameterise, widened
from objrep_gym.models.likelihoods import bernoulli_nll
from objrep_gym.types import Clock, Decoded, Losses, Scenes, Slots

Decoder = Literal["deconvolution", "broadcast"]


@dataclass(frozen=True)
class Pictures:
    """What all of the family have: pictures, latents and the layers between them."""

    size: tuple[int, int] = (64, 64)
    """Height and width in pixels, at least 16."""
    channels: int = 1
    """Of the pictures: 1 or 3."""
    latent: int = 10
    """D, latents of the picture."""
    widths: tuple[int, ...] = (32, 32, 64, 64)
    """Channels of the encoder's convolutions; the deconvolutional decoder has them in reverse."""
    decoder: Decoder = "deconvolution"
    """The encoder's mirror, or the spatial broadcast decoder, as wide as the encoder's last convolution."""

    def build(self) -> "VAE":
        raise NotImplementedError(f"{type(self).__name__} does not write build()")

    def tiny(self) -> "Pictures":
        return replace(self, size=(32, 32), latent=min(self.latent, 6), widths=(16,) * len(self.widths))

    def make_encoder(self, outputs: int) -> nn.Module:
        """From a picture to `outputs` numbers."""
        raise NotImplementedError(f"{type(self).__name__} does not write make_encoder()")

    def make_decoder(self) -> nn.Module:
        """From latents to a picture's logits."""
        raise NotImplementedError(f"{type(self).__name__} does not write make_decoder()")


@dataclass(frozen=True)
class Layers(Pictures):
    """The layers of the dSprites studies."""

    hidden: int = 128
    """Units of the layer between convolutions and latents, on either side."""

    def make_encoder(self, outputs: int) -> nn.Module:
        return ConvEncoder(self.channels, outputs, self.widths, self.size, self.hidden, kernel=4)

    def make_decoder(self) -> nn.Module:
        if self.decoder == "broadcast":
            return SpatialBroadcastDecoder(self.latent, self.channels, (self.widths[-1],) * 3, self.size)
        return DeconvolutionDecoder(self.latent, (*reversed(self.widths), self.channels), self.size, self.hidden)


@dataclass(frozen=True)
class VAEConfig(Layers):
    """A VAE with the numbers of the dSprites studies; `beta` above 1 makes it a β-VAE."""

    beta: float = 1.0
    """Weight of the KL."""

    def build(self) -> "VAE":
        return VAE(self, self.beta)


@dataclass(frozen=True)
class Code:
    """What a posterior says of a batch: means, log standard deviations and one sample of the latents."""

    mean: Float[Tensor, "B D"]
    log_sigma: Float[Tensor, "B D"]
    latents: Float[Tensor, "B D"]

    def kl(self) -> Float[Tensor, ""]:
        """The KL to the standard normal, in nats, averaged over the batch."""
        return kl_to_standard(self.mean, self.log_sigma).mean()


class VAE(SlotModule):
    """One slot, which describes the whole picture. It has no masks. The family differ in `regularise`.

    beta: weight of the KL, where there is one. outputs: numbers that the encoder gives, two for each latent if 0. Raises
    ValueError on channels that no picture has.
    """

    has_masks = False

    def __init__(self, config: Pictures, beta: float = 1.0, outputs: int = 0):
        if config.channels not in (1, 3):
            raise ValueError(f"channels {config.channels} must be 1, for grey pictures, or 3")
        super().__init__(config, (config.channels, *config.size), 1, config.latent)
        self.beta = beta
        self.encoder = config.make_encoder(outputs or 2 * config.latent)
        self.decoder = config.make_decoder()
        initialise_relu(self)

    def posterior(self, image: Float[Tensor, "B C H W"]) -> tuple[Float[Tensor, "B D"], Float[Tensor, "B D"]]:
        """Mean and log standard deviation of the latents."""
        mean, log_variance = widened(self.encoder(image)).chunk(2, 1)
        return mean, 0.5 * log_variance

    def code(self, image: Float[Tensor, "B C H W"]) -> Code:
        """The posterior, and a sample of it."""
        mean, log_sigma = self.posterior(image)
        return Code(mean, log_sigma, reparameterise(mean, log_sigma))

    def encode(self, image: Float[Tensor, "B C H W"]) -> Slots:
        self.check_size(image)
        mean, log_sigma = self.posterior(image)
        return Slots(mean[:, None], kl_to_standard(mean, log_sigma)[:, None].clamp_min(0))

    def decode(self, latents: Float[Tensor, "B 1 D"]) -> Decoded:
        """Probabilities of the pixels."""
        return Decoded(widened(self.decoder(latents[:, 0])).sigmoid())

    def losses(self, scenes: Scenes, clock: Clock) -> Losses:
        """The pixels' negative log likelihood and what `regularise` adds; `watch` has the error per pixel."""
        code = self.code(scenes.image)
        nll, mse = self.drawn(code.latents, scenes.image)
        return Losses({"nll": nll, **self.regularise(code, clock)}, {"mse": mse, **self.watch(code)})

    def drawn(
        self, latents: Float[Tensor, "B D"], image: Float[Tensor, "B C H W"]
    ) -> tuple[Float[Tensor, ""], Float[Tensor, ""]]:
        """−log p(image | latents) in nats, and the squared error per pixel, which carries no gradient."""
        logits = self.decoder(latents)
        with torch.no_grad():
            mse = (widened(logits).sigmoid() - image).square().mean()
        return bernoulli_nll(logits, image).mean(), mse

    def regularise(self, code: Code, clock: Clock) -> dict[str, Float[Tensor, ""]]:
        """β times the KL (Higgins et al. 2017, eq. 4)."""
        return {"kl": self.beta * code.kl()}

    def watch(self, code: Code) -> dict[str, Float[Tensor, ""]]:
        """What is written down beside the losses: the KL in nats, where its price is not 1."""
        return {} if self.beta == 1 else {"nats": code.kl().detach()}


@dataclass(frozen=True)
class AnnealedVAEConfig(Layers):
    """The annealed VAE (Burgess et al. 2018), with the numbers of Locatello et al. 2019."""

    gamma: float = 1000.0
    """Price of a nat too many, or too few."""
    capacity: float = 25.0
    """C at last, nats; the study has 5 to 100."""
    rise: float = 1 / 3
    """Fraction of a stage in which C rises from 0: the study's 10⁵ of 3·10⁵ steps."""

    def build(self) -> "AnnealedVAE":
        """Raises ValueError on a rise that is no fraction."""
        if not 0 < self.rise <= 1:
            raise ValueError(f"rise {self.rise} is no fraction of a stage: it must be above 0 and at most 1")
        return AnnealedVAE(self)


class AnnealedVAE(VAE):
    """A VAE whose KL is held at a capacity that grows (Burgess et al. 2018, eq. 8): γ |KL − C|."""

    config: AnnealedVAEConfig

    def capacity(self, clock: Clock) -> Float[Tensor, ""]:
        """C in nats at a step."""
        return self.config.capacity * (clock.step / (self.config.rise * clock.steps)).clamp_max(1)

    def regularise(self, code: Code, clock: Clock) -> dict[str, Float[Tensor, ""]]:
        return {"capacity": self.config.gamma * (code.kl() - self.capacity(clock)).abs()}

    def watch(self, code: Code) -> dict[str, Float[Tensor, ""]]:
        return {"nats": code.kl().detach()}


@dataclass(frozen=True)
class BetaTCVAEConfig(Layers):
    """β-TCVAE (Chen et al. 2018); the study of Locatello et al. 2019 has β from 1 to 10."""

    beta: float = 6.0
    """Weight of the total correlation."""

    def build(self) -> "BetaTCVAE":
        return BetaTCVAE(self, self.beta)


class BetaTCVAE(VAE):
    """A VAE whose KL is taken apart (Chen et al. 2018, eq. 4): what latents say of the picture, their total correlation,
    which costs β, and their own distance from the prior. log q(z) is estimated from the batch (their eq. S4)."""

    def regularise(self, code: Code, clock: Clock) -> dict[str, Float[Tensor, ""]]:
        joint, marginals = log_aggregate(code.latents, code.mean, code.log_sigma, clock.examples)
        given = log_normal(code.latents, code.mean, code.log_sigma).sum(1)
        nothing = torch.zeros_like(code.latents)
        prior = log_normal(code.latents, nothing, nothing).sum(1)
        return {
            "information": (given - joint).mean(),
            "tc": self.beta * (joint - marginals).mean(),
            "apart": (marginals - prior).mean(),
        }


@dataclass(frozen=True)
class DIPVAEConfig(Layers):
    """DIP-VAE (Kumar et al. 2018), with the numbers of Locatello et al. 2019: off-diagonal weights from 1 to 50, and on the
    diagonal ten times as much for I and as much for II."""

    form: Literal["i", "ii"] = "i"
    """Which covariance: of the posterior's means (I), or of the latents (II)."""
    off_diagonal: float = 10.0
    """Weight of the squared covariances."""
    diagonal: float = 100.0
    """Weight of the squared distances of the variances from 1."""

    def build(self) -> "DIPVAE":
        return DIPVAE(self)


class DIPVAE(VAE):
    """A VAE whose latents have the covariance of the prior, or pay for it (Kumar et al. 2018, eq. 6 and 7)."""

    config: DIPVAEConfig

    def regularise(self, code: Code, clock: Clock) -> dict[str, Float[Tensor, ""]]:
        _, covariance = moments(code.mean, code.log_sigma if self.config.form == "ii" else None)
        variances = covariance.diagonal()
        away = (covariance.square().sum() - variances.square().sum()) * self.config.off_diagonal
        return {**super().regularise(code, clock), "dip": away + self.config.diagonal * (variances - 1).square().sum()}
