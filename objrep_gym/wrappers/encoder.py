"""Encoder: a frozen model at the door of an environment. Pictures of any size come in as bytes, slots go out."""

from collections.abc import Mapping
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import numpy as np
import torch
from gymnasium import spaces
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional

from objrep_gym import weights
from objrep_gym.models.base import SlotModule
from objrep_gym.models.blocks import coordinates
from objrep_gym.models.places import LEAST, MOST, places
from objrep_gym.training import layout
from objrep_gym.types import recolour, to_image, to_uint8
from objrep_gym.wrappers.frames import Pictures

BOUND = (
    10.0  # latents beyond ten standard deviations of a prior are clipped: a Box needs bounds, and a policy finite numbers
)
AT_ONCE = (
    32  # pictures at most, on a processor: of more, what layers hand on leaves its caches, and a picture costs a third more
)
PRECISIONS = {"float32": torch.float32, "bf16": torch.bfloat16}


class Encoder:
    """A model in `eval()` that nothing trains, called on uint8 pictures, all of them in one batch without gradients.

    ref: a reference of `weights.load`, or a model (then a wrapper's spec cannot be written to JSON). slots: how many, where
    the model takes another number than it was trained with. places: put where each slot lies, the moments of its mask
    (`models.places.PLACES`), after its latents. precision: "float32", or "bf16" autocast. device: where models are moved.
    A pickled encoder carries its references and loads the models again, and what was
    published since. Raises WeightsError on a reference that leads nowhere, ValueError on an unknown precision, on `slots`,
    `masks` or `places` that the model cannot have.

    `version` counts what `publish` brought; 0 is what `ref` names. Wrappers that share an encoder change at once.
    """

    def __init__(
        self,
        ref: str | Path | SlotModule,
        slots: int | None = None,
        masks: bool = False,
        precision: str = "float32",
        device: str = "cpu",
        places: bool = False,
    ):
        ref = str(ref) if isinstance(ref, Path) else ref
        if not isinstance(ref, str | SlotModule):
            raise TypeError(f"encoder {ref!r} is neither a reference, such as 'colour' or a folder, nor a model")
        if precision not in PRECISIONS:
            raise ValueError(f"precision {precision!r} is none of {', '.join(PRECISIONS)}")
        self.ref, self.slots, self.masks, self.precision, self.device = ref, slots, masks, precision, device
        self.places = places
        self.model: SlotModule | None = None
        self.describer: Encoder | None = None
        self.version = 0
        self.published: dict[str, Tensor] | None = None
        model = self.load()
        for name, asked in {"masks": masks, "places": places}.items():
            self.check_masks(name, asked)
        self.channels, self.height, self.width = model.size
        self.space = space_of(model.slots, model.latent_size, places)

    def load(self) -> SlotModule:
        """The model, loaded at the first need."""
        if self.model is None:
            self.model = weights.load(self.ref) if isinstance(self.ref, str) else self.ref
            if self.slots not in (None, self.model.slots):
                self.model.check_slots(self.slots)
                self.model.slots = self.slots
            if self.published is not None:
                self.model.load_state_dict(self.published)
            self.model.eval().requires_grad_(False).to(self.device)
            self.model.to(memory_format=layout(self.model))  # type: ignore[call-overload]
        return self.model

    def check_masks(self, name: str, asked: Any) -> None:
        """Raises ValueError where a keyword asks for masks and there are none."""
        if asked and not self.load().has_masks:
            raise ValueError(f"encoder {self.name} has no masks: leave {name}={asked!r} out")

    def describe_by(self, by: str | Path | SlotModule) -> "Encoder":
        """Has another model, or a reference of one, say what lies under each mask, such as "colour": its latents replace
        the encoder's own. Raises ValueError where there are no masks, and on a model that takes none."""
        self.check_masks("described_by", by)
        describer = Encoder(by, device=self.device)
        model = describer.load()
        if not model.takes_masks:
            raise ValueError(f"described_by={by!r} takes no masks of others: a model with takes_masks does, as colour")
        self.describer, self.space = describer, space_of(self.load().slots, model.latent_size, self.places)
        return self

    def publish(self, tensors: Mapping[str, Tensor], version: int | None = None) -> int:
        """Takes over a state dict of the same model and returns the number of the version that begins with it: the next, or
        `version` where a run goes on. Raises ValueError on tensors of another model, and then nothing has changed."""
        model = self.load()
        own = model.state_dict()
        wrong = sorted(name for name in own.keys() ^ tensors.keys())
        wrong += [name for name in own if name in tensors and own[name].shape != tensors[name].shape]
        if wrong:
            raise ValueError(
                f"{wrong[0]} and {len(wrong) - 1} more of {len(own)} tensors do not fit encoder {self.name}: publish the "
                "state_dict of a model of the same config"
            )
        model.load_state_dict(tensors)
        self.version = self.version + 1 if version is None else version
        return self.version

    @property
    def name(self) -> str:
        """Its reference, or the class of a model."""
        return repr(self.ref) if isinstance(self.ref, str) else type(self.ref).__name__

    def __getstate__(self) -> dict[str, Any]:
        published = self.published
        if self.version and self.model is not None and isinstance(self.ref, str):  # a model as `ref` brings its weights
            published = {name: value.detach().cpu() for name, value in self.model.state_dict().items()}
        return {**vars(self), "model": None, "published": published}

    def autocast(self) -> AbstractContextManager[Any]:
        """The context in which it encodes: its precision."""
        return torch.autocast(self.device.split(":")[0], PRECISIONS[self.precision], self.precision != "float32")

    def __call__(self, pictures: Pictures) -> tuple[list[np.ndarray], list[np.ndarray] | None]:
        """Slots float32 (n, K, D) of each array of pictures uint8 (n, H, W, C), and masks float32 (n, K, H, W) of the
        model's size if asked for. Raises FloatingPointError on latents that are not finite."""
        sizes = [len(batch) for batch in pictures]
        with torch.no_grad(), self.autocast():
            image = torch.cat([self.fit(tensor(batch)) for batch in pictures])
            count = 1 if image.is_cuda else max(1, -(-len(image) // AT_ONCE))
            parts = [self.encode(part) for part in image.tensor_split(count)]
        split = np.cumsum(sizes)[:-1]
        codes = np.split(torch.cat([codes for codes, _ in parts]).cpu().numpy(), split)
        if not self.masks:
            return codes, None
        return codes, np.split(torch.cat([masks for _, masks in parts if masks is not None]).float().cpu().numpy(), split)

    def encode(self, image: Float[Tensor, "N C H W"]) -> tuple[Float[Tensor, "N K D"], Float[Tensor, "N K H W"] | None]:
        """Slots, and masks where anyone looks at them."""
        model = self.load()
        image = image.contiguous(memory_format=layout(model))
        if self.describer or self.masks or self.places:
            slots = model.encode(image)
            latents, masks = slots.latents.float(), slots.masks
            if self.describer and masks is not None:
                latents = described(self.describer.load(), image, masks)
        else:
            latents, masks = model.encode_latents(image).float(), None
        if not torch.isfinite(latents).all():
            raise FloatingPointError(f"encoder {self.name} gave latents that are not finite in {self.precision}")
        latents = latents.clamp(-BOUND, BOUND)
        return torch.cat((latents, located(masks)), 2) if self.places and masks is not None else latents, masks

    def fit(self, pictures: Tensor) -> Float[Tensor, "N C H W"]:
        """Pictures uint8 (N, h, w, c) as the model wants them: its size, its channels, in [0, 1], on its device."""
        return fitted(to_image(pictures.to(self.device)), (self.channels, self.height, self.width))


def encoder_of(encoder: str | Path | SlotModule | Encoder, **encoding: Any) -> Encoder:
    """The encoder that a wrapper's argument stands for; one that is shared is taken as it is. `encoding`: the keywords of
    `Encoder`, and `described_by`, as `Encoder.describe_by` takes it. Raises what these raise, and ValueError on keywords
    beside one that is shared."""
    if not isinstance(encoder, Encoder):
        by = encoding.pop("described_by", None)
        made = Encoder(encoder, **encoding)
        return made if by is None else made.describe_by(by)
    usual = {"slots": None, "masks": False, "precision": "float32", "device": "cpu", "places": False, "described_by": None}
    given = [f"{name}={value!r}" for name, value in encoding.items() if name not in usual or value != usual[name]]
    if given:
        raise ValueError(f"{', '.join(given)} beside an Encoder that is shared: give them where it is made")
    return encoder


def space_of(slots: int, latent: int, places: bool) -> spaces.Box:
    """What an encoder gives for a picture: latents, and `PLACES` after them where they are asked for."""
    ends = [([-BOUND] * latent, LEAST), ([BOUND] * latent, MOST)]
    low, high = (np.tile(np.array([*first, *(rest if places else ())], np.float32), (slots, 1)) for first, rest in ends)
    return spaces.Box(low, high, dtype=np.float32)


def described(by: SlotModule, image: Float[Tensor, "N c h w"], masks: Float[Tensor, "N K h w"]) -> Float[Tensor, "N K D"]:
    """What a model says of the parts that masks of another one show, at its own size."""
    parts = resize(masks.float(), by.size[1:])
    return by.encode_parts(fitted(image, by.size), parts).latents.float()


def located(masks: Float[Tensor, "N K H W"]) -> Float[Tensor, "N K 5"]:
    """`PLACES` of masks, within the bounds that they have."""
    found = places(masks.float().flatten(2), coordinates(*masks.shape[2:]).to(masks.device))
    return found.clamp(found.new_tensor(LEAST), found.new_tensor(MOST))


def tensor(pictures: np.ndarray) -> Tensor:
    """Bytes as torch takes them: renderers flip pictures (negative strides) and share memory that cannot be written."""
    return torch.from_numpy(np.require(pictures, np.uint8, ("C", "W")))


def fitted(image: Float[Tensor, "N c h w"], size: tuple[int, int, int]) -> Float[Tensor, "N C H W"]:
    """Images brought to a size (C, H, W), such as a model's."""
    return recolour(resize(image, size[1:]), size[0])


def resize(image: Float[Tensor, "N C h w"], size: tuple[int, int]) -> Float[Tensor, "N C H W"]:
    """Images brought to `size` (H, W), stretched if need be: by the mean over areas where they shrink, else bilinear."""
    if image.shape[2:] == size:
        return image
    if image.shape[2] >= size[0] and image.shape[3] >= size[1]:
        return functional.interpolate(image, size, mode="area")
    return functional.interpolate(image, size, mode="bilinear", align_corners=False, antialias=True)


def resize_bytes(pictures: np.ndarray, size: tuple[int, int], channels: int) -> np.ndarray:
    """uint8 (N, h, w, c) brought to uint8 (N, H, W, C) in the same way."""
    return to_uint8(fitted(to_image(tensor(pictures)), (channels, *size))).numpy()
