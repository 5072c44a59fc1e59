"""SlotModule: the class that every model inherits from, and Config: the frozen dataclass that stands above each model.

A config holds only numbers that someone varies, `build()` makes the model and `tiny()` is the same architecture at toy
width, for tests and small scales. A model writes `encode`, `decode` and `losses`; the rest has defaults here.
"""

from itertools import chain
from typing import Any, Protocol, runtime_checkable

import torch
from jaxtyping import Float
from torch import Tensor, nn

from objrep_gym.scenes.world import About
from objrep_gym.types import Clock, Decoded, Losses, Scenes, Slots


@runtime_checkable
class Config(Protocol):
    """What stands in `MODELS`: a frozen dataclass of plain values that JSON can carry."""

    def build(self) -> "SlotModule":
        """A freshly initialised model; its weights follow torch's global seed."""
        ...

    def tiny(self) -> "Config":
        """The same architecture at toy width and size."""
        ...


class SlotModule(nn.Module):
    """A model that takes images apart into slots (`types.SlotModel`). `forward` is `losses`, so that what wraps a module
    (data parallelism, compilation) wraps training.

    `config` is what built the model and what is written beside its weights; `size` is (C, H, W); `latent_size` is D.
    """

    ordered: bool = False  # slot k always means the same thing
    has_masks: bool = True  # `encode` returns masks
    reads: tuple[str, ...] = ("image",)  # what of Scenes `losses` reads: supervised models read more
    takes_masks: bool = False  # `encode_parts` takes masks that are not its own
    takes_slots: bool = False  # `slots` of a trained model may be set to another number

    def __init__(self, config: Config, size: tuple[int, int, int], slots: int, latent_size: int):
        super().__init__()
        if slots < 1 or latent_size < 1 or min(size) < 1:
            raise ValueError(f"slots {slots}, latent size {latent_size} and image size {size} must all be at least 1")
        channels, height, width = size  # from JSON it comes as a list
        self.config, self.size, self.slots, self.latent_size = config, (channels, height, width), slots, latent_size
        self.built = slots

    def encode(self, image: Float[Tensor, "B C H W"]) -> Slots:
        """Posterior means, nats and masks of images in [0, 1]; never decodes, never samples.
        Raises ValueError if the images are not of the model's own size."""
        raise NotImplementedError(f"{type(self).__name__} does not write encode()")

    def encode_latents(self, image: Float[Tensor, "B C H W"]) -> Float[Tensor, "B K D"]:
        """The latents of `encode` for who needs nothing else; models write it where that is cheaper."""
        return self.encode(image).latents

    def encode_parts(self, image: Float[Tensor, "B C H W"], masks: Float[Tensor, "B P H W"]) -> Slots:
        """Slots of parts that are given, any number of them, such as the true ones: masks in [0, 1] that sum to one over
        parts. What `encode` makes of its own masks. A model whose latents come before its masks has nothing of the kind."""
        raise NotImplementedError(
            f"{type(self).__name__} finds masks by its latents: it cannot encode parts that are given"
        )

    def decode(self, latents: Float[Tensor, "B K D"]) -> Decoded:
        """What the slots look like; K may differ from `slots` where the model is not `ordered`."""
        raise NotImplementedError(f"{type(self).__name__} does not write decode()")

    def losses(self, scenes: Scenes, clock: Clock) -> Losses:
        """Weighted terms in nats per image; free of branches on data and of waits for the device."""
        raise NotImplementedError(f"{type(self).__name__} does not write losses()")

    def scored_masks(self, slots: Slots, decoded: Decoded) -> Float[Tensor, "B K H W"] | None:
        """Which masks say where a slot is when the model is judged: those of `encode`, or decoded ones where it has none or
        where its paper scores those."""
        return decoded.masks if slots.masks is None else slots.masks

    def forward(self, scenes: Scenes, clock: Clock) -> Losses:
        return self.losses(scenes, clock)

    def parameter_groups(self, lr: float) -> list[dict[str, Any]]:
        """What an optimiser takes; one group of everything unless a paper has its own rates."""
        return [{"params": list(self.parameters()), "lr": lr}]

    @torch.no_grad()
    def sample(self, n: int) -> Float[Tensor, "n K D"]:
        """Latents from the prior, a standard normal, by torch's global generator."""
        return torch.randn(n, self.slots, self.latent_size, device=self.device)

    @property
    def device(self) -> torch.device:
        """Where the weights lie; the CPU for a model that has neither weights nor buffers."""
        first = next(chain(self.parameters(), self.buffers()), None)
        return torch.device("cpu") if first is None else first.device

    def check_about(self, about: About) -> None:
        """Raises ValueError on data that `losses` cannot learn from; unsupervised models learn from any."""

    def check_size(self, image: Float[Tensor, "B C H W"]) -> None:
        """The first line of every `encode`: raises ValueError unless the images are of the model's own size, and where
        `slots` was set to a number that it does not take."""
        self.check_slots(self.slots)
        if tuple(image.shape[1:]) != self.size:
            raise ValueError(
                f"{type(self).__name__} takes images of (channels, height, width) {self.size}, got "
                f"{tuple(image.shape[1:])}: resize them first, as wrappers.SlotObservation does"
            )

    def check_slots(self, slots: int) -> None:
        """Raises ValueError unless a picture can be encoded as so many slots."""
        if slots != self.built and not (self.takes_slots and slots > 0):
            raise ValueError(
                f"{type(self).__name__} was built with {self.built} slots and cannot encode a picture as {slots}: train "
                "one with as many, or take one that finds any number (monet, monet-lite, monet-rn50-variable, genesis-v2, "
                "slot-attention, mvae)"
            )
