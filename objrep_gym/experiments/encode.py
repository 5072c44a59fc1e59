"""Slots of images: of a dataset, of shards, of picture files; in, as one file out."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float
from PIL import Image, UnidentifiedImageError
from torch import Tensor

from objrep_gym import weights
from objrep_gym.data import DATASETS, open_source, whole
from objrep_gym.data.watching import watching
from objrep_gym.models.base import SlotModule
from objrep_gym.training import Precision, layout
from objrep_gym.types import Slots, to_image
from objrep_gym.wrappers.describe import Describer
from objrep_gym.wrappers.encoder import fitted

PICTURES = (".png", ".jpg", ".jpeg", ".webp", ".bmp", ".gif")


@dataclass(frozen=True)
class Encoding:
    """What is encoded, by what."""

    ref: str
    """A run directory, a published name, or a preset without weights."""
    images: tuple[str, ...]
    """Picture files, folders of them, one dataset, or one folder of shards."""
    count: int = 1000
    """At most so many images."""
    split: str = "test"
    """Of a dataset that is drawn: train, validation or test."""
    seed: int = 0
    """Of a dataset that is drawn."""
    masks: bool = False
    """Keep masks too, as bytes: 255 is all of a pixel."""
    describe: bool = False
    """Name what each slot holds too: what, shape, colour, size, place, by the probe that ships with the encoder."""
    batch: int = 64
    """Images that are encoded at once."""
    precision: Precision = "float32"
    """bf16 encodes in half the bits."""


def encode(encoding: Encoding, out: Path | str) -> Path:
    """Writes `latents` float32 (N, K, D), `nats` float32 (N, K), `names` (N,), and, if asked for, `masks` uint8
    (N, K, H, W) of the model's size and the columns of `Describer.table` (N, K), to the .npz at `out`, whole or not at
    all; returns its path.

    Raises WeightsError, also where words are asked for and no probe is there; ValueError on what is no picture, dataset or
    shards, or where there is nothing to encode.
    """
    out = Path(out)
    out = out if out.suffix == ".npz" else out.with_name(f"{out.name}.npz")
    model = weights.load(encoding.ref)
    if encoding.masks and not model.has_masks:
        raise ValueError(f"{encoding.ref} has no masks to keep: leave --masks out")
    describer = Describer(encoding.ref) if encoding.describe else None
    found: dict[str, list[np.ndarray]] = {"latents": [], "nats": [], "names": [], "masks": []}
    with watching(f"encode with {encoding.ref}", encoding.count) as show:
        for names, images in batches(encoding, model):
            slots = look(model, images, encoding.precision)
            found["names"].append(np.array(names))
            found["latents"].append(slots.latents.float().cpu().numpy())
            found["nats"].append(slots.nats.float().cpu().numpy())
            if encoding.masks and slots.masks is not None:
                found["masks"].append(slots.masks.float().mul(255).round().byte().cpu().numpy())
            show(sum(map(len, found["names"])), "images")
    if not found["latents"]:
        raise ValueError(
            f"there is no image in {', '.join(encoding.images)}: name {', '.join(PICTURES)} files or a dataset"
        )
    arrays = {name: np.concatenate(parts) for name, parts in found.items() if parts}
    arrays |= describer.table(arrays["latents"]) if describer else {}
    out.parent.mkdir(parents=True, exist_ok=True)

    def write(beside: Path) -> None:
        with beside.open("wb") as file:
            np.savez_compressed(file, allow_pickle=False, **arrays)

    return whole.write(out, write)


@torch.no_grad()
def look(model: SlotModule, images: Float[Tensor, "B C H W"], precision: Precision) -> Slots:
    """Slots of images of the model's size, on the model's device."""
    device = model.device
    with torch.autocast(device.type, torch.bfloat16, enabled=precision == "bf16"):
        return model.encode(images.to(device).contiguous(memory_format=layout(model)))


def batches(encoding: Encoding, model: SlotModule) -> Iterator[tuple[list[str], Float[Tensor, "B C H W"]]]:
    """Names and images of the model's size, `batch` at a time. Raises ValueError on scenes beside anything else."""
    numbered = [name for name in encoding.images if name.partition(":")[0] in DATASETS or any(Path(name).glob("*.parquet"))]
    if numbered and len(encoding.images) > 1:
        raise ValueError(f"{numbered[0]} holds numbered scenes, which are encoded by themselves: name nothing beside it")
    if numbered:
        yield from scenes(encoding, model, numbered[0])
        return
    files = [file for name in encoding.images for file in pictures(Path(name))][: encoding.count]
    for start in range(0, len(files), encoding.batch):
        chunk = files[start : start + encoding.batch]
        yield [str(file) for file in chunk], torch.cat([seen(picture(file)[None], model) for file in chunk])


def scenes(encoding: Encoding, model: SlotModule, data: str) -> Iterator[tuple[list[str], Float[Tensor, "B C H W"]]]:
    """Numbered scenes of a dataset or of shards."""
    source = open_source(data, encoding.seed, encoding.split)
    count = min(encoding.count, source.examples or encoding.count)
    try:
        for start in range(0, count, encoding.batch):
            numbers = np.arange(start, min(start + encoding.batch, count))
            view = source.read(numbers, ("image",))
            yield [str(number) for number in numbers], seen(np.array(view.image), model)
    finally:
        source.close()


def seen(images: np.ndarray, model: SlotModule) -> Float[Tensor, "B C H W"]:
    """Images uint8 (B, h, w, c) at the size and with the channels of a model."""
    return fitted(to_image(torch.from_numpy(images)), model.size)


def pictures(path: Path) -> list[Path]:
    """The file itself, or the picture files of a folder by name. Raises FileNotFoundError."""
    if path.is_dir():
        return sorted(file for file in path.iterdir() if file.suffix.lower() in PICTURES)
    if not path.exists():
        raise FileNotFoundError(
            f"{path} does not exist: name picture files, a folder of them, or one of {', '.join(DATASETS)}"
        )
    return [path]


def picture(path: Path) -> np.ndarray:
    """uint8 (H, W, 3); transparency is laid on white. Raises ValueError on what is no picture."""
    try:
        with Image.open(path) as opened:
            deep = opened.mode == "I" or opened.mode.startswith("I;16")  # which `convert` clips
            grey = Image.fromarray((np.asarray(opened) / 257).round().clip(0, 255).astype(np.uint8)) if deep else opened
            seen = grey.convert("RGBA")
    except (UnidentifiedImageError, OSError) as error:
        raise ValueError(f"{path} is no picture that can be read: {error}") from error
    white = Image.new("RGBA", seen.size, "white")
    return np.array(Image.alpha_composite(white, seen).convert("RGB"))
