"""VAE: the arithmetic of its bound, its layers, and what it refuses."""

from dataclasses import replace

import pytest
import torch
from torch import nn

from objrep_gym.models import MODELS
from objrep_gym.models.vae import VAEConfig
from objrep_gym.types import Clock, Scenes

CLOCK = Clock(torch.tensor(0), 1)


def scenes(model) -> Scenes:
    return Scenes(torch.rand(4, *model.size, generator=torch.Generator().manual_seed(0)))


def test_the_layers_are_those_of_the_dsprites_studies():
    """32-32-64-64 of 4×4, 128 units, ten latents of two numbers: weights and biases counted by hand."""
    model = VAEConfig().build()
    convs = (16 * 32 + 32) + (16 * 32 * 32 + 32) + (16 * 32 * 64 + 64) + (16 * 64 * 64 + 64)
    encoder = convs + (64 * 4 * 4 * 128 + 128) + (128 * 20 + 20)
    mirrored = (16 * 64 * 64 + 64) + (16 * 64 * 32 + 32) + (16 * 32 * 32 + 32) + (16 * 32 * 1 + 1)
    decoder = (10 * 128 + 128) + (128 * 1024 + 1024) + mirrored
    assert sum(p.numel() for p in model.encoder.parameters()) == encoder
    assert sum(p.numel() for p in model.decoder.parameters()) == decoder


def test_the_bound_is_that_of_torch_distributions():
    model = VAEConfig(size=(32, 32)).build()
    seen = scenes(model)
    torch.manual_seed(3)
    losses = model.losses(seen, CLOCK)
    mean, log_sigma = model.posterior(seen.image)
    posterior = torch.distributions.Normal(mean, log_sigma.exp())
    kl = torch.distributions.kl_divergence(posterior, torch.distributions.Normal(0.0, 1.0)).sum(1).mean()
    torch.manual_seed(3)
    drawn = model.decoder(mean + torch.randn_like(mean) * log_sigma.exp()).sigmoid()
    nll = nn.BCELoss(reduction="sum")(drawn, seen.image) / len(seen)
    assert torch.allclose(losses.terms["kl"], kl, rtol=1e-4)
    assert torch.allclose(losses.terms["nll"], nll, rtol=1e-4)
    assert torch.allclose(losses.watch["mse"], (drawn - seen.image).square().mean(), rtol=1e-4)


def test_beta_weighs_the_kl_alone():
    torch.manual_seed(0)
    one = VAEConfig(size=(32, 32)).build()
    four = VAEConfig(size=(32, 32), beta=4.0).build()
    four.load_state_dict(one.state_dict())
    torch.manual_seed(1)
    plain = one.losses(scenes(one), CLOCK).terms
    torch.manual_seed(1)
    dear = four.losses(scenes(one), CLOCK).terms
    assert torch.allclose(dear["kl"], 4 * plain["kl"])
    assert torch.equal(dear["nll"], plain["nll"])


def test_latents_are_means_and_tell_their_nats():
    model = MODELS["vae-rooms"].build().eval()
    image = scenes(model).image
    with torch.no_grad():
        slots = model.encode(image)
        mean, log_sigma = model.posterior(image)
    assert torch.equal(slots.latents[:, 0], mean)
    by_hand = (0.5 * (mean**2 + (2 * log_sigma).exp() - 1) - log_sigma).sum(1)
    assert torch.allclose(slots.nats[:, 0], by_hand, rtol=1e-4)
    assert slots.masks is None


@pytest.mark.parametrize(
    ("wrong", "told"),
    [({"channels": 2}, "must be 1"), ({"size": (12, 64)}, "at least 16 pixels, got 12×64")],
    ids=["channels", "size"],
)
def test_what_cannot_be_built_is_named(wrong, told):
    with pytest.raises(ValueError, match=told):
        replace(VAEConfig(), **wrong).build()


@pytest.mark.parametrize("name", ["vae", "vae-sbd"])
def test_pictures_are_told_apart_after_a_hundred_steps(name):
    torch.manual_seed(0)
    model = MODELS[name].tiny().build()
    image = torch.zeros(4, *model.size)
    for i in range(4):
        image[i, :, 8 * i : 8 * i + 8] = 1
    optimiser = torch.optim.Adam(model.parameters(), lr=3e-3)
    for _ in range(100):
        optimiser.zero_grad()
        model.losses(Scenes(image), CLOCK).total().backward()
        optimiser.step()
    decoded = model.decode(model.encode(image).latents).image
    errors = (decoded[:, None] - image[None]).square().mean((2, 3, 4))
    assert (errors.argmin(1) == torch.arange(4)).all()
    assert errors.diagonal().mean() < 0.1
