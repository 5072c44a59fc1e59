"""MVAE: which candidates become objects, what they pay, and what the document fixes of the architecture."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn

from objrep_gym.models import MODELS
from objrep_gym.models.counter import Counter, CounterConfig, seen
from objrep_gym.models.likelihoods import bernoulli_nll
from objrep_gym.models.mvae import MVAE, CandidateEncoder, MVAEConfig
from objrep_gym.scenes.world import About
from objrep_gym.types import Clock, Scenes

CLOCK = Clock(torch.tensor(0), 10)


def made(**changes: object) -> MVAE:
    torch.manual_seed(0)
    return replace(MVAEConfig().tiny(), **changes).build().eval()  # type: ignore[arg-type]


def images(model: MVAE, count: int = 5) -> torch.Tensor:
    return torch.rand(count, *model.size, generator=torch.Generator().manual_seed(1))


@pytest.mark.parametrize(("grid", "cells"), [(4, 4), (8, 8)])
def test_the_documents_sizes(grid, cells):
    model = MVAEConfig(grid=grid).build()
    image = torch.rand(2, 3, 64, 64)
    assert model.information(image).shape == (2, cells, cells)
    assert model.encoder(image).shape == (2, 24, cells, cells)
    assert len([layer for layer in model.encoder.modules() if isinstance(layer, nn.Conv2d)]) == 6
    assert model.objects.unflatten.unflattened_size == (16, 8, 8)  # type: ignore[comparison-overlap]
    assert model.objects(torch.randn(3, 12)).shape[2:] == (32, 32)
    assert model.slots * model.latent_size == 60
    assert MODELS["vae-sprites"].build().latent_size == 60


def test_objects_are_the_candidates_of_the_largest_kl_in_their_order():
    model = made(grid=8)
    image = images(model)
    with torch.no_grad():
        slots, nats = model.encode(image), model.information(image)
    np.testing.assert_allclose(slots.nats, np.sort(nats.flatten(1).numpy())[:, ::-1][:, :3], rtol=1e-5)
    mean, _, all_nats = model.candidates(image)
    for i in range(len(image)):
        torch.testing.assert_close(slots.latents[i, 0], mean[i, all_nats[i].argmax()])


def test_information_is_the_kl_of_a_gaussian_from_the_standard_one():
    model = made()
    image = images(model)
    mean, log_sigma, nats = model.candidates(image)
    posterior = torch.distributions.Normal(mean, log_sigma.exp())
    expected = torch.distributions.kl_divergence(posterior, torch.distributions.Normal(0.0, 1.0)).sum(2)
    torch.testing.assert_close(nats, expected, atol=1e-4, rtol=1e-4)
    torch.testing.assert_close(model.information(image).flatten(1), expected, atol=1e-4, rtol=1e-4)


def test_only_the_chosen_pay_and_are_drawn():
    model = made(grid=8)
    image = images(model, 1)
    mean, log_sigma, nats = model.candidates(image)
    mean.retain_grad()
    chosen = nats.topk(3).indices[0]
    model.candidates = lambda image: (mean, log_sigma, nats)  # type: ignore[method-assign]
    losses = model.losses(Scenes(image), CLOCK)
    assert losses.terms["kl"].item() == pytest.approx(nats[0, chosen].sum().item(), rel=1e-5)
    losses.total().backward()
    assert mean.grad is not None
    moved = mean.grad[0].abs().sum(1) > 0
    assert set(moved.nonzero().flatten().tolist()) == set(chosen.tolist())


@pytest.mark.parametrize("pooling", ["max", "sum"])
def test_maps_of_objects_are_pooled_before_they_are_drawn(pooling):
    model = made(pooling=pooling)
    latents = torch.randn(2, 3, 6)
    maps = torch.stack([model.objects(latents[:, k]) for k in range(3)])
    pooled = maps.amax(0) if pooling == "max" else maps.sum(0)
    torch.testing.assert_close(model.logits(latents), model.render(pooled), atol=1e-5, rtol=1e-4)


def test_one_object_more_than_once_changes_nothing_under_max_pooling():
    model = made()
    latents = torch.randn(2, 3, 6)
    with torch.no_grad():
        once, twice = model.decode(latents), model.decode(torch.cat((latents, latents[:, :1]), 1))
    torch.testing.assert_close(once.image, twice.image)


def test_a_model_encodes_with_more_and_with_fewer_objects():
    model = made(grid=8)
    image = images(model)
    with torch.no_grad():
        usual = model.encode(image)
        model.slots = 5
        more = model.encode(image)
    torch.testing.assert_close(more.latents[:, :3], usual.latents)
    assert more.latents.shape[1] == 5


def test_pooling_before_the_nonlinearity_changes_nothing():
    torch.manual_seed(0)
    encoder = CandidateEncoder((32, 32), 12, 4, 8)
    image = torch.rand(2, 3, 32, 32)
    x = image
    for conv in encoder.convs:
        x = nn.functional.max_pool2d(nn.functional.elu(conv(x)), 2)
    x = torch.cat((x, encoder.places.expand(2, -1, -1, -1)), 1)
    torch.testing.assert_close(encoder(image), encoder.head(nn.functional.elu(encoder.mix(x))))


def test_the_price_of_latents_rises_to_beta():
    model = made(beta=4.0, rise=0.5)
    prices = [float(model.price(Clock(torch.tensor(step), 100))) for step in (0, 25, 50, 99)]
    assert prices == pytest.approx([1, 2.5, 4, 4])
    assert made(beta=3.0).price(CLOCK) == 3
    image = images(model)
    kl = [made(beta=beta).losses(Scenes(image), CLOCK).terms["kl"].item() for beta in (1.0, 3.0)]
    assert kl[1] == pytest.approx(3 * kl[0], rel=1e-4)


def test_likelihood_is_bernoullis():
    logits, image = torch.randn(2, 3, 4, 4), (torch.rand(2, 3, 4, 4) > 0.5).float()
    expected = -torch.distributions.Bernoulli(logits=logits).log_prob(image).sum((1, 2, 3))
    torch.testing.assert_close(bernoulli_nll(logits, image), expected)


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"grid": 6}, "grid 6 is neither 4"),
        ({"size": (40, 40)}, "multiples of 16, got 40×40"),
        ({"objects": 30}, "30 objects cannot be chosen from 4 candidates"),
        ({"rise": 1.5}, "rise 1.5 is no fraction"),
    ],
)
def test_what_cannot_be_built_is_refused(changes, told):
    with pytest.raises(ValueError, match=told):
        made(**changes)


def test_a_counter_counts_what_is_seen():
    mask = torch.zeros(3, 8, 8, dtype=torch.uint8)
    mask[0, 0], mask[0, 1], mask[1, 2], mask[2, 3] = 1, 3, 2, 9
    assert seen(mask, background=1, most=3).tolist() == [2, 1, 0]
    assert seen(mask, background=2, most=8).tolist() == [1, 1, 1]


def test_a_counter_learns_to_count():
    torch.manual_seed(0)
    counter = CounterConfig().tiny().build()
    assert isinstance(counter, Counter)
    mask = torch.zeros(32, 32, 32, dtype=torch.uint8)
    for i in range(32):
        for number in range(i % 4):
            mask[i, 10 * number : 10 * number + 6, i % 20 : i % 20 + 6] = number + 1
    image = (mask > 0).float()[:, None].repeat(1, 3, 1, 1)
    optimiser = torch.optim.Adam(counter.parameters(), 3e-3)
    for _ in range(60):
        losses = counter(Scenes(image, mask), CLOCK)
        optimiser.zero_grad()
        losses.total().backward()
        optimiser.step()
    assert losses.watch["right"] > 0.9  # type: ignore[possibly-undefined]
    assert counter.count(image).tolist() == [i % 4 for i in range(32)]
    assert torch.equal(counter.encode(image).latents[:, 0].argmax(1), counter.count(image))


def test_a_counter_refuses_what_it_cannot_learn_from():
    counter = CounterConfig().tiny().build()
    with pytest.raises(ValueError, match="learns from masks"):
        counter(Scenes(torch.rand(2, 3, 32, 32)), CLOCK)
    rooms = About(("sky", "floor", "object_0"), ("x",), (0,), background=2)
    with pytest.raises(ValueError, match="does not suit data with 1 from id 2 on"):
        counter.check_about(rooms)
    counter.check_about(About(("ground", "sprite_0"), ("x",), (0,), background=1))
    with pytest.raises(ValueError, match="most 0 must be at least 1"):
        CounterConfig(most=0).build()
