"""Gaussians, and mixtures of them over slots. Everything is in nats and summed, never averaged, over pixels and latents;
sums over many pixels and logarithms of masks are kept in float32 or more whatever precision the layers ran in."""

import math

import torch
from jaxtyping import Float
from torch import Tensor

HALF_LOG_TWO_PI = 0.5 * math.log(2 * math.pi)


def widened(x: Float[Tensor, "*N"]) -> Float[Tensor, "*N"]:
    """At least float32: what autocast computed in 16 bits is widened, float64 stays what it is."""
    return x if x.dtype == torch.float64 else x.float()


def kl_to_standard(mean: Float[Tensor, "*N D"], log_sigma: Float[Tensor, "*N D"]) -> Float[Tensor, "*N"]:
    """KL(N(mean, sigma²) ‖ N(0, 1)) in nats, summed over the last axis."""
    mean, log_sigma = widened(mean), widened(log_sigma)
    return (0.5 * (mean.square() + torch.expm1(2 * log_sigma)) - log_sigma).sum(-1)


def kl_between(
    mean: Float[Tensor, "*N D"],
    log_sigma: Float[Tensor, "*N D"],
    other_mean: Float[Tensor, "*N D"],
    other_log_sigma: Float[Tensor, "*N D"],
) -> Float[Tensor, "*N"]:
    """KL(N(mean, sigma²) ‖ N(other mean, other sigma²)) in nats, summed over the last axis."""
    ratio = widened(log_sigma) - widened(other_log_sigma)
    apart = (widened(mean) - widened(other_mean)) * torch.exp(-widened(other_log_sigma))
    return (0.5 * (apart.square() + torch.expm1(2 * ratio)) - ratio).sum(-1)


def reparameterise(mean: Float[Tensor, "*N"], log_sigma: Float[Tensor, "*N"]) -> Float[Tensor, "*N"]:
    """A sample of N(mean, sigma²) that carries gradients to both (Kingma & Welling 2014, eq. 4)."""
    return mean + torch.randn_like(mean) * log_sigma.exp()


def log_normal(
    value: Float[Tensor, "*#N"], mean: Float[Tensor, "*#N"], log_sigma: Float[Tensor, "*#N"]
) -> Float[Tensor, "*#N"]:
    """log N(value; mean, sigma²) of each element, in float32."""
    scaled = (widened(value) - widened(mean)) * torch.exp(-log_sigma)
    return -0.5 * scaled.square() - (log_sigma + HALF_LOG_TWO_PI)


def log_aggregate(
    latents: Float[Tensor, "B D"], mean: Float[Tensor, "B D"], log_sigma: Float[Tensor, "B D"], examples: int | None
) -> tuple[Float[Tensor, "B"], Float[Tensor, "B"]]:
    """log q(z) and Σ log q(z_j), of the posterior of all `examples` together, estimated from a batch of them (the
    minibatch-weighted sampling of Chen et al. 2018, eq. S4). Without a number of examples, as if the batch were all: that
    changes both by a constant."""
    weight = math.log(len(latents) * (examples or 1))
    pairs = log_normal(latents[:, None], mean[None], log_sigma[None])  # of latents (row) under a posterior (column)
    size = latents.shape[1]
    return pairs.sum(2).logsumexp(1) - weight, pairs.logsumexp(1).sum(1) - size * weight


def moments(
    mean: Float[Tensor, "B D"], log_sigma: Float[Tensor, "B D"] | None = None
) -> tuple[Float[Tensor, "D"], Float[Tensor, "D D"]]:
    """Mean and covariance of the posteriors of a batch taken together: Cov(μ) + diag E[σ²]; without sigmas, of the means
    alone. By products and sums, which autocast leaves in float32, where it would multiply matrices in 16 bits."""
    mean = widened(mean)
    middle = mean.mean(0)
    away = mean - middle
    covariance = (away[:, :, None] * away[:, None]).mean(0)
    if log_sigma is not None:
        covariance = covariance + torch.diag(torch.exp(2 * widened(log_sigma)).mean(0))
    return middle, covariance


def log_determinant(covariance: Float[Tensor, "D D"]) -> Float[Tensor, ""]:
    """log det of a positive definite matrix; of any other NaN, and nothing waits for the device to find out."""
    return 2 * torch.linalg.cholesky_ex(covariance)[0].diagonal().log().sum()


def total_correlation(covariance: Float[Tensor, "D D"]) -> Float[Tensor, ""]:
    """KL(N(m, S) ‖ Π N(m_j, S_jj)) in nats: ½ (Σ log S_jj − log det S)."""
    return 0.5 * (covariance.diagonal().log().sum() - log_determinant(covariance))


def kl_of_covariance(mean: Float[Tensor, "D"], covariance: Float[Tensor, "D D"]) -> Float[Tensor, ""]:
    """KL(N(m, S) ‖ N(0, 1)) in nats: ½ (tr S + mᵀm − D − log det S)."""
    far = covariance.diagonal().sum() + mean.square().sum() - len(mean)
    return 0.5 * (far - log_determinant(covariance))


def slot_log_sigmas(slots: int, sigma_bg: float, sigma_fg: float, dtype: torch.dtype = torch.float32) -> Float[Tensor, "K"]:
    """log of the pixels' standard deviation per slot: `sigma_bg` for the first, `sigma_fg` for all others.
    Raises ValueError if one is not positive."""
    if min(sigma_bg, sigma_fg) <= 0:
        raise ValueError(f"sigma_bg {sigma_bg} and sigma_fg {sigma_fg} must be above 0 (the thesis has 0.09 and 0.11)")
    return torch.tensor([sigma_bg] + [sigma_fg] * (slots - 1), dtype=dtype).log()


def mixture_nll(
    image: Float[Tensor, "B C H W"],
    log_masks: Float[Tensor, "B K H W"],
    means: Float[Tensor, "B K C H W"],
    log_sigmas: Float[Tensor, "K"],
) -> Float[Tensor, "B"]:
    """−log Σ_k m_k N(x; x̂_k, σ_k²), mixed per pixel and channel and summed over both (first term of eq. 4.7).

    The mask stands inside the logarithm, and logsumexp keeps a pixel that every slot explains badly finite."""
    sigmas = log_sigmas.view(1, -1, 1, 1, 1)
    joint = log_normal(image.unsqueeze(1), means, sigmas) + widened(log_masks).unsqueeze(2)
    return -joint.logsumexp(1).sum((1, 2, 3))


def mask_divergence(log_masks: Float[Tensor, "B K H W"], decoded_log_masks: Float[Tensor, "B K H W"]) -> Float[Tensor, "B"]:
    """KL(q(c|x) ‖ p(c|z)) from attention masks to decoded masks, both normalised over slots, summed over pixels (third
    term of eq. 4.7). Not symmetric: slots that attention left empty cost nothing."""
    log_masks = widened(log_masks)
    return (log_masks.exp() * (log_masks - widened(decoded_log_masks))).sum((1, 2, 3))
