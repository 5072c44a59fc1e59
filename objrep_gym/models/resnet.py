"""ResNet-50 (He et al. 2016) without its classifier and at stride 16, and the decoders that make a segmentation network of
it (Berriel 2022, §4.2).

Tensors have the names and shapes of torchvision's and timm's ResNet-50, so that their published state dicts load by name.
The thesis doubles four times what ResNet-50 halves five times, and is silent on the difference. Here the max-pool is left
out: it has no weights, so every count of the thesis stays, and each of the four maps has the size of what it joins.
"""

from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor, nn

EXPANSION = 4  # channels of a bottleneck's output over those of its middle
STRIDE = 16  # of the last map: conv1 and three of the four stages halve
MEAN, DEVIATION = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)  # of ImageNet's pixels, as published trunks expect them


class Bottleneck(nn.Module):
    """1×1, 3×3 and 1×1 convolutions around which the input is added; the 3×3 one has the stride, as in torchvision."""

    def __init__(self, inputs: int, width: int, stride: int):
        super().__init__()
        outputs = EXPANSION * width
        self.conv1 = nn.Conv2d(inputs, width, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.conv2 = nn.Conv2d(width, width, 3, stride=stride, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(width)
        self.conv3 = nn.Conv2d(width, outputs, 1, bias=False)
        self.bn3 = nn.BatchNorm2d(outputs)
        same = stride == 1 and inputs == outputs
        convolved = nn.Sequential(nn.Conv2d(inputs, outputs, 1, stride=stride, bias=False), nn.BatchNorm2d(outputs))
        self.downsample = nn.Identity() if same else convolved
        self.relu = nn.ReLU(inplace=True)

    def forward(self, x: Float[Tensor, "B I H W"]) -> Float[Tensor, "B O h w"]:
        hidden = self.relu(self.bn1(self.conv1(x)))
        hidden = self.relu(self.bn2(self.conv2(hidden)))
        return self.relu(self.bn3(self.conv3(hidden)) + self.downsample(x))


class ResNet(nn.Module):
    """From images in [0, 1] to the maps of the four stages, at 1/2, 1/4, 1/8 and 1/16 of the resolution.

    `width` 64 and `depths` (3, 4, 6, 3) are ResNet-50, 23,508,032 parameters. Batch normalisation uses its running
    statistics in `eval()`, so that what is encoded does not depend on what else is in the batch; frozen by a stage it stays
    in `eval()`. `channels` has those of each map. Raises ValueError unless there are four depths of at least one block.
    """

    mean: Tensor
    deviation: Tensor

    def __init__(self, width: int = 64, depths: Sequence[int] = (3, 4, 6, 3)):
        super().__init__()
        if len(depths) != 4 or min(depths) < 1 or width < 1:
            raise ValueError(f"a ResNet has a width and four depths of at least 1, got {width} and {tuple(depths)}")
        self.conv1 = nn.Conv2d(3, width, 7, stride=2, padding=3, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.relu = nn.ReLU(inplace=True)
        widths = [width * 2**i for i in range(4)]
        self.channels = tuple(EXPANSION * w for w in widths)
        befores = (width, *self.channels[:-1])
        stages = [
            stage(before, w, depth, 1 if i == 0 else 2)
            for i, (before, w, depth) in enumerate(zip(befores, widths, depths, strict=True))
        ]
        self.layer1, self.layer2, self.layer3, self.layer4 = stages
        self.register_buffer("mean", torch.tensor(MEAN)[:, None, None], persistent=False)
        self.register_buffer("deviation", torch.tensor(DEVIATION)[:, None, None], persistent=False)

    def forward(self, image: Float[Tensor, "B 3 H W"]) -> list[Float[Tensor, "B _ _ _"]]:
        x = self.relu(self.bn1(self.conv1((image - self.mean) / self.deviation)))
        maps = []
        for layer in (self.layer1, self.layer2, self.layer3, self.layer4):
            x = layer(x)
            maps.append(x)
        return maps


def stage(inputs: int, width: int, depth: int, stride: int) -> nn.Sequential:
    """Bottlenecks of one resolution, the first of which changes size and channels."""
    first = Bottleneck(inputs, width, stride)
    return nn.Sequential(first, *(Bottleneck(EXPANSION * width, width, 1) for _ in range(depth - 1)))


class Upsampling(nn.Module):
    """MONet-RN50's decoder: four 5×5 transposed convolutions of stride 2, with bias, from the last map alone.

    ReLU stands after each of them. The thesis names none, and without one the four would be a single linear map.
    """

    def __init__(self, channels: Sequence[int], widths: Sequence[int]):
        super().__init__()
        befores = (channels[-1], *widths[:-1])
        self.layers = nn.ModuleList(doubling(i, o) for i, o in zip(befores, widths, strict=True))
        self.outputs = widths[-1]

    def forward(self, maps: list[Float[Tensor, "B _ _ _"]]) -> Float[Tensor, "B O H W"]:
        x = maps[-1]
        for layer in self.layers:
            x = layer(x)
        return x


class SkipUpsampling(nn.Module):
    """MONet-RN50*'s decoder: the same with fewer channels, and the trunk's three earlier maps concatenated on the way up
    (Ronneberger et al. 2015). With fewer than four `widths` it ends below the resolution of the image."""

    def __init__(self, channels: Sequence[int], widths: Sequence[int]):
        super().__init__()
        skips = (0, *reversed(channels[:-1]))[: len(widths)]
        befores = (channels[-1], *widths[:-1])
        pairs = zip(befores, skips, widths, strict=True)
        self.layers = nn.ModuleList(doubling(i + skip, o) for i, skip, o in pairs)
        self.outputs = widths[-1]

    def forward(self, maps: list[Float[Tensor, "B _ _ _"]]) -> Float[Tensor, "B O h w"]:
        x = self.layers[0](maps[-1])
        for layer, skip in zip(self.layers[1:], reversed(maps[:-1]), strict=False):
            x = layer(torch.cat((x, skip), 1))
        return x


def doubling(inputs: int, outputs: int) -> nn.Sequential:
    """A transposed convolution that doubles height and width (Berriel 2022, §4.2), and ReLU."""
    return nn.Sequential(
        nn.ConvTranspose2d(inputs, outputs, 5, stride=2, padding=2, output_padding=1), nn.ReLU(inplace=True)
    )


def check_sides(size: Sequence[int]) -> None:
    """Raises ValueError unless both sides divide by the trunk's stride and leave it a last map of 2×2: of a single pixel
    the batch normalisation of a single image has no variance."""
    if any(side % STRIDE or side < 2 * STRIDE for side in size):
        raise ValueError(
            f"a ResNet trunk needs sides that are multiples of {STRIDE} and at least {2 * STRIDE}, got {size[0]}×{size[1]}"
        )
