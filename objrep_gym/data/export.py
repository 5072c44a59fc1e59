"""Scenes leave the house: shards, or a world that is drawn, become files that others read, in the same order.

A file is written whole or not at all, and holds as many scenes as a shard does: memory does not grow with their number, and
what was stopped goes on with the next file.
"""

import json
import shlex
import time
from collections.abc import Callable
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Literal

import numpy as np

from objrep_gym import __version__
from objrep_gym.configs import to_json
from objrep_gym.data import open_source, parse, whole
from objrep_gym.data.card import CARD, card
from objrep_gym.data.drawing import CHUNK, Recipe, joined
from objrep_gym.data.filling import Filling
from objrep_gym.data.formats import FORMATS, Format, Portion
from objrep_gym.data.generate import MANIFEST as GENERATION
from objrep_gym.data.published import Published, prepare
from objrep_gym.data.shards import Layout, digest_of, read_shard, shards_of
from objrep_gym.data.watching import left, watching
from objrep_gym.scenes.view import View
from objrep_gym.scenes.world import SPLITS

MANIFEST = "export.json"
Named = Literal["tfrecords", "webdataset", "parquet"]


@dataclass(frozen=True)
class Packing:
    """How the scenes of a folder are exported."""

    format: Named = "parquet"
    """tfrecords (DeepMind's Objects Room layout), webdataset (tar) or parquet (PNGs, for the Hugging Face hub)."""
    count: int | None = None
    """Scenes, from the first on; all if none is given."""

    def stock(self, what: str) -> "Stock":
        """The scenes of a folder of shards, or of a downloaded set. Raises ValueError if there are fewer than asked for."""
        described = parse(what)
        return stored(prepare(described) if isinstance(described, Published) else Path(what), self.count)


@dataclass(frozen=True)
class DrawnPacking:
    """How scenes are drawn and exported."""

    format: Named = "parquet"
    """tfrecords (DeepMind's Objects Room layout), webdataset (tar) or parquet (PNGs, for the Hugging Face hub)."""
    count: int = 10_000
    """Scenes in all."""
    seed: int = 0
    """With a scene's split and number, the seed of that scene."""
    split: str = "train"
    """train, validation or test: no scene is in two of them."""

    def stock(self, what: str) -> "Stock":
        """The scenes that are drawn. Raises ValueError on values out of range."""
        recipe = Recipe(count=self.count, seed=self.seed, split=self.split).check()
        source = open_source(what, self.seed, self.split)
        if source.examples is not None and source.examples < self.count:
            source.close()
            raise ValueError(f"count is {self.count}: {what} has {source.examples:,} scenes in its {self.split} split")

        def portion(number: int) -> View:
            span = recipe.span(number)
            starts = range(span.start, span.stop, CHUNK)
            spans = [np.arange(start, min(start + CHUNK, span.stop)) for start in starts]
            return joined([source.read(numbers, recipe.outputs) for numbers in spans])

        counts = [len(recipe.span(number)) for number in range(len(recipe.shards()))]
        layout = Layout(source.about, source.size, recipe.outputs)
        origin = {"recipe": {**to_json(recipe), "world": to_json(parse(what))}}
        return Stock(layout, counts, portion, self.split, origin, source.close)


@dataclass(frozen=True)
class Stock:
    """Scenes to export: what they are, how many each file gets, and where they come from."""

    layout: Layout
    counts: list[int]
    portion: Callable[[int], View]
    split: str
    origin: dict[str, Any]
    """What the same bytes follow from, as JSON."""
    close: Callable[[], None] = lambda: None

    def names(self, suffix: str) -> list[str]:
        """File names, as `datasets.load_dataset(folder)` expects them."""
        return [f"{self.split}-{number:05d}-of-{len(self.counts):05d}{suffix}" for number in range(len(self.counts))]


def stored(folder: Path, count: int | None) -> Stock:
    """The first `count` scenes of a folder of shards."""
    paths, rows, layout = shards_of(folder)
    total = sum(rows) if count is None else count
    if not 1 <= total <= sum(rows):
        raise ValueError(f"count is {total}: {folder} holds {sum(rows):,} scenes")
    starts = np.cumsum([0, *rows])
    counts = [int(min(n, total - start)) for n, start in zip(rows, starts[:-1], strict=True) if start < total]
    split = paths[0].name.split("-")[0]

    def portion(number: int) -> View:
        view = read_shard(paths[number], layout.outputs)
        kept = slice(0, counts[number])
        return View(view.image[kept], None if view.mask is None else view.mask[kept], None, view.factors[kept])

    made = folder / GENERATION
    origin: dict[str, Any] = {"shards": [digest_of(path) for path in paths[: len(counts)]]}
    if made.exists():
        origin["recipe"] = json.loads(made.read_text(encoding="utf-8"))["recipe"]
    return Stock(layout, counts, portion, split if split in SPLITS else SPLITS[0], origin)


def export_scenes(what: str, out: Path | str, how: Packing | DrawnPacking, progress: bool = True) -> Path:
    """Write the scenes that `what` names (a dataset, a folder of shards) to files in the folder `out`; returns it.

    The same scenes give the same bytes; stopped, the same call goes on. Raises ShardsError, changing nothing, where `out`
    holds something else or is in use, and on damaged shards; ValueError on scenes that the format cannot hold; OSError if
    the disk is full, after which the same call goes on once there is room.
    """
    out, form, stock = Path(out), FORMATS[how.format], how.stock(what)
    try:
        lacking = [name for name in form.needs if name not in stock.layout.outputs]
        if lacking:
            raise ValueError(
                f"{what} has no {lacking[0]}, which {how.format} files hold: generate it with --outputs image mask"
            )
        names = [*stock.names(form.suffix), *([CARD] if how.format == "parquet" else [])]
        settings = {"format": how.format, "count": sum(stock.counts), "origin": stock.origin}
        told = {**settings, "about": to_json(stock.layout), "objrep_gym": __version__}
        with Filling(MANIFEST, told, names, "holds none of its files").into(out):
            fill(stock, form, out, progress)
            if CARD in names:
                made = command(what, out, how)
                whole.write(
                    out / CARD, card(stock.layout, sum(stock.counts), stock.split, made, stock.origin.get("recipe"))
                )
    finally:
        stock.close()
    return out


def fill(stock: Stock, form: Format, out: Path, progress: bool) -> None:
    """Write the files that are not there yet."""
    names = stock.names(form.suffix)
    starts = np.cumsum([0, *stock.counts])
    missing = [number for number, name in enumerate(names) if not (out / name).exists()]
    first = sum(stock.counts) - sum(stock.counts[number] for number in missing)
    done, began = first, time.monotonic()
    with watching(f"export {out.name}", sum(stock.counts), progress) as show:
        for number in missing:
            view = stock.portion(number)
            portion = Portion(stock.layout.about, view, int(starts[number]))
            whole.write(out / names[number], lambda beside, portion=portion: form.write(beside, portion))
            done += len(view.image)
            rate = (done - first) / max(time.monotonic() - began, 1e-9)
            show(done, f"{rate:.0f} images/s  {left((sum(stock.counts) - done) / max(rate, 1e-9))}")


def command(what: str, out: Path, how: Packing | DrawnPacking) -> str:
    """The command that makes the same files; of folders only the names, as a card travels further than their paths."""
    named = Path(what).name if Path(what).is_dir() else what
    given = [(field.name, getattr(how, field.name)) for field in fields(how)]
    options = [word for name, value in given if value is not None for word in (f"--{name}", str(value))]
    return shlex.join(["objrep-gym", "export", named, *options, "--out", out.name])
