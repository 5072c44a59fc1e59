"""Factor-VAE (Kim & Mnih 2018): a VAE and a discriminator that tells its latents from latents that were shuffled among
pictures, dimension by dimension. What it finds is the total correlation, which the VAE pays for.

Two players, one loss, one backward pass: the VAE is judged by a discriminator whose parameters are detached, and the
discriminator learns from latents that are detached. So neither learns by the other's term, and one optimiser with a group
of parameters for each takes the step that two optimisers would take.
"""

from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn

from objrep_gym.models.blocks import initialise_relu, unmoved
from objrep_gym.models.gaussians import widened
from objrep_gym.models.vae import VAE, Layers
from objrep_gym.types import Clock, Losses, Scenes

LAYERS = 6  # of the discriminator, before its two logits
SLOPE = 0.2  # of its leaky ReLU below zero


@dataclass(frozen=True)
class FactorVAEConfig(Layers):
    """Factor-VAE with the numbers of Locatello et al. 2019, where γ is 10 to 100. A batch is two of the paper's: 128."""

    gamma: float = 10.0
    """Weight of the total correlation."""
    units: int = 1000
    """Of each of the discriminator's six layers."""
    discriminator_lr: float = 1e-4
    """Learning rate of the discriminator, whose Adam has betas of 0.5 and 0.9; the VAE has the stage's."""

    def build(self) -> "FactorVAE":
        return FactorVAE(self)

    def tiny(self) -> "FactorVAEConfig":
        return replace(super().tiny(), units=min(self.units, 32))  # type: ignore[return-value]


def shuffled(latents: Float[Tensor, "B D"]) -> Float[Tensor, "B D"]:
    """Every latent dealt anew among the pictures, each dimension in an order of its own (Kim & Mnih 2018, algorithm 1)."""
    return latents.gather(0, torch.rand_like(latents).argsort(0))


def discriminator(latent: int, units: int) -> nn.Sequential:
    """From latents to two logits: that they are those of pictures, and that they are shuffled."""
    hidden = [
        layer
        for i, o in pairwise((latent, *(units,) * LAYERS))
        for layer in (nn.Linear(i, o), nn.LeakyReLU(SLOPE, inplace=True))
    ]
    return nn.Sequential(*hidden, nn.Linear(units, 2))


class FactorVAE(VAE):
    """A VAE beside a discriminator (Kim & Mnih 2018, eq. 2 and 3). In training the first half of a batch is what the VAE
    learns from and the second is shuffled, as the paper's algorithm 2 has two batches; in `eval()` a picture is both."""

    config: FactorVAEConfig

    def __init__(self, config: FactorVAEConfig):
        super().__init__(config)
        self.discriminator = discriminator(config.latent, config.units)
        initialise_relu(self.discriminator)

    def losses(self, scenes: Scenes, clock: Clock) -> Losses:
        """The bound, γ times the total correlation, and the discriminator's own cross entropy, whose `terms` end in it;
        `watch` has the total correlation in nats. Raises ValueError on a single picture in training."""
        image, other = self.halves(scenes.image)
        code = self.code(image)
        nll, mse = self.drawn(code.latents, image)
        with torch.no_grad():  # after the graph of the first half: autocast would keep weights that know no gradient
            mixed = shuffled(self.code(other).latents)
        ratio = widened(unmoved(self.discriminator, code.latents))
        tc = (ratio[:, 0] - ratio[:, 1]).mean()
        judged = widened(self.discriminator(torch.cat((code.latents.detach(), mixed))))
        own, strange = judged.log_softmax(1).split((len(image), len(mixed)))
        terms = {
            "nll": nll,
            "kl": code.kl(),
            "tc": self.config.gamma * tc,
            "discriminator": -0.5 * (own[:, 0].mean() + strange[:, 1].mean()),
        }
        return Losses(terms, {"mse": mse, "correlation": tc.detach()})

    def halves(self, image: Float[Tensor, "B C H W"]) -> tuple[Tensor, Tensor]:
        """What the VAE learns from, and what is shuffled."""
        if not self.training:
            return image, image
        if len(image) < 2:
            raise ValueError("Factor-VAE shuffles the second half of a batch: it takes two pictures or more, got one")
        middle = (len(image) + 1) // 2
        return image[:middle], image[middle:]

    def parameter_groups(self, lr: float) -> list[dict[str, Any]]:
        """The VAE's, and the discriminator's with its own learning rate and betas."""
        judge = {id(parameter) for parameter in self.discriminator.parameters()}
        others = [parameter for parameter in self.parameters() if id(parameter) not in judge]
        adversary = {"lr": self.config.discriminator_lr, "betas": (0.5, 0.9)}
        return [{"params": others, "lr": lr}, {"params": list(self.discriminator.parameters()), **adversary}]
