"""Factor-VAE: two players in one loss, held against two optimisers and against a plain reading of the paper."""

from dataclasses import replace

import pytest
import torch
from torch import Tensor

from objrep_gym.bench.plain import PlainFactorVAE
from objrep_gym.models.factor_vae import FactorVAE, FactorVAEConfig, shuffled
from objrep_gym.types import Clock, Losses, Scenes

CLOCK = Clock(torch.tensor(0), 1)
TOY = replace(FactorVAEConfig().tiny(), size=(16, 16), latent=3, widths=(2, 2, 4, 4), hidden=8, units=8, gamma=5.0)


def toy(config: FactorVAEConfig = TOY) -> tuple[FactorVAE, PlainFactorVAE]:
    """The model, and the plain one with the same weights."""
    torch.manual_seed(0)
    model, plain = config.build(), PlainFactorVAE(config)
    plain.load_state_dict(model.state_dict())
    return model, plain


def pictures(model: FactorVAE, count: int = 8) -> Scenes:
    return Scenes(torch.rand(count, *model.size, generator=torch.Generator().manual_seed(1)))


def losses(model: FactorVAE, scenes: Scenes) -> Losses:
    torch.manual_seed(2)
    return model(scenes, CLOCK)


def gradients(model: FactorVAE, term: Tensor) -> dict[str, bool]:
    """Of each parameter, whether a term reaches it."""
    model.zero_grad()
    term.backward()
    return {name: value.grad is not None and bool(value.grad.any()) for name, value in model.named_parameters()}


def test_no_gradient_of_the_discriminators_loss_reaches_the_vae():
    model, _ = toy()
    reached = gradients(model, losses(model, pictures(model)).terms["discriminator"])
    assert {name for name, there in reached.items() if there} == {n for n in reached if n.startswith("discriminator.")}


def test_no_gradient_of_the_vaes_terms_reaches_the_discriminator():
    model, _ = toy()
    terms = losses(model, pictures(model)).terms
    reached = gradients(model, terms["nll"] + terms["kl"] + terms["tc"])
    assert {name for name, there in reached.items() if there} == {n for n in reached if not n.startswith("discriminator.")}
    only = gradients(model, losses(model, pictures(model)).terms["tc"])
    assert all(there == name.startswith("encoder.") for name, there in only.items())


def test_after_200_steps_the_parameters_are_those_of_two_optimisers():
    model, plain = toy()
    model.double(), plain.double()
    scenes = Scenes(pictures(model).image.double())
    one, two = torch.optim.Adam(model.parameter_groups(1e-4), lr=1e-4), plain.optimisers()
    before = {name: value.clone() for name, value in model.state_dict().items()}
    for step in range(200):
        torch.manual_seed(step)
        one.zero_grad()
        model(scenes, CLOCK).total().backward()
        one.step()
        torch.manual_seed(step)
        plain.learn(scenes, two)
    for name, value in model.state_dict().items():
        torch.testing.assert_close(value, plain.state_dict()[name], rtol=1e-9, atol=1e-12, msg=name)
        assert not torch.equal(value, before[name]), name


def test_a_step_in_float32_is_the_plain_one():
    model, plain = toy(replace(FactorVAEConfig(), units=64))  # pictures and layers of the paper
    scenes = pictures(model, 16)
    losses(model, scenes).total().backward()
    torch.manual_seed(2)
    plain.learn(scenes, plain.optimisers())
    for name, value in model.named_parameters():
        other = plain.get_parameter(name).grad
        assert other is not None
        torch.testing.assert_close(value.grad, other, rtol=1e-3, atol=1e-5 * float(other.abs().max()), msg=name)


def test_terms_are_those_of_the_plain_form():
    model, plain = toy()
    scenes = pictures(model)
    found = losses(model, scenes)
    image, other = scenes.image.chunk(2)
    torch.manual_seed(2)
    loss, latents = plain.vae_loss(image)
    judged = plain.discriminator_loss(latents, other)
    torch.testing.assert_close(found.terms["discriminator"], judged)
    torch.testing.assert_close(found.total(), loss + judged)
    assert found.terms["tc"].item() == pytest.approx(5 * found.watch["correlation"].item())


def test_each_player_has_its_own_adam():
    model, _ = toy(replace(TOY, discriminator_lr=3e-4))
    vae, judge = model.parameter_groups(1e-3)
    assert (vae["lr"], judge["lr"], judge["betas"]) == (1e-3, 3e-4, (0.5, 0.9))
    assert "betas" not in vae
    assert {id(p) for p in judge["params"]} == {id(p) for p in model.discriminator.parameters()}


def test_shuffled_latents_keep_their_dimension_and_lose_their_partners():
    torch.manual_seed(0)
    latents = torch.arange(64.0)[:, None] + torch.tensor([0.0, 100.0, 200.0])
    dealt = shuffled(latents)
    assert torch.equal(dealt.sort(0).values, latents)
    partners = dealt - dealt[:, :1]
    assert not torch.equal(partners, latents - latents[:, :1])
    assert not torch.equal(dealt[:, 1] - 100, dealt[:, 2] - 200)


def test_the_second_half_is_shuffled_in_training_and_all_pictures_are_both_else():
    model, _ = toy()
    scenes = pictures(model)
    first = losses(model, Scenes(scenes.image.clone().index_fill_(0, torch.arange(4, 8), 0.0))).terms
    assert torch.equal(losses(model, scenes).terms["nll"], first["nll"])
    assert not torch.equal(losses(model, scenes).terms["discriminator"], first["discriminator"])
    odd, even = model.halves(scenes.image[:7])
    assert (len(odd), len(even)) == (4, 3)
    model.eval()
    assert all(torch.equal(half, scenes.image) for half in model.halves(scenes.image))
    assert losses(model, Scenes(scenes.image[:1])).total().isfinite()


def test_one_picture_cannot_be_shuffled():
    model, _ = toy()
    with pytest.raises(ValueError, match="two pictures or more, got one"):
        model(Scenes(pictures(model).image[:1]), CLOCK)


@pytest.mark.parametrize(("correlation", "nats"), [(0.0, 0.0), (0.9, 0.830)])
def test_a_trained_discriminator_finds_the_correlation_of_a_known_normal(correlation: float, nats: float):
    """−½ log(1 − ρ²) nats of two latents with correlation ρ (the density ratio of eq. 3)."""
    torch.manual_seed(0)
    model = replace(FactorVAEConfig().tiny(), latent=2, units=64).build()
    judge = model.discriminator
    optimiser = torch.optim.Adam(judge.parameters(), lr=1e-3)
    mixing = torch.tensor([[1.0, 0.0], [correlation, (1 - correlation**2) ** 0.5]])
    for _ in range(300):
        latents = torch.randn(512, 2) @ mixing.T
        logits = judge(torch.cat((latents, shuffled(torch.randn(512, 2) @ mixing.T)))).log_softmax(1)
        optimiser.zero_grad()
        (-logits[:512, 0].mean() - logits[512:, 1].mean()).backward()
        optimiser.step()
    with torch.no_grad():
        own, strange = judge(torch.randn(20_000, 2) @ mixing.T).unbind(1)
    assert (own - strange).mean().item() == pytest.approx(nats, abs=0.12)
