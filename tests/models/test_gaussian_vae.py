"""Gaussian total correlation and KL: closed forms against torch's, running moments against the data's, and the network."""

import math
from dataclasses import replace

import pytest
import torch
from torch import Tensor
from torch.distributions import MultivariateNormal, Normal, kl_divergence

from objrep_gym.models.gaussian_vae import GaussianVAEConfig, MomentNetwork, RunningMoments
from objrep_gym.models.gaussians import kl_of_covariance, log_determinant, moments, total_correlation
from objrep_gym.models.vae import Code
from objrep_gym.types import Clock

CLOCK = Clock(torch.tensor(0), 1)


def covariance(size: int = 5) -> Tensor:
    torch.manual_seed(0)
    square = torch.randn(size, size, dtype=torch.float64)
    return square @ square.T + 0.1 * torch.eye(size, dtype=torch.float64)


def drawn(spread: Tensor, count: int, sigma: float = 0.1) -> Code:
    """Posteriors whose latents, taken together, have this covariance: means have it less sigma²."""
    size = len(spread)
    own = torch.linalg.cholesky(spread - sigma**2 * torch.eye(size).double())
    mean = torch.randn(count, size, dtype=torch.float64) @ own.T
    log_sigma = torch.full_like(mean, math.log(sigma))
    return Code(mean, log_sigma, mean + sigma * torch.randn_like(mean))


def test_closed_forms_are_those_of_torch_distributions():
    spread, mean = covariance(), torch.arange(5, dtype=torch.float64) / 3
    joint = MultivariateNormal(mean, spread)
    apart = MultivariateNormal(mean, torch.diag(spread.diagonal()))
    standard = MultivariateNormal(torch.zeros(5).double(), torch.eye(5).double())
    torch.testing.assert_close(total_correlation(spread), kl_divergence(joint, apart))
    torch.testing.assert_close(kl_of_covariance(mean, spread), kl_divergence(joint, standard))
    torch.testing.assert_close(log_determinant(spread), torch.logdet(spread))


def test_total_correlation_of_two_latents_by_hand():
    spread = torch.tensor([[1.0, 0.6], [0.6, 1.0]], dtype=torch.float64)
    assert total_correlation(spread).item() == pytest.approx(-0.5 * math.log(1 - 0.36))
    assert total_correlation(torch.diag(torch.tensor([4.0, 0.1]))).item() == pytest.approx(0, abs=1e-7)


def test_the_gradient_of_total_correlation_is_half_the_inverses_difference():
    spread = covariance().requires_grad_()
    (gradient,) = torch.autograd.grad(total_correlation(spread), spread)
    inverse = torch.linalg.inv(spread.detach())
    expected = 0.5 * (torch.diag(1 / spread.detach().diagonal()) - inverse)
    torch.testing.assert_close((gradient + gradient.T) / 2, expected)  # a decomposition reads one half of the matrix


def test_moments_of_a_batch_are_those_of_its_mixture():
    torch.manual_seed(0)
    mean, log_sigma = torch.randn(32, 4).double(), torch.randn(32, 4).double()
    middle, spread = moments(mean, log_sigma)
    torch.testing.assert_close(middle, mean.mean(0))
    torch.testing.assert_close(spread, torch.cov(mean.T, correction=0) + torch.diag(log_sigma.exp().square().mean(0)))
    torch.testing.assert_close(moments(mean)[1], torch.cov(mean.T, correction=0))


def test_running_moments_find_the_total_correlation_of_a_known_normal():
    """To 10⁻³, from batches of 4,096; a single batch of 64 has it a tenth of a nat and more too high."""
    torch.manual_seed(0)
    spread = torch.tensor([[1.0, 0.8, 0.0], [0.8, 1.0, 0.3], [0.0, 0.3, 1.0]], dtype=torch.float64)
    exact = total_correlation(spread).item()
    running = RunningMoments(3).double()
    for _ in range(400):
        mean, found, learned = running(drawn(spread, 4096))
    assert total_correlation(found).item() == pytest.approx(exact, abs=1e-3)
    assert mean.abs().max() < 5e-3
    assert not learned


def test_a_small_batch_is_biased_and_the_running_moments_are_not():
    torch.manual_seed(0)
    spread = torch.eye(10, dtype=torch.float64)
    batches = [drawn(spread, 64) for _ in range(150)]
    alone = sum(total_correlation(moments(code.mean, code.log_sigma)[1]).item() for code in batches) / len(batches)
    running = RunningMoments(10).double()
    averaged = [total_correlation(running(code)[1]).item() for code in batches][-1]
    assert 0.3 < alone < 0.45
    assert averaged < 0.02


def test_running_moments_have_the_average_as_value_and_the_batch_as_gradient():
    torch.manual_seed(0)
    running, spread = RunningMoments(3).double(), covariance(3)
    for _ in range(50):
        running(drawn(spread, 64))
    code = drawn(spread, 16)
    mean = code.mean.requires_grad_()
    weights = torch.randn(3, 3).double()
    _, found, _ = running(code)
    (through,) = torch.autograd.grad((weights * found).sum(), mean)
    (direct,) = torch.autograd.grad((weights * moments(mean, code.log_sigma)[1]).sum(), mean)
    torch.testing.assert_close(through, direct)
    assert not torch.allclose(found, moments(mean, code.log_sigma)[1], rtol=1e-2)


def test_running_moments_rest_outside_training_and_travel_with_the_weights():
    torch.manual_seed(0)
    model = GaussianVAEConfig().tiny().build()
    assert {"moments.first", "moments.second", "moments.weight"} <= model.state_dict().keys()
    code = Code(torch.randn(8, 6), torch.zeros(8, 6), torch.randn(8, 6))
    model.eval()
    model.regularise(code, CLOCK)
    assert model.moments.weight.item() == 0
    model.train()
    model.regularise(code, CLOCK)
    assert model.moments.weight.item() == pytest.approx(0.01)


def test_the_network_learns_the_moments_of_its_batch():
    torch.manual_seed(0)
    network = MomentNetwork(3).double()
    optimiser = torch.optim.Adam(network.parameters(), lr=1e-3)
    spread = torch.tensor([[1.0, 0.8, 0.0], [0.8, 1.0, 0.3], [0.0, 0.3, 1.0]], dtype=torch.float64)
    for _ in range(400):
        *_, learned = network(drawn(spread, 256))
        optimiser.zero_grad()
        learned["moments"].backward()
        optimiser.step()
    _, found, learned = network(drawn(spread, 4096))
    assert total_correlation(found).item() == pytest.approx(total_correlation(spread).item(), abs=0.1)
    entropy = MultivariateNormal(torch.zeros(3).double(), spread).entropy().item()
    assert learned["moments"].item() == pytest.approx(entropy, abs=0.1)


def test_the_networks_loss_is_the_likelihood_of_torch_distributions():
    torch.manual_seed(0)
    network, code = MomentNetwork(4).double(), drawn(covariance(4), 32)
    mean, spread, learned = network(code)
    expected = -MultivariateNormal(mean, spread).log_prob(code.latents).mean()
    torch.testing.assert_close(learned["moments"], expected)


@pytest.mark.parametrize("towards", ["factorised", "prior"])
def test_network_and_vae_learn_by_their_own_terms_alone(towards):
    model = replace(GaussianVAEConfig(moments="network", towards=towards).tiny(), latent=3).build()
    image = torch.rand(8, *model.size)
    for term, mine in (("moments", "moments."), ("gaussian", "encoder.")):
        model.zero_grad()
        model.regularise(model.code(image), CLOCK)[term].backward()
        reached = {name for name, value in model.named_parameters() if value.grad is not None and value.grad.any()}
        assert reached == {name for name, _ in model.named_parameters() if name.startswith(mine)}


def test_gamma_weighs_the_distance_alone():
    torch.manual_seed(0)
    code = Code(torch.randn(64, 6), torch.zeros(64, 6), torch.randn(64, 6))
    prices = [GaussianVAEConfig(gamma=gamma).tiny().build().regularise(code, CLOCK) for gamma in (1.0, 20.0)]
    assert prices[1]["gaussian"].item() == pytest.approx(20 * prices[0]["gaussian"].item())
    torch.testing.assert_close(prices[0]["kl"], prices[1]["kl"])
    by_torch = kl_divergence(Normal(code.mean, 1.0), Normal(0.0, 1.0)).sum(1).mean()
    torch.testing.assert_close(prices[0]["kl"], by_torch)


def test_the_network_has_a_rate_of_its_own():
    vae, network = GaussianVAEConfig(moments="network").tiny().build().parameter_groups(1e-4)
    assert (vae["lr"], network["lr"]) == (1e-4, 1e-3)
    assert len(GaussianVAEConfig().tiny().build().parameter_groups(1e-4)) == 1
