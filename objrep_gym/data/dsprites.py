"""dSprites (Matthey et al. 2017): its grid drawn by `scenes.dsprites`, or read as it was published.

The published file, dsprites_ndarray_co1sh3sc6or40x32y32_64x64.npz, is downloaded by hand from github.com/google-deepmind/
dsprites-dataset. Its pictures are packed once into a file of 377 MB beside it, eight pixels to a byte, which is then
mapped: nothing is read but what is shown. `about.origin` says whose pictures they are.
"""

import zipfile
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from objrep_gym.data import whole
from objrep_gym.scenes.bits import Bits, packed
from objrep_gym.scenes.dsprites import FACTORS, BinaryGrid, DSprites
from objrep_gym.scenes.world import World

if TYPE_CHECKING:
    from objrep_gym.data.batches import Source

FILE = "dsprites_ndarray_co1sh3sc6or40x32y32_64x64.npz"
ADDRESS = "github.com/google-deepmind/dsprites-dataset"
SIDE = 64  # pixels as published
PIECE = 4096  # pictures unpacked at once: all of them are 3 GB
PUBLISHED = "published"


@dataclass(frozen=True)
class DSpritesScenes:
    """A description of dSprites' grid, 737,280 pictures; `open()` makes the world."""

    folder: str = ""
    """Where dsprites_ndarray_co1sh3sc6or40x32y32_64x64.npz is, or that file: the published pictures, at 64 pixels alone.
    Without it they are drawn."""
    size: int = 64
    """Height and width in pixels."""

    def open(self) -> World:
        """The world. Raises ValueError on a folder without the published file, a file that is damaged or another set, and
        on a size that was not published."""
        return self.world()

    def missing(self) -> str:
        """The published file, in words, where a folder is named that does not hold it."""
        try:
            self.world().close()
        except ValueError as error:
            return str(error)
        return ""

    def open_split(self, seed: int, split: str) -> "Source":
        """The whole grid, numbered at random. Raises as `open` does."""
        from objrep_gym.data.grids import enumerated

        return enumerated(self.world(), seed, split)

    def world(self) -> BinaryGrid:
        """The grid: as published where a folder is named, else drawn."""
        if not self.folder:
            return DSprites((self.size, self.size))
        if self.size != SIDE:
            raise ValueError(f"size is {self.size}, and dSprites is published at {SIDE} pixels: take that, or no folder")
        return PublishedDSprites(published_file(Path(self.folder)))


class PublishedDSprites(BinaryGrid):
    """A `World` of the published pictures. path: the published file; factors: how many values each factor has."""

    size = (SIDE, SIDE)

    def __init__(self, path: Path, factors: dict[str, int] = FACTORS):
        super().__init__(factors, PUBLISHED)
        self.path = path
        self.rows: np.ndarray | None = None

    def bits(self, factors: np.ndarray) -> Bits:
        """Scenes (N, 2, 6) as they were published, from the mapped file, which the first call of all makes."""
        numbers = self.numbers(factors)
        if self.rows is None:
            self.rows = mapped(self.path, self.sizes)
        return Bits(self.rows[numbers], self.size, factors.astype(np.float32))

    def close(self) -> None:
        """Let go of the mapped file."""
        self.rows = None


def published_file(place: Path) -> Path:
    """The published file, in a folder or itself. Raises ValueError, saying where to get it, where it is not."""
    path = place / FILE if place.is_dir() else place
    if not path.is_file():
        raise ValueError(f"{path} is missing: dSprites is downloaded by hand, the file {FILE} from {ADDRESS}")
    return path


def mapped(path: Path, sizes: Sequence[int]) -> np.ndarray:
    """uint8 (N, 512), memory-mapped: the pictures of the published file, packed into a file beside it at the first time.
    Raises ValueError on a file that is damaged or another set."""
    beside = path.with_name(f"{path.stem}.bits.npy")
    wanted = (int(np.prod(sizes)), SIDE * SIDE // 8)
    if not beside.exists():
        whole.write(beside, lambda to: pack(path, to, sizes))
    rows = np.load(beside, mmap_mode="r")
    if rows.shape != wanted or rows.dtype != np.uint8:
        raise ValueError(f"{beside} holds {rows.dtype} {rows.shape}, and {wanted} bytes were packed: delete it")
    return rows


def pack(path: Path, to: Path, sizes: Sequence[int]) -> None:
    """Write the published pictures as bits, once their order is found to be the grid's."""
    total = int(np.prod(sizes))
    told = {"descr": "|u1", "fortran_order": False, "shape": (total, SIDE * SIDE // 8)}
    try:
        with zipfile.ZipFile(path) as archive, to.open("wb") as file:
            check(archive, path, sizes)
            np.lib.format.write_array_header_1_0(file, told)
            for pictures in pieces(archive, path, total):
                file.write(packed(pictures).tobytes())
    except (zipfile.BadZipFile, zlib.error, EOFError) as error:
        raise ValueError(f"{path} is damaged or no npz file: {error}. Download it anew from {ADDRESS}") from error


def check(archive: zipfile.ZipFile, path: Path, sizes: Sequence[int]) -> None:
    """Raises ValueError unless a file has the published arrays, its scenes in the order of the grid."""
    missing = {"imgs.npy", "latents_classes.npy"} - set(archive.namelist())
    if missing:
        raise ValueError(f"{path} has no {', '.join(sorted(missing))}: it is not dSprites as published ({ADDRESS})")
    with archive.open("latents_classes.npy") as file:
        classes = np.lib.format.read_array(file, allow_pickle=False)  # type: ignore[arg-type]
    grid = np.stack(np.unravel_index(np.arange(int(np.prod(sizes))), tuple(sizes)), axis=1)
    if classes.shape != grid.shape or (classes != grid).any():
        told = "×".join(map(str, sizes))
        raise ValueError(f"{path}: latents_classes, {classes.shape}, do not count through the published grid of {told}")


def pieces(archive: zipfile.ZipFile, path: Path, total: int) -> Iterator[np.ndarray]:
    """uint8 (n, 64, 64): the pictures, some at a time. Raises ValueError where they are not as published."""
    with archive.open("imgs.npy") as file:
        shape, fortran, dtype = header(file)
        if shape != (total, SIDE, SIDE) or fortran or dtype != np.uint8:
            raise ValueError(f"{path}: imgs are {dtype} {shape}, and uint8 {(total, SIDE, SIDE)} are published")
        for start in range(0, total, PIECE):
            count = min(PIECE, total - start)
            content = file.read(count * SIDE * SIDE)
            if len(content) != count * SIDE * SIDE:
                raise EOFError(f"imgs end after {start:,} pictures")
            pictures = np.frombuffer(content, np.uint8).reshape(count, SIDE, SIDE)
            if pictures.max() > 1:
                raise ValueError(f"{path}: imgs hold values up to {pictures.max()}, and 0 and 1 are published")
            yield pictures


def header(file: Any) -> tuple[Any, bool, Any]:
    """Shape, order and type of an array in a file, which is then at its first value."""
    version = np.lib.format.read_magic(file)
    read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
    return read(file)
