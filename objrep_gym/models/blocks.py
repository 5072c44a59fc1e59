"""Pieces that several models are built of: coordinate channels, convolutional encoder, U-Net, spatial broadcast decoder,
and the thesis's initialisers. All of them run in bf16 autocast and in either memory format."""

from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any, Literal

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.func import functional_call
from torch.nn import functional

Initialiser = Literal["default", "kaiming"]


def coordinates(height: int, width: int) -> Float[Tensor, "2 H W"]:
    """Two channels that say where a pixel is: y and x, each from −1 to 1, both ends included."""
    y, x = torch.linspace(-1, 1, height), torch.linspace(-1, 1, width)
    return torch.stack(torch.meshgrid(y, x, indexing="ij"))


def initialise(module: nn.Module, rule: Initialiser) -> None:
    """Draw every convolution and linear layer from N(0, k/3) truncated to ±√k (Berriel 2022, §4.3), biases too.

    `default`: k = 1 / fan-in, torch's own bounds. `kaiming`: k = 2 / fan-out, where the fan-out of a convolution is its
    channels times its kernel (He et al. 2015); counting channels alone, which the thesis's words also allow, starts MONet
    at a KL of up to 10¹⁰ nats. A transposed convolution hands each input on to so many outputs as well, and that is also
    what torch calls its fan-in. Raises ValueError on another rule.
    """
    if rule not in ("default", "kaiming"):
        raise ValueError(f"initialiser {rule!r} is neither 'default' nor 'kaiming'")
    for layer in module.modules():
        if isinstance(layer, nn.Linear | nn.Conv2d | nn.ConvTranspose2d):
            fan_in, fan_out = nn.init._calculate_fan_in_and_fan_out(layer.weight)
            fan_out = fan_in if isinstance(layer, nn.ConvTranspose2d) else fan_out  # its weight has inputs first
            k = 1 / fan_in if rule == "default" else 2 / fan_out
            for parameter in layer.parameters(recurse=False):
                nn.init.trunc_normal_(parameter, 0.0, (k / 3) ** 0.5, -(k**0.5), k**0.5)


def unmoved(module: nn.Module, *inputs: Tensor) -> Any:
    """What a module makes of its inputs, with a gradient for these and none for its own parameters: in a game of two
    players the judge of one, who learns by another loss."""
    return functional_call(module, {name: value.detach() for name, value in module.named_parameters()}, inputs)


def initialise_relu(module: nn.Module) -> None:
    """Draw every convolution and linear layer as He et al. (2015) do for ReLU, biases zero: torch's own start lets the
    signal fade on its way through ten layers."""
    for layer in module.modules():
        if isinstance(layer, nn.Linear | nn.Conv2d | nn.ConvTranspose2d):
            nn.init.kaiming_normal_(layer.weight)
            nn.init.zeros_(layer.get_parameter("bias"))


def conv_norm_relu(inputs: int, outputs: int) -> nn.Sequential:
    """3×3 convolution without bias, instance normalisation with scale and bias, ReLU.

    Instance normalisation as a GroupNorm with a group per channel: the same numbers, and on the contiguous tensors that
    a CPU trains with half of the time or less.
    """
    norm = nn.GroupNorm(outputs, outputs)
    return nn.Sequential(nn.Conv2d(inputs, outputs, 3, padding=1, bias=False), norm, nn.ReLU(inplace=True))


def doubling() -> Float[Tensor, "9 16"]:
    """What `doubling_kernel` multiplies by: pixel (y, x) of a 3×3 kernel, turned by 180°, goes to four of a 4×4 one."""
    turned = torch.eye(9).view(9, 1, 3, 3).flip(2, 3)
    return functional.avg_pool2d(turned, 2, stride=1, padding=1, divisor_override=1).flatten(1)


def doubling_kernel(weight: Float[Tensor, "O I 3 3"], doubling: Float[Tensor, "9 16"]) -> Float[Tensor, "I O 4 4"]:
    """The kernel of the transposed convolution of stride 2 and padding 1 that equals nearest-neighbour doubling and then a
    3×3 convolution of padding 1: 16 products for four pixels where that takes 36."""
    return (weight.flatten(2) @ doubling).unflatten(2, (4, 4)).transpose(0, 1)


def conv_group_relu(inputs: int, outputs: int) -> nn.Sequential:
    """3×3 convolution without bias, group normalisation in eight groups, ReLU."""
    norm = nn.GroupNorm(8, outputs)
    return nn.Sequential(nn.Conv2d(inputs, outputs, 3, padding=1, bias=False), norm, nn.ReLU(inplace=True))


class UNet(nn.Module):
    """MONet's U-Net (Burgess et al. 2019; Berriel 2022, §4.1.1): 3×3 blocks, nearest-neighbour resizing by two, and an MLP
    over the flattened bottom as the connection that is not a skip.

    `widths` are the blocks' channels downwards; H and W must be divisible by 2^(blocks − 1). `hidden` is the width of both
    hidden layers of the MLP, `block` what makes a 3×3 block of its channels in and out. Raises ValueError if the size does
    not divide or its bottom is a single pixel.
    """

    doubling: Tensor

    def __init__(
        self,
        inputs: int,
        outputs: int,
        widths: Sequence[int],
        size: tuple[int, int],
        hidden: int = 128,
        block: Callable[[int, int], nn.Sequential] = conv_norm_relu,
    ):
        super().__init__()
        step = 2 ** (len(widths) - 1)
        bottom = (size[0] // step, size[1] // step)
        if size[0] % step or size[1] % step or min(bottom) < 2:
            raise ValueError(
                f"a U-Net of {len(widths)} blocks needs sides that are multiples of {step} and at least {2 * step}, got "
                f"{size[0]}×{size[1]}: change the size or the number of blocks"
            )
        befores = (inputs, *widths[:-1])
        self.widths = tuple(widths)
        self.down = nn.ModuleList(block(i, o) for i, o in zip(befores, widths, strict=True))
        flat = widths[-1] * bottom[0] * bottom[1]
        layers = (nn.Linear(flat, hidden), nn.ReLU(), nn.Linear(hidden, hidden), nn.ReLU(), nn.Linear(hidden, flat))
        self.bridge = nn.Sequential(nn.Flatten(), *layers, nn.ReLU(), nn.Unflatten(1, (widths[-1], *bottom)))
        afters = (*widths[-2::-1], widths[0])  # each block hands the next skip its own number of channels
        below = (widths[-1], *afters[:-1])
        joined = [b + skip for b, skip in zip(below, reversed(widths), strict=True)]
        self.up = nn.ModuleList(block(i, o) for i, o in zip(joined, afters, strict=True))
        self.head = nn.Conv2d(widths[0], outputs, 1)
        self.register_buffer("doubling", doubling(), persistent=False)

    def kernels(self) -> list[tuple[Tensor, Tensor]]:
        """Of each block upwards, the weights for what comes from below and for the skip. Several passes with the same
        weights need them once."""
        pairs = []
        for i, (block, skip) in enumerate(zip(self.up, reversed(self.widths), strict=True)):
            weight = block.get_parameter("0.weight")
            below, beside = weight[:, :-skip], weight[:, -skip:]
            pairs.append((below if i == 0 else doubling_kernel(below, self.doubling), beside))
        return pairs

    def features(
        self, x: Float[Tensor, "B I H W"], kernels: list[tuple[Tensor, Tensor]] | None = None
    ) -> Float[Tensor, "B F H W"]:
        """What the head reads: `widths[0]` channels at full resolution."""
        skips = []
        for i, block in enumerate(self.down):
            x = block(x if i == 0 else x[..., ::2, ::2])  # nearest-neighbour halving keeps every second pixel
            skips.append(x)
        x = self.bridge(x)
        # a convolution of two maps side by side is the sum of two convolutions, and neither is copied
        for i, (block, (below, beside)) in enumerate(zip(self.up, kernels or self.kernels(), strict=True)):
            _, norm, relu = block.children()
            if i == 0:
                x = functional.conv2d(x, below, padding=1)
            else:
                x = functional.conv_transpose2d(x, below, stride=2, padding=1)
            x += functional.conv2d(skips.pop(), beside, padding=1)
            x = relu(norm(x))
        return x

    def draw(self, x: Float[Tensor, "B I H W"], kernels: list[tuple[Tensor, Tensor]]) -> Float[Tensor, "B O H W"]:
        """The same as calling it, with what `kernels()` gave before."""
        return self.head(self.features(x, kernels))

    def forward(self, x: Float[Tensor, "B I H W"]) -> Float[Tensor, "B O H W"]:
        return self.draw(x, self.kernels())


class ConvEncoder(nn.Module):
    """Convolutions of stride 2 with ReLU, flattened, and an MLP of one hidden layer: 3×3 in MONet's component VAE (Berriel
    2022, §4.1.2), 4×4 in the VAEs of dSprites. Of an odd side 3×3 rounds the half up, 4×4 down.

    Raises ValueError if a side is less than 2^layers.
    """

    def __init__(
        self, inputs: int, outputs: int, widths: Sequence[int], size: tuple[int, int], hidden: int, kernel: int = 3
    ):
        super().__init__()
        coarse = halved(size, len(widths), "an encoder of {} halvings", up=kernel == 3)
        befores = (inputs, *widths[:-1])
        pairs = zip(befores, widths, strict=True)
        convs = [layer for i, o in pairs for layer in (nn.Conv2d(i, o, kernel, stride=2, padding=1), nn.ReLU(inplace=True))]
        flat = widths[-1] * coarse[-1][0] * coarse[-1][1]
        self.layers = nn.Sequential(
            *convs, nn.Flatten(), nn.Linear(flat, hidden), nn.ReLU(inplace=True), nn.Linear(hidden, outputs)
        )

    def forward(self, x: Float[Tensor, "N I H W"]) -> Float[Tensor, "N O"]:
        return self.layers(x)


class DeconvolutionDecoder(nn.Module):
    """The mirror of a `ConvEncoder` of 4×4 kernels: an MLP of one hidden layer to the coarsest maps, and a transposed
    convolution of stride 2 with ReLU for each doubling, the last without (Locatello et al. 2019). Where the encoder met an
    odd side, the doubling gives its last row and column back.

    widths: channels from the coarsest maps to the picture's own. Raises ValueError if a side is less than 2^doublings.
    """

    def __init__(self, latent_size: int, widths: Sequence[int], size: tuple[int, int], hidden: int):
        super().__init__()
        sizes = halved(size, len(widths) - 1, "{} doublings")[::-1]
        flat = widths[0] * sizes[0][0] * sizes[0][1]
        start = (nn.Linear(latent_size, hidden), nn.ReLU(inplace=True), nn.Linear(hidden, flat))
        doublings = [
            layer
            for (i, o), (small, large) in zip(pairwise(widths), pairwise(sizes), strict=True)
            for layer in (nn.ReLU(inplace=True), nn.ConvTranspose2d(i, o, 4, 2, 1, output_padding=odd(small, large)))
        ]
        self.layers = nn.Sequential(*start, nn.Unflatten(1, (widths[0], *sizes[0])), *doublings)

    def forward(self, latents: Float[Tensor, "N D"]) -> Float[Tensor, "N O H W"]:
        return self.layers(latents)


def halved(size: tuple[int, int], times: int, what: str, up: bool = False) -> list[tuple[int, int]]:
    """The size of a picture and of its halves, halves of halves and so on, rounded down or `up`. Raises ValueError, with
    `what` of so many halvings needs more, where nothing would be left of a side."""
    if min(size) < 2**times:
        raise ValueError(f"{what.format(times)} needs sides of at least {2**times} pixels, got {size[0]}×{size[1]}")
    sizes = [(size[0], size[1])]
    for _ in range(times):
        height, width = sizes[-1]
        sizes.append(((height + up) // 2, (width + up) // 2))
    return sizes


def odd(small: tuple[int, int], large: tuple[int, int]) -> tuple[int, int]:
    """Rows and columns that a size has beyond twice another."""
    return large[0] - 2 * small[0], large[1] - 2 * small[1]


class SpatialBroadcastDecoder(nn.Module):
    """Latents tiled over a grid with two coordinate channels, then unpadded 3×3 convolutions with ReLU and a last one of
    `last`×`last`, 1×1 in the paper (Watters et al. 2019). The grid is larger than the image by what the convolutions eat, 8
    pixels for the thesis's four.

    The tiling is never made: on a constant tile the first layer is a linear map of the latents plus one fixed map of
    coordinates, which is the same to rounding and saves a sixth of the decoder.
    """

    grid: Tensor

    def __init__(self, latent_size: int, outputs: int, widths: Sequence[int], size: tuple[int, int], last: int = 1):
        super().__init__()
        margin = 2 * len(widths) + last - 1
        self.latent_size = latent_size
        self.first = nn.Conv2d(latent_size + 2, widths[0], 3)
        convs = [layer for i, o in pairwise(widths) for layer in (nn.Conv2d(i, o, 3), nn.ReLU(inplace=True))]
        self.rest = nn.Sequential(nn.ReLU(inplace=True), *convs, nn.Conv2d(widths[-1], outputs, last))
        self.register_buffer("grid", coordinates(size[0] + margin, size[1] + margin)[None], persistent=False)

    def forward(self, latents: Float[Tensor, "N D"]) -> Float[Tensor, "N O H W"]:
        of_latents, of_places = self.first.weight.split((self.latent_size, 2), 1)
        places = functional.conv2d(self.grid, of_places, self.first.bias)
        content = functional.linear(latents, of_latents.sum((2, 3)))
        return self.rest(content[..., None, None] + places)
