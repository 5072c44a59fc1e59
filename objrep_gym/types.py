"""What travels between the rooms: scenes as they were seen, slots as a model sees them, and the clock of training."""

from dataclasses import dataclass, field
from typing import Any, Protocol, runtime_checkable

import torch
from jaxtyping import Float, Int, UInt8
from torch import Tensor
from torch.nn.functional import embedding

LUMINANCE = (0.299, 0.587, 0.114)  # ITU-R BT.601


@dataclass(frozen=True)
class Scenes:
    """What was seen: a batch of images with, where they are known, exact masks and true factors.

    `mask` holds entity ids per pixel, numbered per image; ids below the dataset's `background` are not objects.
    `factors` is NaN where an entity does not exist; its column names belong to the dataset's `about`. `source` is the
    number of the run's data source that each comes from.
    """

    image: Float[Tensor, "B C H W"]
    mask: UInt8[Tensor, "B H W"] | None = None
    factors: Float[Tensor, "B E F"] | None = None
    source: Int[Tensor, "B"] | None = None

    def __len__(self) -> int:
        return self.image.shape[0]


@dataclass(frozen=True)
class Slots:
    """How a model sees a batch: `latents` are posterior means, `nats` how much each slot says (0 if deterministic),
    `masks` sum to one over slots, or None where a model has none."""

    latents: Float[Tensor, "B K D"]
    nats: Float[Tensor, "B K"]
    masks: Float[Tensor, "B K H W"] | None = None


@dataclass(frozen=True)
class Decoded:
    """What slots look like: the mixed image in [0, 1], each slot's part, and each slot's decoded mask."""

    image: Float[Tensor, "B C H W"]
    parts: Float[Tensor, "B K C H W"] | None = None
    masks: Float[Tensor, "B K H W"] | None = None


@dataclass(frozen=True)
class Losses:
    """Named scalars in nats per image: `terms` are summed and differentiated, `watch` is only written down."""

    terms: dict[str, Float[Tensor, ""]]
    watch: dict[str, Float[Tensor, ""]] = field(default_factory=dict)

    def total(self) -> Float[Tensor, ""]:
        return torch.stack(tuple(self.terms.values())).sum()


@dataclass(frozen=True)
class Clock:
    """How time and dataset size reach a loss. `step` is a 0-d tensor on the device (a Python int would recompile);
    `steps` the length of the stage; `examples` the size of the training set, None where it is endless."""

    step: Tensor
    steps: int
    examples: int | None = None


@runtime_checkable
class SlotModel(Protocol):
    """Anything that takes images apart into slots; `models.base.SlotModule` is the class to inherit from."""

    size: tuple[int, int, int]  # (C, H, W) of the images that `encode` takes
    slots: int
    ordered: bool  # slot k always means the same thing
    has_masks: bool

    def encode(self, image: Float[Tensor, "B C H W"]) -> Slots: ...
    def decode(self, latents: Float[Tensor, "B K D"]) -> Decoded: ...
    def losses(self, scenes: Scenes, clock: Clock) -> Losses: ...
    def parameter_groups(self, lr: float) -> list[dict[str, Any]]: ...


def to_image(pixels: UInt8[Tensor, "*N H W C"]) -> Float[Tensor, "*N C H W"]:
    """Bytes 0–255 with channels last become floats in [0, 1] with channels first. The only place where they do, but for the
    bits of `from_bits`."""
    return pixels.movedim(-1, -3).to(torch.float32).div_(255)


def from_bits(packed: UInt8[Tensor, "N P"], size: tuple[int, int]) -> Float[Tensor, "N 1 H W"]:
    """Binary pictures of a size (H, W), eight pixels to a byte, the first in the highest bit, become floats 0 and 1."""
    height, width = size
    digits = torch.arange(7, -1, -1, device=packed.device)
    table = (torch.arange(256, device=packed.device)[:, None] >> digits & 1).to(torch.float32)  # faster than shifts
    return embedding(packed.int(), table).flatten(1)[:, : height * width].unflatten(1, (1, height, width))


def recolour(image: Float[Tensor, "N c H W"], channels: int) -> Float[Tensor, "N C H W"]:
    """Grey images repeated to three channels, coloured ones weighted to their luminance."""
    if image.shape[1] == channels:
        return image
    if channels == 3:
        return image.expand(-1, 3, -1, -1)
    weight = image.new_tensor(LUMINANCE).view(1, 3, 1, 1)
    return (image * weight).sum(1, keepdim=True)


def to_uint8(image: Float[Tensor, "*N C H W"]) -> UInt8[Tensor, "*N H W C"]:
    """Floats in [0, 1] with channels first become bytes 0–255 with channels last; values outside are clipped."""
    return image.detach().float().clamp(0, 1).mul(255).round_().to(torch.uint8).movedim(-3, -1)
