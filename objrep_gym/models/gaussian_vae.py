"""Gaussian total correlation and Gaussian KL: the latents of all pictures together are taken as one normal with a mean m
and a covariance S, and its distance from a factorised one is a closed form. Factor-VAE without a discriminator: the third
direction that Swain & Mahajan 2022 (§3.3) leave to the future.

The document has a neural network predict mean and covariance. A batch of 64 has ten dimensions' total correlation a third
of a nat too high, so there is also a running average of the moments, whose gradient is that of the batch.
"""

from dataclasses import dataclass
from typing import Any, Literal

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional

from objrep_gym.models.blocks import unmoved
from objrep_gym.models.gaussians import HALF_LOG_TWO_PI, kl_of_covariance, moments, total_correlation
from objrep_gym.models.vae import VAE, Code, Layers
from objrep_gym.types import Clock

KEPT = 0.99  # of the running moments at each step: about a hundred batches count
UNITS = 128  # of the network's layers
LEAST = 1e-3  # added to the diagonal of a predicted Cholesky factor
NETWORK_LR = 1e-3  # of the network, which has to keep up with the latents


@dataclass(frozen=True)
class GaussianVAEConfig(Layers):
    """Weights and means of a Gaussian approximation of q(z)."""

    gamma: float = 10.0
    """Weight of the distance."""
    towards: Literal["factorised", "prior"] = "factorised"
    """From what: the product of its own marginals (total correlation), or the standard normal, as the document writes."""
    moments: Literal["running", "network"] = "running"
    """Where mean and covariance come from: an average over batches, or the document's network."""

    def build(self) -> "GaussianVAE":
        return GaussianVAE(self)


class RunningMoments(nn.Module):
    """Mean and covariance of q(z), averaged over batches. The value is the average's, and the gradient that of the batch:
    d f(S) / d parameters is taken at the averaged S through the batch's share of it."""

    first: Tensor
    second: Tensor
    weight: Tensor

    def __init__(self, latent: int):
        super().__init__()
        self.register_buffer("first", torch.zeros(latent))
        self.register_buffer("second", torch.zeros(latent, latent))
        self.register_buffer("weight", torch.zeros(()))

    def forward(self, code: Code) -> tuple[Float[Tensor, "D"], Float[Tensor, "D D"], dict[str, Tensor]]:
        """m, S, and no losses of its own."""
        mean, covariance = moments(code.mean, code.log_sigma)
        with torch.no_grad():
            weight = KEPT * self.weight + (1 - KEPT)
            first = KEPT * self.first + (1 - KEPT) * mean
            second = KEPT * self.second + (1 - KEPT) * (covariance + torch.outer(mean, mean))
            if self.training:
                self.weight.copy_(weight)
                self.first.copy_(first)
                self.second.copy_(second)
            known = first / weight
            spread = second / weight - torch.outer(known, known)
        return mean + (known - mean).detach(), covariance + (spread - covariance).detach(), {}


class DeepSet(nn.Module):
    """Numbers that belong to a set of latents, whatever their order (Zaheer et al. 2017): features of each, which begin as
    the latents and their products, are averaged over the set."""

    def __init__(self, latent: int, outputs: int):
        super().__init__()
        self.each = nn.Sequential(nn.Linear(latent + latent**2, UNITS), nn.ReLU(), nn.Linear(UNITS, UNITS))
        self.all = nn.Sequential(nn.ReLU(), nn.Linear(UNITS, UNITS), nn.ReLU(), nn.Linear(UNITS, outputs))

    def forward(self, latents: Float[Tensor, "B D"]) -> Float[Tensor, "O"]:
        products = (latents[:, :, None] * latents[:, None]).flatten(1)
        return self.all(self.each(torch.cat((latents, products), 1)).mean(0))


class MomentNetwork(nn.Module):
    """Mean and covariance of q(z) as a network predicts them from a batch of latents, the covariance by its Cholesky
    factor. It learns by the likelihood of these latents, which are detached there; the VAE's term has its parameters
    detached."""

    def __init__(self, latent: int):
        super().__init__()
        self.latent = latent
        self.network = DeepSet(latent, latent + latent**2)

    def split(self, predicted: Float[Tensor, "O"]) -> tuple[Float[Tensor, "D"], Float[Tensor, "D D"]]:
        """m, and the lower triangle whose square is S."""
        mean, numbers = predicted.split((self.latent, self.latent**2))
        square = numbers.unflatten(0, (self.latent, self.latent))
        return mean, square.tril(-1) + torch.diag(functional.softplus(square.diagonal()) + LEAST)

    def forward(self, code: Code) -> tuple[Float[Tensor, "D"], Float[Tensor, "D D"], dict[str, Tensor]]:
        """m, S, and the network's own loss: −log N(z; m, S) in nats."""
        latents = code.latents.detach()
        with torch.autocast(latents.device.type, enabled=False):  # a covariance of three digits would not do
            mean, factor = self.split(unmoved(self.network, code.latents))
            own, triangle = self.split(self.network(latents))
        scaled = torch.linalg.solve_triangular(triangle, (latents - own).T, upper=False)
        nll = 0.5 * scaled.square().sum(0).mean() + triangle.diagonal().log().sum() + self.latent * HALF_LOG_TWO_PI
        return mean, (factor[:, None] * factor[None]).sum(2), {"moments": nll}


MOMENTS = {"running": RunningMoments, "network": MomentNetwork}


class GaussianVAE(VAE):
    """A VAE that pays γ for the distance of the normal N(m, S), which q(z) is taken for, from its own marginals, or from
    the standard normal."""

    config: GaussianVAEConfig

    def __init__(self, config: GaussianVAEConfig):
        super().__init__(config)
        self.moments = MOMENTS[config.moments](config.latent)

    def regularise(self, code: Code, clock: Clock) -> dict[str, Float[Tensor, ""]]:
        mean, covariance, learned = self.moments(code)
        whole = self.config.towards == "prior"
        distance = kl_of_covariance(mean, covariance) if whole else total_correlation(covariance)
        return {**super().regularise(code, clock), "gaussian": self.config.gamma * distance, **learned}

    def parameter_groups(self, lr: float) -> list[dict[str, Any]]:
        """The VAE's, and the network's with its own learning rate."""
        network = list(self.moments.parameters())
        known = {id(parameter) for parameter in network}
        vae = {"params": [parameter for parameter in self.parameters() if id(parameter) not in known], "lr": lr}
        return [vae, {"params": network, "lr": NETWORK_LR}] if network else [vae]
