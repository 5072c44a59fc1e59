"""The siblings of VAE: what each lays on its latents, by its paper's own arithmetic, and the sizes that they all take."""

import math
from dataclasses import replace

import pytest
import torch
from torch import Tensor
from torch.distributions import Normal

from objrep_gym.models import MODELS
from objrep_gym.models.ellipse_vae import EllipseVAEConfig
from objrep_gym.models.vae import AnnealedVAEConfig, BetaTCVAEConfig, Code, DIPVAEConfig
from objrep_gym.types import Clock, Scenes

FAMILY = ("vae", "annealed-vae", "factor-vae", "beta-tcvae", "dip-vae-i", "dip-vae-ii", "chyvae", "gaussian-tc")
START = Clock(torch.tensor(0), 100)


def code(batch: int = 16, latent: int = 6) -> Code:
    torch.manual_seed(0)
    mean, log_sigma = torch.randn(batch, latent).double(), (0.3 * torch.randn(batch, latent) - 1).double()
    return Code(mean, log_sigma, mean + torch.randn_like(mean) * log_sigma.exp())


@pytest.mark.parametrize("name", [*FAMILY, "gaussian-kl-network", "vae-ellipses"])
@pytest.mark.parametrize(
    ("size", "channels", "decoder"), [(28, 1, "broadcast"), (28, 3, "deconvolution"), (45, 1, "deconvolution")]
)
def test_pictures_of_any_size_and_colour_with_either_decoder(name: str, size: int, channels: int, decoder: str):
    config = replace(MODELS[name].tiny(), size=(size, size + 6), channels=channels, decoder=decoder)
    model = config.build()
    image = torch.rand(4, *model.size)
    losses = model(Scenes(image), START)
    assert losses.total().isfinite()
    assert model.decode(model.encode(image).latents).image.shape == image.shape


@pytest.mark.parametrize("name", ["vae", "beta-vae-ellipses"])
def test_a_picture_of_128_pixels_fits(name: str):
    model = replace(MODELS[name].tiny(), size=(128, 128)).build()
    assert model.decode(torch.zeros(1, 1, model.latent_size)).image.shape == (1, 1, 128, 128)


@pytest.mark.parametrize(("step", "capacity"), [(0, 0.0), (25, 12.5), (50, 25.0), (100, 25.0)])
def test_capacity_rises_to_its_end_and_stays(step: int, capacity: float):
    model = replace(AnnealedVAEConfig(rise=0.5).tiny(), gamma=7.0).build()
    now = Clock(torch.tensor(step), 100)
    assert model.capacity(now).item() == pytest.approx(capacity)
    seen = code()
    price = model.regularise(seen, now)["capacity"]
    assert price.item() == pytest.approx(7 * abs(seen.kl().item() - capacity))


def test_too_few_nats_cost_as_much_as_too_many():
    model = replace(AnnealedVAEConfig(gamma=1.0).tiny(), capacity=1000.0).build()
    latents = torch.zeros(2, 6, requires_grad=True)
    model.regularise(Code(latents + 1, latents, latents), Clock(torch.tensor(100), 100))["capacity"].backward()
    assert latents.grad is not None
    assert (latents.grad < 0).all()  # 6 nats of 1000: means are to grow


def by_hand() -> tuple[Code, float, float]:
    """Two pictures of one latent, N(0, 1) and N(2, 1), samples 0 and 2: the densities that eq. S4 adds up."""
    near, far = math.exp(0) / math.sqrt(2 * math.pi), math.exp(-2) / math.sqrt(2 * math.pi)
    mean = torch.tensor([[0.0], [2.0]], dtype=torch.float64)
    return Code(mean, torch.zeros_like(mean), mean.clone()), near, far


def test_minibatch_weighted_sampling_worked_by_hand():
    seen, near, far = by_hand()
    terms = BetaTCVAEConfig(beta=1.0).tiny().build().regularise(seen, Clock(torch.tensor(0), 1, examples=10))
    aggregate = math.log((near + far) / (2 * 10))
    prior = (math.log(near) + math.log(far)) / 2  # N(0; 0, 1) and N(2; 0, 1)
    assert terms["information"].item() == pytest.approx(math.log(near) - aggregate)
    assert terms["tc"].item() == pytest.approx(0)  # of one latent there is no correlation
    assert terms["apart"].item() == pytest.approx(aggregate - prior)


def test_the_parts_of_beta_tcvae_sum_to_the_sampled_kl_and_beta_weighs_one():
    seen, known = code(), Clock(torch.tensor(0), 1, examples=1000)
    one, six = (BetaTCVAEConfig(beta=beta).tiny().build().regularise(seen, known) for beta in (1.0, 6.0))
    given = Normal(seen.mean, seen.log_sigma.exp()).log_prob(seen.latents).sum(1)
    prior = Normal(0.0, 1.0).log_prob(seen.latents).sum(1)
    assert sum(one.values()).item() == pytest.approx((given - prior).mean().item())
    assert six["tc"].item() == pytest.approx(6 * one["tc"].item())
    assert {name: six[name].item() for name in ("information", "apart")} == {
        name: one[name].item() for name in ("information", "apart")
    }


def test_without_a_number_of_examples_only_constants_change():
    model = BetaTCVAEConfig().tiny().build()
    gradients: list[Tensor] = []
    totals = []
    for examples in (None, 10_000):
        seen = code()
        mean = seen.mean.requires_grad_()
        total = torch.stack(list(model.regularise(seen, Clock(torch.tensor(0), 1, examples)).values())).sum()
        totals.append(total.item())
        gradients.append(torch.autograd.grad(total, mean)[0])
    torch.testing.assert_close(*gradients)
    assert totals[1] - totals[0] == pytest.approx((6 - 1) * math.log(10_000) * (6 - 1))  # β−1 = 5 times D−1 = 5 logarithms


@pytest.mark.parametrize("form", ["i", "ii"])
def test_dip_pays_for_covariances_as_numpy_has_them(form: str):
    seen = code()
    config = DIPVAEConfig(form=form, off_diagonal=3.0, diagonal=7.0)  # type: ignore[arg-type]
    price = config.tiny().build().regularise(seen, START)["dip"]
    covariance = torch.cov(seen.mean.T, correction=0)
    if form == "ii":
        covariance = covariance + torch.diag(seen.log_sigma.exp().square().mean(0))
    away = covariance - torch.eye(6).double()
    weights = 3 + 4 * torch.eye(6).double()
    assert price.item() == pytest.approx((weights * away.square()).sum().item())


def test_l2_is_of_weights_and_not_of_biases():
    model = EllipseVAEConfig(l2=0.5).tiny().build()
    terms = model.regularise(code(), START)
    layers = [layer for layer in model.modules() if getattr(layer, "weight", None) is not None]
    squares = sum(layer.weight.detach().square().sum().item() for layer in layers)  # type: ignore[union-attr]
    assert terms["l2"].item() == pytest.approx(0.5 * squares, rel=1e-5)
    assert "l2" not in EllipseVAEConfig(l2=0.0).tiny().build().regularise(code(), START)


def test_the_documents_layers():
    """32-64-64 of 3×3 to 8×8, two dense layers of ten latents; back by 64-64-32 and one filter: counted by hand."""
    model = MODELS["beta-vae-ellipses"].build()
    convs = (9 * 32 + 32) + (9 * 32 * 64 + 64) + (9 * 64 * 64 + 64)
    assert sum(p.numel() for p in model.encoder.parameters()) == convs + 2 * (64 * 8 * 8 * 10 + 10)
    back = 2 * (9 * 64 * 64 + 64) + (9 * 64 * 32 + 32) + (9 * 32 + 1)
    assert sum(p.numel() for p in model.decoder.parameters()) == (10 * 4096 + 4096) + back
    broadcast = MODELS["vae-sbd-ellipses"].build()
    assert sum(p.numel() for p in broadcast.decoder.parameters()) == (9 * 12 * 64 + 64) + (9 * 64 * 64 + 64) + (9 * 64 + 1)


def test_dropout_and_batch_norm_are_there_where_asked():
    kinds = [type(layer).__name__ for layer in EllipseVAEConfig(dropout=0.2, batch_norm=True).build().modules()]
    assert kinds.count("Dropout") == 1
    assert kinds.count("BatchNorm2d") == 6  # of every convolution but the last
    model = EllipseVAEConfig(dropout=0.5).tiny().build()
    image = torch.rand(2, 1, 32, 32)
    assert not torch.equal(model.posterior(image)[0], model.posterior(image)[0])
    model.eval()
    assert torch.equal(model.posterior(image)[0], model.posterior(image)[0])


@pytest.mark.parametrize(
    ("config", "told"),
    [(AnnealedVAEConfig(rise=0.0), "rise 0.0 is no fraction"), (EllipseVAEConfig(dropout=1.0), "dropout 1.0 is no share")],
    ids=["rise", "dropout"],
)
def test_numbers_that_mean_nothing_are_named(config, told):
    with pytest.raises(ValueError, match=told):
        config.build()
