from typing import Any, cast

import pytest
import torch
from torch import nn
from torch.nn import functional

from objrep_gym.models.blocks import (
    ConvEncoder,
    SpatialBroadcastDecoder,
    UNet,
    conv_norm_relu,
    coordinates,
    doubling,
    doubling_kernel,
    initialise,
)


def test_coordinates_run_from_minus_one_to_one_rows_first():
    grid = coordinates(3, 5)
    assert grid.shape == (2, 3, 5)
    assert grid[0, :, 2].tolist() == [-1, 0, 1]
    assert grid[1, 1].tolist() == [-1, -0.5, 0, 0.5, 1]


def test_the_first_decoder_layer_equals_a_convolution_of_the_tiling():
    torch.manual_seed(0)
    decoder = SpatialBroadcastDecoder(5, 4, (8, 8, 8), (12, 9)).double()
    latents = torch.randn(3, 5, dtype=torch.float64)
    tiles = latents[:, :, None, None].expand(-1, -1, 12 + 6, 9 + 6)
    tiling = torch.cat((tiles, decoder.grid.expand(3, -1, -1, -1)), 1)
    drawn = decoder(latents)
    assert drawn.shape == (3, 4, 12, 9)
    assert (drawn - decoder.rest(decoder.first(tiling))).abs().max() < 1e-13


def test_the_unet_sees_the_whole_image_and_draws_fine_detail():
    torch.manual_seed(0)
    net = UNet(1, 1, (4, 8, 8), (16, 24), hidden=8)
    image = torch.randn(1, 1, 16, 24, requires_grad=True)
    drawn = net(image)
    assert drawn.shape == image.shape
    (gradient,) = torch.autograd.grad(drawn[0, 0, 0, 0], image)
    assert (gradient != 0).float().mean() > 0.9  # through the MLP at the bottom


@pytest.mark.parametrize("size", [(60, 64), (64, 8), (16, 16)])
def test_a_unet_refuses_sizes_that_do_not_divide(size: tuple[int, int]):
    with pytest.raises(ValueError, match=rf"multiples of 16 and at least 32, got {size[0]}×{size[1]}: change"):
        UNet(4, 1, (4, 4, 4, 4, 4), size)


def test_an_encoder_refuses_sizes_of_which_nothing_would_be_left():
    with pytest.raises(ValueError, match="4 halvings needs sides of at least 16 pixels, got 64×15"):
        ConvEncoder(4, 8, (4, 4, 4, 4), (64, 15), hidden=8)


@pytest.mark.parametrize("rule", ["default", "kaiming"])
def test_initialisers_draw_the_thesis_truncated_normal(rule: Any):
    torch.manual_seed(0)
    module = nn.ModuleDict({"conv": nn.Conv2d(32, 64, 3), "linear": nn.Linear(512, 128)})
    initialise(module, rule)
    for name, fan_in, fan_out in (("conv", 32 * 9, 64 * 9), ("linear", 512, 128)):
        k = 1 / fan_in if rule == "default" else 2 / fan_out
        weight = cast(nn.Conv2d, module[name]).weight.detach()
        scaled = weight / (k / 3) ** 0.5
        assert scaled.abs().max() <= 3**0.5 + 1e-5  # bounds ±√k
        assert (scaled.abs() > 1.6).float().mean() > 0.01  # and they are reached
        # a standard normal cut at ±√3 keeps 91.7 % of the population and has a standard deviation of .815
        assert scaled.std().item() == pytest.approx(0.8147, rel=0.02)
        assert (scaled.abs() < 1).float().mean().item() == pytest.approx(0.6827 / 0.9167, rel=0.02)


def test_initialisers_leave_norms_alone():
    norm = nn.InstanceNorm2d(4, affine=True)
    initialise(nn.Sequential(norm), "kaiming")
    assert norm.weight.tolist() == [1] * 4


@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
def test_blocks_run_in_bf16_and_either_memory_format(layout: torch.memory_format):
    torch.manual_seed(0)
    unet, encoder = UNet(4, 2, (8, 16, 16), (16, 16), hidden=8), ConvEncoder(4, 6, (8, 8), (16, 16), hidden=8)
    decoder = SpatialBroadcastDecoder(6, 4, (8, 8), (16, 16))
    image, latents = torch.rand(2, 4, 16, 16), torch.randn(2, 6)
    exact = [unet(image), encoder(image), decoder(latents)]
    for module, given, reference in zip((unet, encoder, decoder), (image, image, latents), exact, strict=True):
        module.to(memory_format=cast(Any, layout))
        with torch.autocast("cpu", torch.bfloat16):
            low = module(given)
        assert low.dtype == torch.bfloat16
        assert (low.float() - reference).abs().max() < 0.03 * reference.abs().max() + 0.02
        low.float().sum().backward()
        assert all(p.grad is not None and p.grad.isfinite().all() for p in module.parameters())


@pytest.mark.parametrize("size", [(4, 4), (3, 5), (1, 2)])
def test_a_doubling_kernel_equals_doubling_and_convolving(size: tuple[int, int]):
    torch.manual_seed(0)
    x, weight = torch.randn(2, 3, *size, dtype=torch.float64), torch.randn(5, 3, 3, 3, dtype=torch.float64)
    doubled = functional.interpolate(x, scale_factor=2, mode="nearest")
    kernel = doubling_kernel(weight, doubling().double())
    assert kernel.shape == (3, 5, 4, 4)
    ours, theirs = (
        functional.conv_transpose2d(x, kernel, stride=2, padding=1),
        functional.conv2d(doubled, weight, padding=1),
    )
    assert (ours - theirs).abs().max() < 1e-13


def test_kernels_may_be_made_once_for_several_passes():
    torch.manual_seed(0)
    net, image = UNet(3, 1, (4, 8, 8), (16, 24), hidden=8), torch.randn(2, 3, 16, 24)
    assert torch.equal(net(image), net.draw(image, net.kernels()))


def test_blocks_normalise_each_channel_of_each_image():
    torch.manual_seed(0)
    block, image = conv_norm_relu(3, 4), torch.randn(2, 3, 8, 8)
    conv, norm, _ = block
    expected = functional.relu(functional.instance_norm(conv(image), weight=norm.weight, bias=norm.bias))
    assert (block(image) - expected).abs().max() < 1e-5
