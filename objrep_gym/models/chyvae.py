"""CHyVAE (Ansari & Soh 2019): a VAE whose latents have any covariance, with an inverse Wishart over the covariance of the
prior, so that latents are pressed to be independent by a prior and not by a price.

Integrated over covariances the prior of the latents is a multivariate t: Σ ~ W⁻¹(Ψ, ν), z ~ N(0, Σ), and given z again
W⁻¹(Ψ + zzᵀ, ν + 1). Ψ is (ν − D − 1)·I, so that the prior's covariance is I on average; zzᵀ has rank one, so determinant
and inverse of Ψ + zzᵀ are closed forms (Sherman & Morrison 1950), and no matrix is inverted or decomposed.
"""

import math
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional

from objrep_gym.models.gaussians import widened
from objrep_gym.models.vae import VAE, Layers
from objrep_gym.types import Clock, Losses, Scenes, Slots

LEAST = 1e-4  # added to the diagonal of the posterior's Cholesky factor, as the authors' code does


@dataclass(frozen=True)
class CHyVAEConfig(Layers):
    """CHyVAE with the layers of the dSprites studies."""

    nu: float = 200.0
    """ν, degrees of freedom of the inverse Wishart: the more, the nearer the prior is to a standard normal."""

    def build(self) -> "CHyVAE":
        """Raises ValueError on fewer degrees of freedom than a mean of the inverse Wishart needs."""
        if self.nu <= self.latent + 1:
            raise ValueError(f"nu {self.nu} must be above {self.latent + 1}: the latents and one more")
        return CHyVAE(self)


class CHyVAE(VAE):
    """A posterior N(μ, LLᵀ) of full covariance, and a hyperprior on its prior's.

    The authors add 10⁻⁴·I to LLᵀ so that a Cholesky decomposition exists; here L is that decomposition, so nothing is added
    and nothing decomposed. Their loss is known up to a constant; here it has it, so that it is a bound in nats.
    """

    config: CHyVAEConfig

    def __init__(self, config: CHyVAEConfig):
        super().__init__(config, outputs=config.latent + config.latent**2)
        self.nu, self.psi = config.nu, max(config.nu - config.latent - 1, 1.0)

    def gaussian(self, image: Float[Tensor, "B C H W"]) -> tuple[Float[Tensor, "B D"], Float[Tensor, "B D D"]]:
        """Mean μ and Cholesky factor L of the posterior."""
        mean, numbers = widened(self.encoder(image)).split((self.latent_size, self.latent_size**2), 1)
        square = numbers.unflatten(1, (self.latent_size, self.latent_size))
        diagonal = functional.softplus(square.diagonal(dim1=1, dim2=2)) + LEAST
        return mean, square.tril(-1) + torch.diag_embed(diagonal)

    def posterior(self, image: Float[Tensor, "B C H W"]) -> tuple[Float[Tensor, "B D"], Float[Tensor, "B D"]]:
        """Mean and log standard deviation of each latent by itself."""
        mean, factor = self.gaussian(image)
        return mean, 0.5 * factor.square().sum(2).log()

    def encode(self, image: Float[Tensor, "B C H W"]) -> Slots:
        """`nats` are the KL to the standard normal, whose covariance is the prior's: that to the t is no closed form."""
        self.check_size(image)
        mean, factor = self.gaussian(image)
        far = factor.square().sum((1, 2)) + mean.square().sum(1) - self.latent_size
        nats = 0.5 * far - factor.diagonal(dim1=1, dim2=2).log().sum(1)
        return Slots(mean[:, None], nats[:, None].clamp_min(0))

    def losses(self, scenes: Scenes, clock: Clock) -> Losses:
        """The pixels' negative log likelihood and the price of the latents."""
        mean, factor = self.gaussian(scenes.image)
        latents = mean + (factor * torch.randn_like(mean)[:, None]).sum(2)
        nll, mse = self.drawn(latents, scenes.image)
        return Losses({"nll": nll, **hyperprior(mean, factor, latents, self.nu, self.psi)}, {"mse": mse})

    @torch.no_grad()
    def sample(self, n: int) -> Float[Tensor, "n K D"]:
        """From the prior with its covariance integrated out, a multivariate t of ν − D + 1 degrees of freedom."""
        freedom = torch.tensor(self.nu - self.latent_size + 1.0, device=self.device)
        return super().sample(n) * (self.psi / torch.distributions.Chi2(freedom).sample((n, 1, 1))).sqrt()


def hyperprior(
    mean: Float[Tensor, "B D"], factor: Float[Tensor, "B D D"], latents: Float[Tensor, "B D"], nu: float, psi: float
) -> dict[str, Float[Tensor, ""]]:
    """What latents z ~ N(μ, LLᵀ) cost under the hyperprior (Ansari & Soh 2019), in nats, averaged over the batch.

    `kl`: −½ log det Σ + (ν+1)/2 (log det(Ψ+zzᵀ) − log det Ψ) and constants, which estimates the KL to the t.
    `covariance`: (ν+1)/2 (tr((Σ+μμᵀ+Ψ)(Ψ+zzᵀ)⁻¹) − D), the cross entropy of the second step, at least 0 on average.
    """
    size = mean.shape[1]
    length = latents.square().sum(1)
    grown = 0.5 * (nu + 1) * torch.log1p(length / psi)
    kl = grown - factor.diagonal(dim1=1, dim2=2).log().sum(1) - constant(nu, size, psi)
    spread = factor.square().sum((1, 2)) + mean.square().sum(1)
    along = (factor * latents[:, :, None]).sum(1).square().sum(1) + (mean * latents).sum(1).square()
    trace = spread - length + (length.square() - along) / (psi + length)
    return {"kl": kl.mean(), "covariance": 0.5 * (nu + 1) / psi * trace.mean()}


def constant(nu: float, size: int, psi: float) -> float:
    """The t's log normaliser, and the normal's entropy at a determinant of one."""
    gammas = math.lgamma((nu + 1) / 2) - math.lgamma((nu + 1 - size) / 2)
    return gammas - 0.5 * size * math.log(math.pi * psi) + 0.5 * size * (1 + math.log(2 * math.pi))
