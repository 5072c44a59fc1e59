"""CHyVAE: its closed forms against explicit inverses, determinants and torch's distributions, in float64."""

import math
from dataclasses import replace

import pytest
import torch
from torch import Tensor
from torch.distributions import MultivariateNormal, StudentT, kl_divergence

from objrep_gym.models.chyvae import CHyVAEConfig, hyperprior
from objrep_gym.types import Clock, Scenes

NU, SIZE = 11.0, 4
PSI = NU - SIZE - 1


def posterior(batch: int = 3) -> tuple[Tensor, Tensor, Tensor]:
    """μ, L and a sample."""
    torch.manual_seed(0)
    mean, square = torch.randn(batch, SIZE).double(), torch.randn(batch, SIZE, SIZE).double()
    factor = square.tril(-1) + torch.diag_embed(square.diagonal(dim1=1, dim2=2).abs() + 0.1)
    return mean, factor, mean + (factor @ torch.randn(batch, SIZE, 1).double())[..., 0]


def test_the_price_is_the_papers_with_explicit_inverse_and_determinant():
    """−E[−(ν+1)/2 log det(Ψ+zzᵀ) + ½ log det Σ − (ν+1)/2 tr((Σ+μμᵀ+Ψ)(Ψ+zzᵀ)⁻¹)], and what is constant in it."""
    mean, factor, latents = posterior()
    sigma, prior = factor @ factor.mT, PSI * torch.eye(SIZE).double()
    grown = prior + latents[:, :, None] * latents[:, None]
    inner = sigma + mean[:, :, None] * mean[:, None] + prior
    trace = (inner @ torch.linalg.inv(grown)).diagonal(dim1=1, dim2=2).sum(1)
    paper = -(-0.5 * (NU + 1) * torch.logdet(grown) + 0.5 * torch.logdet(sigma) - 0.5 * (NU + 1) * trace)
    prices = [hyperprior(mean[i, None], factor[i, None], latents[i, None], NU, PSI) for i in range(len(mean))]
    ours, covariance = (torch.stack([find(price) for price in prices]) for find in (total, lambda p: p["covariance"]))
    torch.testing.assert_close(covariance, 0.5 * (NU + 1) * (trace - SIZE))
    torch.testing.assert_close(ours - ours[0], paper - paper[0])


def total(price: dict[str, Tensor]) -> Tensor:
    return price["kl"] + price["covariance"]


def density_of_t(latents: Tensor) -> Tensor:
    """log density of the multivariate t, by torch's Student of one dimension after another: z_i given those before is a t
    of one more degree of freedom whose scale has grown by their squares."""
    freedom, total = NU - SIZE + 1, torch.zeros(len(latents)).double()
    scale = torch.full((len(latents),), PSI).double()
    for latent in latents.T:
        total += StudentT(freedom, 0.0, (scale / freedom).sqrt()).log_prob(latent)
        scale, freedom = scale + latent.square(), freedom + 1
    return total


def test_the_first_part_is_a_kl_in_nats():
    mean, factor, _ = posterior(1)
    torch.manual_seed(1)
    many = mean + torch.randn(50_000, SIZE).double() @ factor[0].T
    found = hyperprior(mean.expand_as(many), factor.expand(len(many), -1, -1), many, NU, PSI)["kl"]
    expected = -MultivariateNormal(mean[0], scale_tril=factor[0]).entropy() - density_of_t(many).mean()
    assert found.item() == pytest.approx(expected.item(), abs=1e-9)
    assert found.item() > 0


def test_the_second_part_is_not_negative_on_average():
    mean, factor, _ = posterior(1)
    torch.manual_seed(1)
    many = mean + torch.randn(20_000, SIZE).double() @ factor[0].T
    found = hyperprior(mean.expand_as(many), factor.expand(len(many), -1, -1), many, NU, PSI)["covariance"]
    assert found.item() > 0


def test_with_many_degrees_of_freedom_the_prior_is_a_standard_normal():
    mean, factor, _ = posterior(1)
    torch.manual_seed(1)
    many = mean + torch.randn(100_000, SIZE).double() @ factor[0].T
    nu = 1e7
    found = hyperprior(mean.expand_as(many), factor.expand(len(many), -1, -1), many, nu, nu - SIZE - 1)["kl"]
    own = MultivariateNormal(mean[0], scale_tril=factor[0])
    exact = kl_divergence(own, MultivariateNormal(torch.zeros(SIZE).double(), torch.eye(SIZE).double()))
    assert found.item() == pytest.approx(exact.item(), abs=0.05)


def test_nats_are_the_kl_to_a_standard_normal_and_deviations_are_the_marginals():
    model = replace(CHyVAEConfig().tiny(), latent=4).build().double().eval()
    image = torch.rand(3, *model.size).double()
    with torch.no_grad():
        mean, factor = model.gaussian(image)
        nats = model.encode(image).nats[:, 0]
        _, log_sigma = model.posterior(image)
    own = MultivariateNormal(mean, scale_tril=factor)
    standard = MultivariateNormal(torch.zeros(4).double(), torch.eye(4).double())
    torch.testing.assert_close(nats, kl_divergence(own, standard))
    torch.testing.assert_close(log_sigma.exp().square(), own.covariance_matrix.diagonal(dim1=1, dim2=2))
    assert factor.triu(1).abs().max() == 0
    assert factor.diagonal(dim1=1, dim2=2).min() >= 1e-4


def test_samples_of_latents_have_the_posteriors_covariance():
    torch.manual_seed(0)
    model = replace(CHyVAEConfig().tiny(), latent=2).build()
    image = torch.rand(1, *model.size)
    with torch.no_grad():
        _, factor = model.gaussian(image)
        seen: list[Tensor] = []
        model.decoder.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0]))
        model(Scenes(image.expand(4000, -1, -1, -1)), Clock(torch.tensor(0), 1))
    torch.testing.assert_close(torch.cov(seen[0].T), (factor @ factor.mT)[0], rtol=0.1, atol=0.1)


def test_samples_of_the_prior_are_a_t_with_the_covariance_of_a_standard_normal():
    torch.manual_seed(0)
    model = CHyVAEConfig(nu=20.0).tiny().build()
    latents = model.sample(40_000)[:, 0].double()
    freedom = 20 - 6 + 1
    torch.testing.assert_close(torch.cov(latents.T), torch.eye(6).double(), rtol=0, atol=0.05)
    kurtosis = latents[:, 0].pow(4).mean() / latents[:, 0].square().mean() ** 2
    assert kurtosis.item() == pytest.approx(3 + 6 / (freedom - 4), rel=0.1)


def test_too_few_degrees_of_freedom_are_refused():
    with pytest.raises(ValueError, match=r"nu 11.0 must be above 11"):
        CHyVAEConfig(nu=11.0).build()
    assert math.isfinite(CHyVAEConfig(nu=11.5).tiny().build().psi)
