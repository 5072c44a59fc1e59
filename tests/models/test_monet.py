from dataclasses import replace
from typing import Any, cast

import pytest
import torch
from torch import Tensor, nn

from objrep_gym.bench.plain import PlainMONet
from objrep_gym.metrics.cost import flops, parameters
from objrep_gym.models import MODELS
from objrep_gym.models.blocks import UNet
from objrep_gym.models.gaussians import slot_log_sigmas
from objrep_gym.models.monet import MONet, MONetConfig, RecurrentAttention
from objrep_gym.types import Clock, Losses, Scenes

CLOCK = Clock(torch.tensor(0), 1)


def tiny(**changes: Any) -> MONet:
    torch.manual_seed(0)
    return replace(MONetConfig().tiny(), **changes).build()


def seeded_losses(model: nn.Module, image: Tensor) -> Losses:
    torch.manual_seed(7)
    return cast(Any, model).losses(Scenes(image), CLOCK)


@pytest.fixture(scope="module")
def whole() -> MONet:
    """The thesis's model, at its size."""
    torch.manual_seed(0)
    return MONetConfig().build()


def test_the_model_has_the_thesis_parameters(whole: MONet):
    assert parameters(whole.attention) == 13_925_825
    assert parameters(whole.encoder) + parameters(whole.decoder) == 369_572
    assert parameters(whole) == 14_295_397


def test_clevr_has_six_blocks_each_way_and_eleven_slots():
    with torch.device("meta"):
        model = cast(MONet, MODELS["monet-clevr"].build())
    network = cast(Any, model.attention.network)
    assert (len(network.down), len(network.up), model.slots, model.size) == (6, 6, 11, (3, 128, 128))
    assert network.bridge[1].in_features == 512 * 4 * 4


def test_attention_costs_what_was_counted_and_encoding_draws_nothing(whole: MONet):
    image = torch.rand(1, 3, 64, 64)
    # 13.3e9 without the doubling kernels, which save 20 of 36 products of half of each block upwards
    doubled = 2 * 6 * 9 * (512 * 256 * 8**2 + 256 * 128 * 16**2 + 128 * 64 * 32**2 + 64 * 64 * 64**2)
    attention = 13.3e9 - doubled * 20 / 36
    made = 2 * 9 * 16 * (512 * 256 + 256 * 128 + 128 * 64 + 64 * 64)  # once, whatever the batch
    assert attention < 0.82 * 13.3e9
    assert flops(lambda: whole.attention(image, 7)) == pytest.approx(attention + made, rel=0.01)
    assert flops(lambda: whole.encode(image)) == pytest.approx(attention + made + 0.08e9, rel=0.01)
    whole_step = flops(lambda: whole.losses(Scenes(image), CLOCK))
    assert whole_step < attention + made + 0.08e9 + 2.05e9  # the decoder's first layer is saved


def test_losses_and_slots_are_those_of_the_plain_model(whole: MONet):
    plain = PlainMONet()
    plain.load_state_dict(whole.state_dict())
    image = torch.rand(2, 3, 64, 64)
    with torch.no_grad():
        fast, slow = seeded_losses(whole, image).terms, seeded_losses(plain, image).terms
        slots, expected = whole.encode(image), plain.encode(image)
        drawn, redrawn = whole.decode(slots.latents), plain.decode(slots.latents)
    for name in ("nll", "kl", "mask"):
        assert fast[name].item() == pytest.approx(slow[name].item(), rel=1e-5)
    for ours, theirs in ((slots.latents, expected.latents), (slots.nats, expected.nats)):
        assert (ours - theirs).abs().max() <= 1e-5 * max(theirs.abs().max().item(), 1)
    apart = (cast(Tensor, slots.masks) - cast(Tensor, expected.masks)).abs()
    assert apart.mean() <= 1e-5
    assert apart.max() <= 1e-4  # six passes, each of which sees the rounding of those before
    assert torch.allclose(cast(Tensor, drawn.parts), cast(Tensor, redrawn.parts).clamp(0, 1), atol=1e-5)
    assert torch.allclose(cast(Tensor, drawn.masks), cast(Tensor, redrawn.masks), atol=1e-5)


def test_gradients_are_those_of_the_plain_model():
    torch.manual_seed(0)
    model, plain = replace(MONetConfig(), size=(32, 32), slots=3, blocks=4).build().double(), PlainMONet(32, 3).double()
    plain.load_state_dict(model.state_dict())
    model.log_sigmas = slot_log_sigmas(3, 0.09, 0.11, torch.float64)  # `double()` widens digits that are gone
    image = torch.rand(1, 3, 32, 32, dtype=torch.float64)
    for each in (model, plain):
        seeded_losses(each, image).total().backward()
    for (name, ours), theirs in zip(model.named_parameters(), plain.parameters(), strict=True):
        assert ours.grad is not None, name
        assert theirs.grad is not None, name
        assert (ours.grad - theirs.grad).abs().max() <= 1e-9 * theirs.grad.abs().max(), name


class Scripted(UNet):
    """An attention network that answers with given logits and remembers what it was shown."""

    def __init__(self, *logits: float):
        super().__init__(4, 1, (1, 1), (4, 4))
        self.logits, self.seen = list(logits), []

    def draw(self, x: Tensor, kernels: Any) -> Tensor:
        self.seen.append(x)
        return torch.full_like(x[:, :1], self.logits[len(self.seen) - 1])


def test_scopes_and_masks_follow_equations_4_2_and_4_3():
    logits = (0.3, -1.2, 2.0)
    attention = RecurrentAttention(network := Scripted(*logits))
    image = torch.rand(1, 3, 2, 2)
    masks = attention(image, 4).exp()[0, :, 0, 0].double()
    scope, scopes, expected = 1.0, [], []
    for alpha in torch.tensor(logits, dtype=torch.float64).sigmoid().tolist():
        scopes.append(scope)
        expected.append(scope * alpha)
        scope *= 1 - alpha
    assert masks.tolist() == pytest.approx([*expected, scope], rel=1e-6)
    assert len(network.seen) == 3  # K − 1 passes: the last mask is the remaining scope
    for seen, before in zip(network.seen, scopes, strict=True):
        assert torch.equal(seen[:, :3], image)
        assert seen[:, 3:].exp().unique().tolist() == pytest.approx([before], rel=1e-6)


@pytest.mark.parametrize("alpha", [-90.0, -20.0, -0.5, 0.0, 3.0, 90.0])
def test_log_space_equals_equation_4_6_where_that_can_be_computed(alpha: float):
    log_masks = RecurrentAttention(Scripted(alpha))(torch.zeros(1, 3, 1, 1), 2)[0, :, 0, 0]
    exact = torch.tensor(alpha, dtype=torch.float64)
    log_sigmoid = torch.nn.functional.logsigmoid(exact)
    assert log_masks.tolist() == pytest.approx([log_sigmoid.item(), (log_sigmoid - exact).item()], rel=1e-5, abs=1e-7)
    assert (log_masks <= 0).all()


def test_certain_masks_stay_finite_and_sum_to_one():
    log_masks = RecurrentAttention(Scripted(200.0, -300.0, 150.0, 80.0))(torch.zeros(2, 3, 4, 4), 5)
    assert log_masks.isfinite().all()
    assert torch.allclose(log_masks.exp().sum(1), torch.ones(2, 4, 4))


def test_beta_and_gamma_weigh_their_terms_alone():
    image = torch.rand(2, 3, 32, 32)
    one, other = (seeded_losses(tiny(beta=b, gamma=g), image).terms for b, g in ((0.5, 0.5), (2.0, 0.125)))
    assert other["nll"].item() == pytest.approx(one["nll"].item())
    assert other["kl"].item() == pytest.approx(4 * one["kl"].item())
    assert other["mask"].item() == pytest.approx(one["mask"].item() / 4)


def test_nats_are_the_kl_that_is_paid_for():
    model, image = tiny(beta=0.5), torch.rand(3, 3, 32, 32)
    assert model.encode(image).nats.sum(1).mean().item() * 0.5 == pytest.approx(
        seeded_losses(model, image).terms["kl"].item()
    )


def test_the_first_slot_has_the_backgrounds_sigma():
    assert tiny().log_sigmas.exp().tolist() == pytest.approx([0.09, 0.11, 0.11])


def test_initialisers_differ_and_start_finite():
    images = torch.rand(2, 3, 64, 64)
    default, kaiming = (replace(MONetConfig(), init=rule).build() for rule in ("default", "kaiming"))
    spread = [cast(Any, m.attention.network).head.weight.std().item() for m in (default, kaiming)]
    assert spread[1] > 5 * spread[0]  # k = 2 / 1 against 1 / 64
    with torch.no_grad():
        for model in (default, kaiming):
            assert seeded_losses(model, images).total().item() < 1e6


def test_a_trained_model_takes_scenes_apart_into_more_slots():
    model, image = tiny(), torch.rand(2, 3, 32, 32)
    few = model.encode(image)
    model.slots = 9
    slots = model.encode(image)
    assert slots.latents.shape == (2, 9, 6)
    assert torch.allclose(slots.latents[:, :2], few.latents[:, :2], atol=1e-6)  # only the rest is divided further
    assert torch.allclose(cast(Tensor, slots.masks)[:, 2:].sum(1), cast(Tensor, few.masks)[:, 2], atol=1e-5)
    assert cast(Tensor, model.decode(slots.latents).parts).shape == (2, 9, 3, 32, 32)


def test_watching_costs_no_gradient():
    losses = seeded_losses(tiny(), torch.rand(2, 3, 32, 32))
    assert set(losses.terms) == {"nll", "kl", "mask"}
    assert not losses.watch["mse"].requires_grad
