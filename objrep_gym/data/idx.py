"""MNIST (LeCun et al. 1998) and Fashion-MNIST (Xiao et al. 2017) in the IDX files that they are published in, packed by
gzip or not, read as they are: they fit into memory, and nothing is imported.

A user downloads them. Their folder is the option `folder`, itself or with a folder of the set's name in it; without one it
is looked for where OBJREP_GYM_DATA says that published data lies.
"""

import gzip
import math
import os
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import ClassVar

import numpy as np

from objrep_gym.scenes.view import View
from objrep_gym.scenes.world import SPLITS, About, check_name

PUBLISHED_DATA = "OBJREP_GYM_DATA"
BYTES = 0x08  # the type that IDX calls unsigned byte; both sets have no other
SIDE, PADDED = 28, 32  # pixels as published, and with two black ones on every side
INK = 128  # intensity from which on a pixel belongs to the thing rather than to the ground
HELD_OUT = 6  # one in so many of the published training set, at its end, is the validation: 10,000 of 60,000
FILES = {"train": "train", "validation": "train", "test": "t10k"}


def read_idx(path: Path) -> np.ndarray:
    """The bytes of an IDX file, uint8 in the shape that it says. Raises ValueError, with the file, on one that is damaged
    or holds something else."""
    try:
        content = path.read_bytes()
        content = gzip.decompress(content) if content[:2] == b"\x1f\x8b" else content
    except (OSError, EOFError, zlib.error) as error:
        raise ValueError(f"{path} is damaged: {error}. Download it anew") from error
    if len(content) < 4 or content[:2] != b"\0\0" or content[2] != BYTES:
        raise ValueError(f"{path} is no IDX file of bytes: it begins with {content[:4].hex(' ')}")
    start = 4 + 4 * content[3]
    shape = tuple(int.from_bytes(content[at : at + 4], "big") for at in range(4, start, 4))
    total = math.prod(shape)
    if len(content) - start != total:
        told = "×".join(map(str, shape))
        raise ValueError(f"{path} is damaged: it says {told} bytes and holds {max(0, len(content) - start):,}")
    return np.frombuffer(content, np.uint8, offset=start).reshape(shape)


@dataclass(frozen=True)
class Examples:
    """Grey pictures uint8 (N, 28, 28) of single things, and the class uint8 (N,) of each."""

    pictures: np.ndarray
    classes: np.ndarray


@lru_cache(maxsize=4)
def read_examples(folder: Path, file: str) -> Examples:
    """Pictures and classes of one of the two published parts, "train" or "t10k". Raises ValueError on a file that is
    missing, damaged, or does not go with the other."""
    pictures, classes = (
        read_idx(idx_file(folder, f"{file}-{kind}")) for kind in ("images-idx3-ubyte", "labels-idx1-ubyte")
    )
    if pictures.ndim != 3 or pictures.shape[1:] != (SIDE, SIDE) or classes.shape != pictures.shape[:1]:
        raise ValueError(
            f"{folder}: {file} has pictures of {pictures.shape} and classes of {classes.shape}, published are (N, 28, 28) "
            "and (N,)"
        )
    return Examples(pictures, classes)


def idx_file(folder: Path, name: str) -> Path:
    """A file, packed or not; raises ValueError where neither is there."""
    found = [path for path in (folder / f"{name}.gz", folder / name) if path.is_file()]
    if not found:
        raise ValueError(f"{folder} has neither {name}.gz nor {name}")
    return found[0]


@dataclass(frozen=True)
class Idx:
    """What the two sets have in common: `folder`, and the names of their classes."""

    folder: str = ""
    """Where the four files are, or the folder of that; without it, where OBJREP_GYM_DATA says."""
    size: int = SIDE
    """Height and width: 28 as published, 32 with two black pixels all around, others scaled."""
    name: ClassVar[str] = ""
    address: ClassVar[str] = ""
    places: ClassVar[tuple[str, ...]] = ()
    """Names of the set's own folder, as it is usually unpacked."""
    classes: ClassVar[tuple[str, ...]] = ()

    def place(self) -> Path:
        """The folder of the four files. Raises ValueError, saying where to get them, where they are not found."""
        given = self.folder or os.environ.get(PUBLISHED_DATA, "")
        if given:
            wanted = "train-images-idx3-ubyte"
            own = [Path(given) / place for place in self.places]
            for folder in (*own, *([Path(given)] if self.folder else [])):
                if (folder / f"{wanted}.gz").is_file() or (folder / wanted).is_file():
                    return folder
        where = f"{given} holds none of its files" if given else "no folder is named"
        raise ValueError(
            f"{self.name} is downloaded by hand, from {self.address}, and {where}: put its four files into a folder and "
            f"name it, {self.name}:folder=FOLDER, or the folder above {self.places[0]}/ in {PUBLISHED_DATA}"
        )

    def missing(self) -> str:
        """What `place` raises, in words; nothing where the files are there."""
        try:
            self.place()
        except ValueError as error:
            return str(error)
        return ""

    def examples(self, split: str) -> Examples:
        """The published test set, the last sixth of the published training set (validation), or the rest of that. Raises
        ValueError on an unknown split, and as `place` and `read_examples` do."""
        check_name("split", split, SPLITS)
        found = read_examples(self.place(), FILES[split])
        if split == "test":
            return found
        end = len(found.classes) - len(found.classes) // HELD_OUT
        part = slice(end, None) if split == "validation" else slice(end)
        return Examples(found.pictures[part], found.classes[part])

    def open_split(self, seed: int, split: str) -> "Singles":
        """The scenes of a split, one thing in each; they are the same for every `seed`."""
        return Singles(self.examples(split), self.size, len(self.classes))


@dataclass(frozen=True)
class Mnist(Idx):
    """MNIST: 70,000 handwritten digits."""

    name: ClassVar[str] = "mnist"
    address: ClassVar[str] = "http://yann.lecun.com/exdb/mnist/"
    places: ClassVar[tuple[str, ...]] = ("mnist", "MNIST/raw")
    classes: ClassVar[tuple[str, ...]] = tuple("0123456789")


@dataclass(frozen=True)
class FashionMnist(Idx):
    """Fashion-MNIST: 70,000 photographs of clothes, in the place of digits."""

    name: ClassVar[str] = "fashion-mnist"
    address: ClassVar[str] = "https://github.com/zalandoresearch/fashion-mnist"
    places: ClassVar[tuple[str, ...]] = ("fashion_mnist", "fashion-mnist", "FashionMNIST/raw")
    classes: ClassVar[tuple[str, ...]] = (
        *("t-shirt", "trouser", "pullover", "dress", "coat"),
        *("sandal", "shirt", "sneaker", "bag", "boot"),
    )


class Singles:
    """Numbered scenes (`data.batches.Source`) of one thing each, on black: id 0 is the ground, 1 the thing, with its class
    as the one factor."""

    def __init__(self, examples: Examples, size: int, classes: int):
        self.pictures, self.classes = at_side(examples.pictures, size), examples.classes
        self.about = About(("ground", "thing"), ("class",), (classes,), 1)
        self.size, self.examples = (size, size), len(examples.classes)

    def read(self, indices: np.ndarray, outputs: Sequence[str]) -> View:
        """Scenes by number. Raises IndexError on one out of range, ValueError where depth is asked for."""
        check_flat(outputs)
        if len(indices) and not 0 <= indices.min() <= indices.max() < self.examples:
            raise IndexError(f"scenes {indices.min()} to {indices.max()} asked of {self.examples}")
        grey = self.pictures[indices]
        factors = np.full((len(indices), 2, 1), np.nan, np.float32)
        factors[:, 1, 0] = self.classes[indices]
        mask = (grey >= INK).astype(np.uint8) if "mask" in outputs else None
        return View(np.repeat(grey[..., None], 3, axis=-1), mask, None, factors)

    def close(self) -> None:
        """Nothing to give back."""


def check_flat(outputs: Sequence[str]) -> None:
    """Raises ValueError where depth is asked of pictures that have none."""
    if "depth" in outputs:
        raise ValueError("these pictures have no depth: ask for image and mask")


def at_side(pictures: np.ndarray, side: int) -> np.ndarray:
    """Grey pictures uint8 (N, 28, 28) at another size: padded to 32, else scaled. Raises ValueError on a size below 1."""
    if side < 1:
        raise ValueError(f"size is {side}: a picture has at least 1 pixel")
    if side == SIDE:
        return pictures
    if side == PADDED:
        margin = (PADDED - SIDE) // 2
        return np.pad(pictures, ((0, 0), (margin, margin), (margin, margin)))
    from PIL import Image

    scaled = [Image.fromarray(picture).resize((side, side), Image.Resampling.BILINEAR) for picture in pictures]
    return np.stack([np.asarray(picture) for picture in scaled]) if scaled else np.empty((0, side, side), np.uint8)
