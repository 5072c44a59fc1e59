"""Sets that others published become shards of ours, once: read in order, damaged scenes left out and told, whole files
only.

A user downloads such a set, as its page says; nothing here fetches anything.
"""

import json
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any, ClassVar, Protocol, runtime_checkable

import numpy as np

from objrep_gym import __version__
from objrep_gym.configs import to_json
from objrep_gym.data import whole
from objrep_gym.data.filling import Filling
from objrep_gym.data.records import RecordsError
from objrep_gym.data.shards import Layout, ShardsError, Stored, check_shard, write_shard
from objrep_gym.data.watching import left, watching
from objrep_gym.scenes.view import View
from objrep_gym.scenes.world import SPLITS, About, check_name

Found = tuple[np.ndarray, np.ndarray, np.ndarray]
"""Image uint8 (H, W, 3), ids uint8 (H, W), factors float32 (E, F)."""
MANIFEST, REPORT = "import.json", "imported.json"
ROWS, MOST = 1024, 10_000  # scenes in a shard, and shards, at most
HELD = 2**26  # bytes of pictures that are held at once: fewer scenes in a shard where they are large
HELD_OUT, SHARE = 10_000, 10  # scenes at the end that are the test, and as many the validation; at most a tenth each
TOLD = 100  # faults that the report names
HOPELESS = 100  # damaged scenes before the first good one: this is another set


@dataclass(frozen=True)
class Seen:
    """A published scene, or what is wrong with it; `place` is how far in its file it ends, in bytes."""

    name: str
    place: int
    found: Found | None = None
    fault: str = ""


@runtime_checkable
class Published(Protocol):
    """A published set in a folder: its address, what its scenes are, its files, and the scenes of each. `test_only` where
    none of them is for training."""

    name: ClassVar[str]
    address: ClassVar[str]

    @property
    def folder(self) -> str: ...
    def test_only(self) -> bool: ...
    def about(self) -> About: ...
    def pixels(self) -> tuple[int, int]: ...
    def files(self) -> list[Path]: ...
    def scenes(self, path: Path) -> Iterator[Seen]: ...


@runtime_checkable
class Divided(Protocol):
    """A description whose splits differ in more than their seed, as what was published has its own: it opens each (a
    `data.batches.Source`) by itself, without shards."""

    def open_split(self, seed: int, split: str) -> Any: ...
    def missing(self) -> str:
        """What is still to be downloaded, and whence, in words; nothing where all is there."""
        ...


@dataclass
class Imported:
    """What an import found: its folder, good scenes, and the damaged ones, the first of them in words."""

    folder: Path
    scenes: int = 0
    damaged: int = 0
    faults: list[str] = field(default_factory=list)

    def note(self, fault: str) -> None:
        """Count a damaged scene."""
        self.damaged += 1
        if len(self.faults) < TOLD:
            self.faults.append(fault)

    def __str__(self) -> str:
        told = [f"{self.folder}: {self.scenes:,} scenes", *([f"{self.damaged:,} damaged"] if self.damaged else [])]
        return "\n".join([", ".join(told), *self.faults])


def import_scenes(published: Published, out: Path | str, progress: bool = True) -> Imported:
    """Write the scenes of a published set to the folder `out`, in their order, or go on where an earlier call was stopped.

    Damaged scenes are left out, counted and named. Raises ValueError where the set has not been downloaded, or holds no
    good scene; ShardsError, changing nothing, where `out` holds something else.
    """
    out, files = Path(out), files_of(published)
    if min(published.pixels()) < 1:
        raise ValueError(f"size is {min(published.pixels())}: a picture has at least 1 pixel")
    layout = Layout(published.about(), published.pixels(), ("image", "mask"))
    names = [shard(published, number) for number in range(MOST)]
    told = {name: value for name, value in to_json(published).items() if name != "folder"}
    settings = {"set": told, "files": len(files), "bytes": sum(map(extent, files)), "about": to_json(layout)}
    filling = Filling(MANIFEST, {**settings, "objrep_gym": __version__}, [*names, REPORT], "holds no import of this set")
    with filling.into(out):
        if (out / REPORT).exists():
            return Imported(out, **json.loads((out / REPORT).read_text(encoding="utf-8")))
        imported = Imported(out)
        for number, scenes in enumerate(portions(good(published, files, imported, progress), layout)):
            path = out / shard(published, number)
            view = joined(scenes)
            imported.scenes += len(scenes)
            if path.exists():
                check_shard(path, layout, len(scenes))
            else:
                whole.write(path, lambda beside, view=view: write_shard(beside, view, layout))
        if not imported.scenes:
            (out / MANIFEST).unlink()
            raise ShardsError(
                f"no scene of {published.name} is good: "
                + ("; ".join(imported.faults[:1]) or "the files hold none that is asked for")
            )
        report = {name: value for name, value in asdict(imported).items() if name != "folder"}
        whole.write(out / REPORT, json.dumps(report, indent=2) + "\n")
    return imported


def files_of(published: Published) -> list[Path]:
    """The set's files; raises ValueError, saying where to get them, if there are none."""
    files = published.files() if published.folder else []
    if not files:
        where = f"{published.folder} holds none of its files" if published.folder else "no folder is named"
        raise ValueError(
            f"{published.name} is downloaded by hand, from {published.address}, and {where}: put them into a folder and "
            f"name it, `objrep-gym import {published.name} --folder FOLDER --out data/{published.name}`"
        )
    return files


def shard(published: Published, number: int) -> str:
    """A file's name, as `datasets.load_dataset(folder)` expects it."""
    return f"{'test' if published.test_only() else 'train'}-{number:05d}.parquet"


def good(published: Published, files: Sequence[Path], imported: Imported, progress: bool) -> Iterator[Found]:
    """The good scenes of all files; what is wrong with the others is noted."""
    total, count, began = sum(map(extent, files)), 0, time.monotonic()
    with watching(f"import {published.name}", total, progress) as show:
        for path, done, seen in everything(published, files):
            if not count and imported.damaged >= HOPELESS:
                return
            if seen.found is None:
                imported.note(f"{path}, {seen.name}: {seen.fault}")
                continue
            yield seen.found
            count += 1
            seconds, done = (
                max(time.monotonic() - began, 1e-9),
                min(done, total - 1),
            )  # the last line comes after the last scene
            told = f"{count:,} scenes  {count / seconds:.0f} scenes/s  {imported.damaged} damaged"
            show(done, f"{told}  {left((total - done) * seconds / max(done, 1))}")
        show(total, f"{count:,} scenes  {imported.damaged} damaged")


def everything(published: Published, files: Sequence[Path]) -> Iterator[tuple[Path, int, Seen]]:
    """The scenes of all files, good and damaged, and how far in all of them each ends."""
    before = 0
    for path in files:
        for seen in told_of(published, path):
            yield path, before + seen.place, seen
        before += extent(path)


def extent(path: Path) -> int:
    """How much there is to read: the bytes of a file; a folder, whose size says nothing, is one."""
    return path.stat().st_size if path.is_file() else 1


def told_of(published: Published, path: Path) -> Iterator[Seen]:
    """The scenes of a file; one that cannot be read at all is a fault like a scene's."""
    try:
        yield from published.scenes(path)
    except RecordsError as error:
        yield Seen("the file", 0, fault=str(error))


def portions(scenes: Iterator[Found], layout: Layout) -> Iterator[list[Found]]:
    """Scenes by the shard."""
    rows = max(1, min(ROWS, HELD // sum(map(layout.bytes_of, layout.outputs))))
    while some := list(islice(scenes, rows)):
        yield some


def joined(scenes: Sequence[Found]) -> View:
    """Scenes as one view."""
    image, mask, factors = (np.stack(parts) for parts in zip(*scenes, strict=True))
    return View(image, mask, None, factors)


def resized(found: Found, size: tuple[int, int]) -> Found:
    """A scene at another size: the image by bilinear interpolation that averages where it shrinks, ids of the nearest
    pixel."""
    from PIL import Image

    image, mask, factors = found
    if image.shape[:2] == size:
        return np.ascontiguousarray(image), np.ascontiguousarray(mask), factors
    wide = (size[1], size[0])
    scaled = Image.fromarray(np.ascontiguousarray(image)).resize(wide, Image.Resampling.BILINEAR)
    nearest = Image.fromarray(np.ascontiguousarray(mask)).resize(wide, Image.Resampling.NEAREST)
    return np.asarray(scaled), np.asarray(nearest), factors


def prepare(published: Published) -> Path:
    """The set's shards, in a folder beside its files; made at the first time, with a bar on a terminal. Raises as
    `import_scenes` does."""
    (place, *_), own = files_of(published), {"kind", "folder"}
    settings = [str(value) for name, value in to_json(published).items() if name not in own and value != ""]
    folder = Path(published.folder)
    out = (folder if folder.is_dir() else place.parent) / "shards" / "-".join([published.name, *settings])
    if not (out / REPORT).exists():
        print(f"importing {published.name} into {out}, once", file=sys.stderr)  # standard output may be JSON
    return import_scenes(published, out, progress=sys.stdout.isatty()).folder


class Part:
    """Consecutive scenes of a source, numbered from 0."""

    def __init__(self, source: Any, start: int, examples: int):
        self.source, self.start, self.examples = source, start, examples
        self.about, self.size = source.about, source.size

    def read(self, indices: np.ndarray, outputs: Sequence[str]) -> View:
        """Scenes by number. Raises IndexError on one out of range."""
        if len(indices) and not 0 <= indices.min() <= indices.max() < self.examples:
            raise IndexError(f"scenes {indices.min()} to {indices.max()} asked of {self.examples}")
        return self.source.read(np.asarray(indices) + self.start, outputs)

    def close(self) -> None:
        self.source.close()


def open_published(published: Published, split: str) -> Any:
    """The scenes of a split: the last `HELD_OUT`, at most a tenth of all, are the test, as many before them the
    validation. A set that is for tests alone is the same in every split. Raises ValueError on an unknown split, or one
    without a scene."""
    check_name("split", split, SPLITS)
    stored = Stored(prepare(published))
    if published.test_only() or stored.examples is None:
        return stored
    held = min(HELD_OUT, stored.examples // SHARE)
    starts = {"train": 0, "validation": stored.examples - 2 * held, "test": stored.examples - held}
    ends = {"train": starts["validation"], "validation": starts["test"], "test": stored.examples}
    if ends[split] == starts[split]:
        raise ValueError(
            f"{published.name} has {stored.examples} scenes in {published.folder}, too few for a {split} split"
        )
    return Part(stored, starts[split], ends[split] - starts[split])
