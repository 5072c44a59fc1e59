"""Slot Attention against the paper's algorithm written out, place by place and gate by gate, and what its slots promise."""

import math
from dataclasses import replace

import pytest
import torch
from torch import Tensor
from torch.nn import functional

from objrep_gym.metrics.cost import parameters
from objrep_gym.models import MODELS
from objrep_gym.models.slot_attention import MOST, Broadcast, Places, SlotAttention, SlotAttentionConfig
from objrep_gym.types import Clock, Scenes

CLOCK = Clock(torch.tensor(0), 1)
PRESETS = ("slot-attention", "slot-attention-clevr", "slot-attention-small")
Weights = dict[str, Tensor]

every_preset = pytest.mark.parametrize("name", PRESETS)


def tiny(name: str = "slot-attention", dtype: torch.dtype = torch.float64) -> SlotAttention:
    torch.manual_seed(0)
    model = MODELS[name].tiny().build().to(dtype)
    with torch.no_grad():  # biases and gains of their own, so that none can be forgotten
        for parameter in model.parameters():
            parameter += 0.1 * torch.randn_like(parameter)
    return model


def pictures(model: SlotAttention, count: int = 2) -> Tensor:
    return torch.rand(count, *model.size, generator=torch.Generator().manual_seed(1), dtype=model.mean.dtype)


def plain_norm(x: Tensor, w: Weights, name: str) -> Tensor:
    centred = x - x.mean(-1, keepdim=True)
    return centred / (centred.square().mean(-1, keepdim=True) + 1e-5).sqrt() * w[f"{name}.weight"] + w[f"{name}.bias"]


def plain_places(w: Weights, name: str, height: int, width: int) -> Tensor:
    """(F, h, w), place by place."""
    rows = []
    for i in range(height):
        for j in range(width):
            y, x = i / (height - 1), j / (width - 1)
            rows.append(w[f"{name}.weight"] @ w[f"{name}.weight"].new_tensor([y, x, 1 - y, 1 - x]) + w[f"{name}.bias"])
    return torch.stack(rows, 1).view(-1, height, width)


def plain_mlp(x: Tensor, w: Weights, name: str, first: int) -> Tensor:
    hidden = functional.relu(x @ w[f"{name}.{first}.weight"].T + w[f"{name}.{first}.bias"])
    return hidden @ w[f"{name}.{first + 2}.weight"].T + w[f"{name}.{first + 2}.bias"]


def plain_gru(x: Tensor, h: Tensor, w: Weights) -> Tensor:
    """Cho et al. 2014, in the form that has the reset gate after the product."""
    given = (x @ w["competition.cell.weight_ih"].T + w["competition.cell.bias_ih"]).chunk(3, -1)
    kept = (h @ w["competition.cell.weight_hh"].T + w["competition.cell.bias_hh"]).chunk(3, -1)
    reset, update = torch.sigmoid(given[0] + kept[0]), torch.sigmoid(given[1] + kept[1])
    return (1 - update) * torch.tanh(given[2] + reset * kept[2]) + update * h


def plain_slots(config: SlotAttentionConfig, w: Weights, image: Tensor, noise: Tensor) -> tuple[Tensor, Tensor]:
    """Slots (K, D) of one image, and the attention (K, h, w) of the last round."""
    x = (image * 2 - 1)[None]
    for i, stride in enumerate(config.strides):
        x = functional.relu(
            functional.conv2d(
                x, w[f"features.convs.{2 * i}.weight"], w[f"features.convs.{2 * i}.bias"], stride=stride, padding=2
            )
        )
    x = x[0] + plain_places(w, "features.places.linear", *x.shape[2:])
    height, width = x.shape[1:]
    features = x.flatten(1).T
    features = plain_mlp(plain_norm(features, w, "features.mlp.0"), w, "features.mlp", 1)
    inputs = plain_norm(features, w, "competition.norm_inputs")
    keys, values = inputs @ w["competition.keys.weight"].T, inputs @ w["competition.values.weight"].T
    slots = torch.stack([w["mean"] + torch.exp(w["log_sigma"]) * one for one in noise])
    for _ in range(config.iterations):
        queries = plain_norm(slots, w, "competition.norm_slots") @ w["competition.queries.weight"].T
        attention = torch.softmax(keys @ queries.T / math.sqrt(config.latent), dim=1)  # over slots, at each place
        weights = (attention + 1e-8) / (attention + 1e-8).sum(0, keepdim=True)
        updates = torch.stack([sum(weights[n, k] * values[n] for n in range(len(values))) for k in range(len(slots))])
        slots = plain_gru(updates, slots, w)
        slots = slots + plain_mlp(plain_norm(slots, w, "competition.norm_mlp"), w, "competition.mlp", 0)
    return slots, attention.T.reshape(-1, height, width)


def plain_doubled(masks: Tensor) -> Tensor:
    """(K, h, w) at twice the size: each new place lies a quarter of a step from the old one's middle."""
    for dim in (1, 2):
        last = masks.shape[dim] - 1
        inner = [masks.select(dim, i) for i in range(last + 1)]
        rows = []
        for i, row in enumerate(inner):
            rows += [0.75 * row + 0.25 * inner[max(i - 1, 0)], 0.75 * row + 0.25 * inner[min(i + 1, last)]]
        masks = torch.stack(rows, dim)
    return masks


def plain_part(config: SlotAttentionConfig, w: Weights, slot: Tensor) -> Tensor:
    """RGB in [−1, 1] and mask logit (4, H, W) of one slot: the tiling is made."""
    height, width = config.size[0] // config.fold, config.size[1] // config.fold
    x = slot[:, None, None].expand(-1, height, width) + plain_places(w, "decoder.layers.0.places.linear", height, width)
    x = x[None]
    names = ["decoder.layers.0.conv", *(f"decoder.layers.{2 * i}" for i in range(1, len(config.rises)))]
    for name, rise in zip(names, config.rises, strict=True):
        weight, bias = w[f"{name}.weight"], w[f"{name}.bias"]
        if rise == 1:
            x = functional.conv2d(x, weight, bias, padding=2)
        else:
            x = functional.conv_transpose2d(x, weight, bias, stride=2, padding=2, output_padding=1)
        x = functional.relu(x)
    last = f"decoder.layers.{2 * len(config.rises)}"
    x = functional.conv2d(x, w[f"{last}.weight"], w[f"{last}.bias"], padding=1)
    b = config.block
    blocks = x[0].view(4, b, b, *x.shape[2:])  # channel, row and column within a block, row and column of the block
    return blocks.permute(0, 3, 1, 4, 2).reshape(4, *config.size)


def plain_image(config: SlotAttentionConfig, w: Weights, slots: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """The mixed picture (3, H, W), parts and masks of one scene, in [0, 1] but for what the decoder overshoots."""
    drawn = torch.stack([plain_part(config, w, slot) for slot in slots])
    masks, parts = drawn[:, 3].softmax(0), drawn[:, :3] / 2 + 0.5
    return (masks[:, None] * parts).sum(0), parts, masks


@every_preset
@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float64, 1e-6), (torch.float32, 1e-5)])
def test_encode_is_algorithm_1(name: str, dtype: torch.dtype, tolerance: float):
    model = tiny(name, dtype).eval()
    image = pictures(model, 2)
    with torch.no_grad():
        slots = model.encode(image)
    assert slots.masks is not None
    for b in range(2):
        found, attention = plain_slots(model.config, dict(model.state_dict()), image[b], model.noise[: model.slots])
        torch.testing.assert_close(slots.latents[b], found, rtol=tolerance, atol=tolerance)
        masks = attention if attention.shape[1:] == model.size[1:] else plain_doubled(attention)
        torch.testing.assert_close(slots.masks[b], masks, rtol=tolerance, atol=tolerance)
    assert not slots.nats.any()


@every_preset
@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float64, 1e-6), (torch.float32, 1e-5)])
def test_decode_is_a_spatial_broadcast_of_each_slot(name: str, dtype: torch.dtype, tolerance: float):
    model = tiny(name, dtype)
    latents = torch.randn(2, 4, model.latent_size, dtype=dtype)
    with torch.no_grad():
        means, masks = model.parts(latents)
        decoded = model.decode(latents)
    for b in range(2):
        _, parts, one = plain_image(model.config, dict(model.state_dict()), latents[b])
        torch.testing.assert_close(means[b], parts, rtol=tolerance, atol=tolerance)
        torch.testing.assert_close(masks[b], one, rtol=tolerance, atol=tolerance)
        mixed = (one[:, None] * parts.clamp(0, 1)).sum(0)
        torch.testing.assert_close(decoded.image[b], mixed, rtol=tolerance, atol=tolerance)


@every_preset
def test_the_loss_is_a_gaussian_of_the_mixed_picture(name: str):
    model = tiny(name)
    model.slots = 2
    image, weights = pictures(model, 2), dict(model.state_dict())
    torch.manual_seed(3)
    losses = model.losses(Scenes(image), CLOCK)
    torch.manual_seed(3)
    noise = torch.randn(2, 2, model.latent_size).double()
    total, error = 0.0, 0.0
    for b in range(2):
        drawn, _, _ = plain_image(model.config, weights, plain_slots(model.config, weights, image[b], noise[b])[0])
        total -= torch.distributions.Normal(drawn, 0.1).log_prob(image[b]).sum().item() / 2
        error += (drawn - image[b]).square().mean().item() / 2
    assert losses.total().item() == pytest.approx(total, rel=1e-5)
    assert losses.watch["mse"].item() == pytest.approx(error, rel=1e-5)


@pytest.mark.parametrize("grid", [(4, 4), (5, 9), (16, 12)])
def test_the_first_layer_without_its_tiling_is_the_one_with_it(grid: tuple[int, int]):
    torch.manual_seed(0)
    first = Broadcast(6, 5, grid).double()
    latents = torch.randn(3, 6, dtype=torch.float64, requires_grad=True)
    tiled = first.conv(latents[:, :, None, None] + first.places())
    torch.testing.assert_close(first(latents), tiled, rtol=1e-10, atol=1e-12)
    pull = torch.randn_like(tiled)
    wanted = [latents, *first.parameters()]
    ours = torch.autograd.grad((first(latents) * pull).sum(), wanted)
    theirs = torch.autograd.grad((tiled * pull).sum(), wanted)
    for one, other in zip(ours, theirs, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-9, atol=1e-10)


def test_places_are_told_from_all_four_sides():
    places = Places(4, (3, 5)).double()
    with torch.no_grad():
        places.linear.weight.copy_(torch.eye(4))
        places.linear.bias.zero_()
    torch.testing.assert_close(places()[0, :, 0, 0], torch.tensor([0.0, 0, 1, 1]).double())
    torch.testing.assert_close(places()[0, :, 1, 4], torch.tensor([0.5, 1, 0.5, 0]).double())


@pytest.mark.parametrize("name", ["mean", "log_sigma"])
def test_the_gradient_reaches_mean_and_sigma_of_the_first_slots(name: str):
    model = tiny()
    scenes, parameter = Scenes(pictures(model)), model.get_parameter(name)

    def loss() -> Tensor:
        torch.manual_seed(5)
        return model.losses(scenes, CLOCK).total()

    loss().backward()
    assert parameter.grad is not None
    step, place = 1e-5, 2
    with torch.no_grad():
        parameter[place] += step
        above = loss()
        parameter[place] -= 2 * step
        below = loss()
    slope = ((above - below) / (2 * step)).item()
    assert abs(slope) > 1e-2
    assert parameter.grad[place].item() == pytest.approx(slope, rel=1e-4)


@pytest.mark.parametrize(
    ("name", "count"), [("slot-attention", 235_812), ("slot-attention-clevr", 890_308), ("slot-attention-small", 253_152)]
)
def test_presets_have_as_many_parameters_as_their_pages_say(name: str, count: int):
    assert parameters(MODELS[name].build()) == count


@pytest.mark.parametrize("slots", [1, 2, 5, 12, MOST])
def test_any_number_of_slots_after_building(slots: int):
    model = tiny("slot-attention-small", torch.float32).eval()
    model.slots = slots
    with torch.no_grad():
        found = model.encode(pictures(model))
        decoded = model.decode(found.latents)
    assert found.latents.shape == (2, slots, model.latent_size)
    assert found.masks is not None
    assert decoded.masks is not None
    for masks in (found.masks, decoded.masks):
        torch.testing.assert_close(masks.sum(1), torch.ones_like(masks[:, 0]))


def test_more_slots_than_there_are_beginnings_are_refused():
    model = tiny("slot-attention", torch.float32)
    model.slots = MOST + 1
    with pytest.raises(ValueError, match=r"slots 65.*64 slots at most"):
        model.encode(pictures(model))


def test_permuted_beginnings_are_permuted_slots():
    model = tiny().eval()
    order = torch.tensor([2, 0, 1])
    with torch.no_grad():
        before = model.encode(pictures(model))
        model.noise[:3] = model.noise[:3][order]
        after = model.encode(pictures(model))
    assert before.masks is not None
    assert after.masks is not None
    torch.testing.assert_close(after.latents, before.latents[:, order])
    torch.testing.assert_close(after.masks, before.masks[:, order])


def test_encoding_draws_nothing_even_while_training():
    model, state = tiny().train(), torch.get_rng_state()
    first = model.encode(pictures(model)).latents
    assert torch.equal(state, torch.get_rng_state())
    assert torch.equal(first, model.encode(pictures(model)).latents)


def test_it_is_judged_by_decoded_masks_as_in_the_paper():
    model = tiny().eval()
    with torch.no_grad():
        slots = model.encode(pictures(model))
        decoded = model.decode(slots.latents)
    assert model.scored_masks(slots, decoded) is decoded.masks


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"size": (62, 64), "strides": (2, 2, 1, 1)}, r"size \(62, 64\).*multiples of 4"),
        ({"size": (72, 64), "block": 16}, r"size \(72, 64\).*16.*at least 64"),
        ({"rises": (3, 1)}, r"rises \(3, 1\) must be 1 or 2"),
        ({"sigma": 0.0}, r"sigma 0\.0 above 0"),
        ({"iterations": 0}, "iterations 0 at least 1"),
    ],
)
def test_numbers_that_do_not_fit_are_refused(change: dict, told: str):
    with pytest.raises(ValueError, match=told):
        replace(SlotAttentionConfig(), **change).build()
