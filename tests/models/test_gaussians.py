import math

import pytest
import torch
from torch import Tensor
from torch.distributions import Normal, kl_divergence

from objrep_gym.models.gaussians import (
    kl_to_standard,
    log_normal,
    mask_divergence,
    mixture_nll,
    reparameterise,
    slot_log_sigmas,
)


def normal_batch(*shape: int) -> tuple[Tensor, Tensor]:
    torch.manual_seed(0)
    return torch.randn(*shape), torch.randn(*shape) * 0.7


def test_kl_is_torchs_summed_over_latents():
    mean, log_sigma = normal_batch(5, 3, 4)
    reference = kl_divergence(Normal(mean.double(), log_sigma.double().exp()), Normal(0.0, 1.0)).sum(-1)
    assert torch.allclose(kl_to_standard(mean, log_sigma).double(), reference, rtol=1e-5)


def test_kl_worked_by_hand():
    # mean 1, sigma 1: half a nat per latent
    assert kl_to_standard(torch.ones(1, 6), torch.zeros(1, 6)).item() == 3.0


def test_kl_near_the_prior_keeps_its_digits():
    log_sigma = torch.full((1, 1), 1e-3)
    assert kl_to_standard(torch.zeros(1, 1), log_sigma).item() == pytest.approx(1e-6, rel=0.05)  # about log_sigma²


def test_kl_of_bf16_is_summed_in_float32():
    mean, log_sigma = normal_batch(2, 4096)
    low = kl_to_standard(mean.bfloat16(), log_sigma.bfloat16())
    assert low.dtype == torch.float32
    assert torch.allclose(low, kl_to_standard(mean, log_sigma), rtol=5e-3)


def test_log_normal_is_torchs():
    mean, log_sigma = normal_batch(4, 5)
    value = torch.randn(4, 5)
    assert torch.allclose(log_normal(value, mean, log_sigma), Normal(mean, log_sigma.exp()).log_prob(value), rtol=1e-5)


def test_samples_follow_the_posterior_and_carry_gradients():
    torch.manual_seed(0)
    mean, log_sigma = torch.full((20_000,), 2.0, requires_grad=True), torch.full((20_000,), -1.0, requires_grad=True)
    sample = reparameterise(mean, log_sigma)
    assert sample.mean().item() == pytest.approx(2, abs=0.02)
    assert sample.std().item() == pytest.approx(math.exp(-1), rel=0.03)
    sample.square().mean().backward()
    assert mean.grad is not None
    assert log_sigma.grad is not None
    assert mean.grad.sum().item() == pytest.approx(4, rel=0.05)  # d E[z²] / d mean = 2 mean
    assert log_sigma.grad.sum().item() == pytest.approx(2 * math.exp(-2), rel=0.1)


def scene() -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Image, log masks and means of 3 slots on 2 images of 5×4 pixels, and log sigmas."""
    torch.manual_seed(1)
    return (
        torch.rand(2, 3, 5, 4),
        (3 * torch.randn(2, 3, 5, 4)).log_softmax(1),
        torch.rand(2, 3, 3, 5, 4),
        slot_log_sigmas(3, 0.09, 0.11),
    )


def test_mixture_nll_is_the_naive_sum_in_float64():
    image, log_masks, means, log_sigmas = scene()
    naive = []
    for b in range(2):
        density = torch.zeros(3, 5, 4, dtype=torch.float64)
        for k, sigma in enumerate((0.09, 0.11, 0.11)):
            away = (image[b].double() - means[b, k].double()) / sigma
            normal = torch.exp(-(away**2) / 2) / (sigma * math.sqrt(2 * math.pi))
            density += log_masks[b, k].double().exp() * normal
        naive.append(-density.log().sum())
    assert torch.allclose(mixture_nll(image, log_masks, means, log_sigmas).double(), torch.stack(naive), rtol=1e-5)


def test_mixture_nll_of_a_pixel_that_no_slot_explains_is_finite_and_pulls():
    image, log_masks = torch.zeros(1, 1, 1, 1), torch.full((1, 2, 1, 1), math.log(0.5))
    means = torch.tensor([3.0, 5.0]).view(1, 2, 1, 1, 1).requires_grad_()
    loss = mixture_nll(image, log_masks, means, slot_log_sigmas(2, 0.05, 0.05))  # exp(−1800) is zero in float32
    loss.sum().backward()
    assert loss.item() == pytest.approx(1800 + math.log(0.05 * 2 * math.sqrt(2 * math.pi)), rel=1e-5)
    assert means.grad is not None
    assert means.grad.view(-1).tolist() == pytest.approx([1200, 0])  # all of it to the nearer slot


def test_an_empty_slot_does_not_enter_the_mixture():
    image, log_masks, means, log_sigmas = scene()
    log_masks = torch.cat((log_masks, torch.full((2, 1, 5, 4), -200.0)), 1)
    more = torch.cat((means, torch.rand(2, 1, 3, 5, 4)), 1)
    four = mixture_nll(image, log_masks, more, slot_log_sigmas(4, 0.09, 0.11))
    assert torch.equal(four, mixture_nll(image, log_masks[:, :3], means, log_sigmas))


def test_mask_divergence_goes_from_attention_to_decoder():
    attention = torch.tensor([0.9, 0.1]).log().view(1, 2, 1, 1)
    decoded = torch.tensor([0.5, 0.5]).log().view(1, 2, 1, 1)
    expected = 0.9 * math.log(0.9 / 0.5) + 0.1 * math.log(0.1 / 0.5)
    assert mask_divergence(attention, decoded).item() == pytest.approx(expected, rel=1e-5)
    assert mask_divergence(decoded, attention).item() != pytest.approx(expected, rel=0.1)
    assert mask_divergence(attention, attention).item() == 0


def test_mask_divergence_is_summed_over_pixels_and_blind_to_empty_slots():
    log_masks = torch.tensor([0.0, -1e4]).view(1, 2, 1, 1).expand(2, 2, 3, 7)  # the second slot is empty
    decoded = torch.tensor([0.5, 0.5]).log().view(1, 2, 1, 1).expand(2, 2, 3, 7)
    assert mask_divergence(log_masks, decoded).tolist() == pytest.approx([21 * math.log(2)] * 2)


def test_sigmas_are_the_backgrounds_then_the_foregrounds():
    assert slot_log_sigmas(3, 0.09, 0.11).exp().tolist() == pytest.approx([0.09, 0.11, 0.11])
    assert slot_log_sigmas(1, 0.09, 0.11).shape == (1,)
    with pytest.raises(ValueError, match=r"sigma_bg 0\.0 and sigma_fg 0\.11 must be above 0"):
        slot_log_sigmas(3, 0.0, 0.11)
