"""What torchvision and timm publish as ResNet-50: the names and shapes of its tensors, written down from their layout."""

import torch
from torch import Tensor

BLOCKS = (3, 4, 6, 3)
MIDDLES = (64, 128, 256, 512)


def norm(name: str, channels: int) -> dict[str, tuple[int, ...]]:
    shapes: dict[str, tuple[int, ...]] = {
        f"{name}.{part}": (channels,) for part in ("weight", "bias", "running_mean", "running_var")
    }
    return shapes | {f"{name}.num_batches_tracked": ()}


def shapes() -> dict[str, tuple[int, ...]]:
    """Name to shape, the classifier of a thousand classes included: 320 tensors."""
    found: dict[str, tuple[int, ...]] = {"conv1.weight": (64, 3, 7, 7), **norm("bn1", 64)}
    before = 64
    for number, (blocks, middle) in enumerate(zip(BLOCKS, MIDDLES, strict=True), start=1):
        for block in range(blocks):
            at = f"layer{number}.{block}"
            found |= {f"{at}.conv1.weight": (middle, before, 1, 1), **norm(f"{at}.bn1", middle)}
            found |= {f"{at}.conv2.weight": (middle, middle, 3, 3), **norm(f"{at}.bn2", middle)}
            found |= {f"{at}.conv3.weight": (4 * middle, middle, 1, 1), **norm(f"{at}.bn3", 4 * middle)}
            if block == 0:
                found |= {f"{at}.downsample.0.weight": (4 * middle, before, 1, 1), **norm(f"{at}.downsample.1", 4 * middle)}
            before = 4 * middle
    return found | {"fc.weight": (1000, 2048), "fc.bias": (1000,)}


def state_dict(prefix: str = "") -> dict[str, Tensor]:
    """Tensors that no initialiser would draw."""
    whole = {name: torch.full(shape, 0.25) for name, shape in shapes().items()}
    counted = {n: torch.tensor(7) if n.endswith("num_batches_tracked") else value for n, value in whole.items()}
    return {prefix + name: value for name, value in counted.items()}
