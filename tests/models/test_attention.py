"""Attentions of one pass: the thesis's counts, its arithmetic written a second time, and how many slots each can take."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any, cast

import pytest
import torch
from torch import Tensor
from torch.nn import functional as f

from objrep_gym.configs import from_json
from objrep_gym.metrics.cost import flops, parameters
from objrep_gym.models import MODELS
from objrep_gym.models.attention import SlotMaps
from objrep_gym.models.monet import MONet, MONetConfig
from objrep_gym.types import Clock, Scenes

CLOCK = Clock(torch.tensor(0), 1)


def tiny(attention: Any, **changes: Any) -> MONet:
    torch.manual_seed(0)
    return replace(MONetConfig(attention=attention).tiny(), **changes).build()


def on_meta(name: str) -> MONet:
    with torch.device("meta"):
        return cast(MONet, MODELS[name].build())


@pytest.mark.parametrize(("name", "count"), [("monet-rn50", 54_024_647), ("monet-rn50-star", 55_790_471)])
def test_attentions_have_the_thesis_parameters(name: str, count: int):
    model = on_meta(name)
    assert parameters(model.attention) == count
    assert parameters(model) == count + 369_572  # the component VAE is MONet's


@pytest.mark.parametrize("name", ["monet-rn50", "monet-rn50-star"])
def test_clevr_differs_by_slots_and_size_alone(name: str):
    model, small = on_meta(f"{name}-clevr"), on_meta(name)
    assert (model.size, model.slots) == ((3, 128, 128), 11)
    last = small.attention.head.in_channels + 1
    assert parameters(model.attention) == parameters(small.attention) + 4 * last


def test_small_presets_fit_into_eight_megabytes_of_half_precision():
    for name in ("monet-small", "monet-rn50-star-small", "monet-rn50-variable-small", "segmenter-rn50-small"):
        with torch.device("meta"):
            model = MODELS[name].build()
        assert 2 * sum(value.numel() for value in model.state_dict().values()) < 8e6, name


def test_one_pass_costs_less_than_six_and_hardly_more_for_more_slots():
    def cost(name: str, slots: int) -> int:
        with torch.device("meta"):
            model = replace(cast(MONetConfig, MODELS[name]), slots=slots).build()
            return flops(lambda: model.attention(torch.rand(1, 3, 64, 64), slots))

    assert cost("monet-rn50-star", 7) == pytest.approx(4.87e9, rel=0.01)
    assert cost("monet-rn50-star", 7) < 0.8 * cost("monet", 7)
    assert cost("monet-rn50-star", 18) < 1.01 * cost("monet-rn50-star", 7)
    assert cost("monet", 18) / cost("monet", 7) == pytest.approx(17 / 6, rel=0.03)


class Plain:
    """MONet-RN50 and MONet-RN50* from a state dict alone, operation by operation, float64 or float32 as it is."""

    def __init__(self, state: dict[str, Tensor], skips: bool):
        self.state, self.skips = state, skips

    def norm(self, x: Tensor, name: str) -> Tensor:
        mean, var, weight, bias = (self.state[f"{name}.{p}"] for p in ("running_mean", "running_var", "weight", "bias"))
        scale = weight / torch.sqrt(var + 1e-5)
        return x * scale[:, None, None] + (bias - mean * scale)[:, None, None]

    def conv(self, x: Tensor, name: str, stride: int = 1) -> Tensor:
        weight = self.state[f"{name}.weight"]
        return f.conv2d(x, weight, stride=stride, padding=weight.shape[-1] // 2)

    def bottleneck(self, x: Tensor, at: str, stride: int) -> Tensor:
        y = f.relu(self.norm(self.conv(x, f"{at}.conv1"), f"{at}.bn1"))
        y = f.relu(self.norm(self.conv(y, f"{at}.conv2", stride), f"{at}.bn2"))
        y = self.norm(self.conv(y, f"{at}.conv3"), f"{at}.bn3")
        if f"{at}.downsample.0.weight" in self.state:
            x = self.norm(self.conv(x, f"{at}.downsample.0", stride), f"{at}.downsample.1")
        return f.relu(x + y)

    def masks(self, image: Tensor) -> Tensor:
        mean, deviation = torch.tensor([0.485, 0.456, 0.406]), torch.tensor([0.229, 0.224, 0.225])
        x = (image - mean.to(image)[:, None, None]) / deviation.to(image)[:, None, None]
        x = f.relu(self.norm(self.conv(x, "trunk.conv1", 2), "trunk.bn1"))
        maps = []
        for stage in (1, 2, 3, 4):
            block = 0
            while f"trunk.layer{stage}.{block}.conv1.weight" in self.state:
                x = self.bottleneck(x, f"trunk.layer{stage}.{block}", 2 if stage > 1 and block == 0 else 1)
                block += 1
            maps.append(x)
        for layer in range(4):
            if self.skips and layer > 0:
                x = torch.cat((x, maps[3 - layer]), 1)
            weight, bias = (self.state[f"upsampling.layers.{layer}.0.{part}"] for part in ("weight", "bias"))
            x = f.relu(f.conv_transpose2d(x, weight, bias, stride=2, padding=2, output_padding=1))
        logits = f.conv2d(x, self.state["head.weight"], self.state["head.bias"])
        return torch.exp(logits) / torch.exp(logits).sum(1, keepdim=True)


def things(model: MONet) -> Tensor:
    """Two images, each with a red and a blue square on grey."""
    image = torch.full((2, *model.size), 0.5)
    image[:, :, 4:12, 4:12] = torch.tensor([0.9, 0.1, 0.1])[:, None, None]
    image[:, :, 16:28, 16:24] = torch.tensor([0.1, 0.2, 0.9])[:, None, None]
    return image


def settled(model: MONet) -> MONet:
    """With statistics of some images, so that activations have the sizes that they have once trained."""
    model.train()
    with torch.no_grad():
        for _ in range(30):
            model.attention(torch.rand(8, *model.size), model.slots)
    return model.eval()


@pytest.mark.parametrize(("attention", "skips"), [("rn50", False), ("rn50-skip", True)])
def test_masks_are_those_of_the_plain_network(attention: str, skips: bool):
    model = settled(tiny(attention, slots=5, size=(48, 64), depths=(2, 1, 1, 2)))
    image = torch.rand(2, 3, 48, 64)
    with torch.no_grad():
        masks = model.attention(image, 5).exp()
        expected = Plain(dict(model.attention.state_dict()), skips).masks(image)
    assert masks.std() > 0.01
    assert (masks - expected).abs().max() < 1e-5


@pytest.mark.parametrize("attention", ["rn50", "rn50-skip"])
def test_losses_are_made_of_the_same_terms_as_monets(attention: str):
    model = tiny(attention)
    losses = model(Scenes(torch.rand(2, *model.size)), CLOCK)
    assert set(losses.terms) == {"nll", "kl", "mask"}


@pytest.mark.parametrize(
    ("normalise", "squash"), [("softmax", torch.exp), ("sigmoid", torch.sigmoid)], ids=["softmax", "sigmoid"]
)
def test_masks_are_squashed_logits_over_their_sum(normalise: Any, squash: Callable[[Tensor], Tensor]):
    attention = cast(SlotMaps, settled(tiny("rn50", normalise=normalise)).attention)
    image = torch.rand(2, 3, 32, 32)
    with torch.no_grad():
        squashed = squash(attention.head(attention.upsampling(attention.trunk(image))).double())
        masks = attention(image, 3).exp()
    assert torch.allclose(masks.double(), squashed / squashed.sum(1, keepdim=True), atol=1e-6)


@pytest.mark.parametrize("normalise", ["softmax", "sigmoid"])
def test_certain_logits_stay_finite(normalise: Any):
    attention = cast(SlotMaps, tiny("rn50", normalise=normalise).attention)
    with torch.no_grad():
        attention.head.weight.zero_()
        attention.head.get_parameter("bias").copy_(torch.tensor([500.0, -500.0, -400.0]))
        log_masks = attention(torch.rand(1, 3, 32, 32), 3)
    assert log_masks.isfinite().all()
    assert torch.allclose(log_masks.exp().sum(1), torch.ones(1, 32, 32))


@pytest.mark.parametrize("attention", ["rn50", "rn50-skip"])
@pytest.mark.parametrize("slots", [2, 9])
def test_maps_of_slots_refuse_another_number_and_say_what_takes_it(attention: str, slots: int):
    model = tiny(attention).eval()
    model.slots = slots
    with pytest.raises(ValueError, match=rf"built with 3 slots.* as {slots}: .*monet-rn50-variable"):
        model.encode(torch.rand(1, *model.size))


def test_clusters_take_any_number_and_earlier_ones_stay():
    model = tiny("rn50-variable").eval()
    image = things(model)
    found = {}
    with torch.no_grad():
        for slots in (1, 3, 8):
            model.slots = slots
            found[slots] = model.encode(image)
    assert [found[k].latents.shape for k in found] == [(2, 1, 6), (2, 3, 6), (2, 8, 6)]
    masks = {k: cast(Tensor, slots.masks) for k, slots in found.items()}
    assert torch.allclose(masks[8][:, :2], masks[3][:, :2], atol=1e-3)
    assert torch.allclose(masks[8][:, 2:].sum(1), masks[3][:, 2], atol=1e-3)
    assert torch.allclose(masks[1], torch.ones_like(masks[1]), atol=1e-6)


def test_clusters_begin_as_colour():
    model = tiny("rn50-variable", slots=4, size=(64, 64)).eval()
    image = torch.full((1, 3, 64, 64), 0.5)
    image[:, :, 10:30, 10:30] = torch.tensor([0.9, 0.1, 0.1])[:, None, None]
    image[:, :, 40:60, 35:55] = torch.tensor([0.1, 0.2, 0.9])[:, None, None]
    with torch.no_grad():
        segments = cast(Tensor, model.encode(image).masks).argmax(1)[0]
    assert len({segments[5, 5].item(), segments[20, 20].item(), segments[50, 45].item()}) == 3
    assert (segments[12:28, 12:28] == segments[20, 20]).all()


def test_initialisers_reach_transposed_convolutions():
    for attention in ("rn50", "rn50-skip", "rn50-variable"):
        default, kaiming = (cast(Any, tiny(attention, init=rule).attention) for rule in ("default", "kaiming"))
        of = [getattr(a, "embedding", a) for a in (default, kaiming)]
        first = [getattr(a, "features", a).upsampling.layers[0][0] for a in of]
        bounds = [(k / (first[0].out_channels * 25)) ** 0.5 for k in (1, 2)]
        for layer, bound in zip(first, bounds, strict=True):
            assert 0.95 * bound < layer.weight.abs().max().item() <= bound
            assert layer.bias.abs().max().item() <= bound


def test_an_unknown_attention_or_normalisation_is_named():
    config = {"kind": "MONetConfig", "attention": "rn18"}
    with pytest.raises(ValueError, match=r"attention must be .*recurrent.*rn50-skip.*rn50-variable.*got 'rn18'"):
        from_json(config, [MONetConfig])
    with pytest.raises(ValueError, match=r"normalise must be .*softmax.*sigmoid.*got 'relu'"):
        from_json({**config, "attention": "rn50", "normalise": "relu"}, [MONetConfig])
