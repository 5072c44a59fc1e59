"""An endless, seeded, shuffled iterator of Scenes on a device: straight from worlds, or from shards on disk."""

import queue
import threading
import weakref
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Protocol, runtime_checkable

import numpy as np
import torch

from objrep_gym.scenes.bits import Bits
from objrep_gym.scenes.view import View
from objrep_gym.scenes.world import About, World, scene_streams
from objrep_gym.types import Scenes, from_bits, recolour, to_image

OUTPUTS = ("mask", "factors", "source")
AHEAD = 2  # batches that wait while the model trains: one is rendered, one is ready


@runtime_checkable
class Source(Protocol):
    """Numbered scenes: example i is always the same. `examples` is their number, None where they never end."""

    @property
    def about(self) -> About: ...
    @property
    def size(self) -> tuple[int, int]: ...
    @property
    def examples(self) -> int | None: ...
    def read(self, indices: np.ndarray, outputs: Sequence[str]) -> View: ...
    def close(self) -> None: ...


@runtime_checkable
class Packed(Protocol):
    """A source of binary pictures, which gives them as bits too."""

    def bits(self, indices: np.ndarray) -> Bits: ...


class Drawn:
    """A world as numbered scenes of one split: scene i is drawn from SeedSequence([seed, split, i]) alone."""

    examples = None

    def __init__(self, world: World, seed: int = 0, split: str = "train"):
        self.world, self.seed, self.split = world, seed, split
        self.about, self.size = world.about, world.size

    def read(self, indices: np.ndarray, outputs: Sequence[str]) -> View:
        """Scenes by number; `indices` are consecutive."""
        streams = scene_streams(self.seed, self.split, int(indices[0]), len(indices))
        return self.world.render(self.world.sample(streams, len(indices)), outputs)

    def close(self) -> None:
        self.world.close()


class Reading:
    """What a thread reads ahead: batch after batch of views, in a queue that holds `AHEAD` of them.

    The thread is no daemon: at the interpreter's end it leaves by itself, before any context is freed under its hands.
    """

    def __init__(self, sources: Sequence[Source], batch: int, seed: int, start: int, outputs: Sequence[str]):
        self.sources, self.batch, self.seed, self.next = tuple(sources), batch, seed, start
        self.wanted = ("image", *(output for output in outputs if output == "mask"))
        self.shuffles: dict[tuple[int, int], np.ndarray] = {}
        self.ready: queue.Queue[View | Bits | Exception] = queue.Queue(AHEAD)
        self.closing = threading.Event()

    def read(self) -> None:
        """The thread's work: read until closed; an error travels to whoever asks for the batch."""
        try:
            while self.going():
                self.offer(self.view(self.next))
                self.next += 1
        except Exception as error:
            self.offer(error)
        finally:
            for source in self.sources:
                source.close()

    def going(self) -> bool:
        return not self.closing.is_set() and threading.main_thread().is_alive()

    def offer(self, item: View | Bits | Exception) -> None:
        """Wait for a place in the queue, or for the end."""
        while self.going():
            try:
                return self.ready.put(item, timeout=0.1)
            except queue.Full:
                continue

    def view(self, t: int) -> View | Bits:
        """Batch t: row j is example t·B + j of the stream in which the sources take turns. Binary pictures stay bits where
        no others stand beside them."""
        count, first = len(self.sources), self.sources[0]
        numbers = np.arange(t * self.batch, (t + 1) * self.batch)
        if count == 1 and isinstance(first, Packed):
            return first.bits(self.order(first, numbers))
        rows = [numbers % count == s for s in range(count)]
        views = [
            source.read(self.order(source, numbers[row] // count), self.wanted) if row.any() else None
            for source, row in zip(self.sources, rows, strict=True)
        ]
        return gather(views, rows)

    def order(self, source: Source, turns: np.ndarray) -> np.ndarray:
        """Which example a turn takes: the turn's own number where scenes never end, a fresh shuffle per epoch else, but
        where their order is part of a set."""
        if source.examples is None:
            return turns
        if getattr(source, "in_order", False):
            return turns % source.examples
        epochs, places = np.divmod(turns, source.examples)
        chosen = np.empty_like(turns)
        for epoch in np.unique(epochs):
            chosen[epochs == epoch] = self.shuffle(int(epoch), source.examples)[places[epochs == epoch]]
        return chosen

    def shuffle(self, epoch: int, examples: int) -> np.ndarray:
        """The order of an epoch, a function of (seed, epoch, number of examples) alone."""
        if (epoch, examples) not in self.shuffles:
            self.shuffles = {key: order for key, order in self.shuffles.items() if key[0] >= epoch - 1}
            self.shuffles[epoch, examples] = np.random.default_rng([self.seed, epoch]).permutation(examples)
        return self.shuffles[epoch, examples]


class Batches(Iterator[Scenes]):
    """Batch t is a function of (sources, seed, t) alone, so a run that is continued sees the data it would have seen.

    One background thread reads ahead. An OpenGL context belongs to the thread that made it: hand in worlds that have not
    rendered yet, and do not render them elsewhere until `close()`, which ends the thread and closes them there.
    `examples` is how many there are in all, None where they never end.
    """

    def __init__(self, reading: Reading, device: str | torch.device, include: Sequence[str]):
        self.reading, self.device, self.include = reading, torch.device(device), tuple(include)
        self.examples, self.channels = whole_number(reading.sources), 3
        self.come, self.numbers = reading.next, tuple(range(len(reading.sources)))
        self.thread = threading.Thread(target=reading.read, name="batches")
        self.thread.start()
        weakref.finalize(self, reading.closing.set)

    def __next__(self) -> Scenes:
        if self.reading.closing.is_set():
            raise StopIteration
        view = self.reading.ready.get()
        if isinstance(view, Exception):
            self.close()
            raise view
        scenes = to_scenes(view, self.device, self.include)
        source = self.source() if "source" in self.include else None
        self.come += 1
        return replace(scenes, image=recolour(scenes.image, self.channels), source=source)

    def source(self) -> torch.Tensor:
        """Int64 (B,): numbers of the sources of the batch that comes."""
        rows = np.arange(self.come * self.reading.batch, (self.come + 1) * self.reading.batch)
        return torch.from_numpy(np.take(self.numbers, rows % len(self.numbers))).to(self.device)

    def coloured(self, channels: int) -> "Batches":
        """Itself, from now on with images of 1 channel, their luminance, or of 3."""
        self.channels = channels
        return self

    def numbered(self, numbers: Sequence[int]) -> "Batches":
        """Itself, with its sources by the numbers that they have elsewhere; by their places where there are none."""
        self.numbers = tuple(numbers) or self.numbers
        return self

    def __enter__(self) -> "Batches":
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def close(self) -> None:
        """End the thread and close the sources. May be called twice."""
        self.reading.closing.set()
        self.thread.join()


def batches(
    sources: World | Source | str | Path | Sequence[World | Source | str | Path],
    batch: int,
    seed: int = 0,
    start: int = 0,
    device: str | torch.device = "cpu",
    include: Sequence[str] = (),
) -> Batches:
    """Endless batches of B scenes from batch `start` on, images as bytes until they are on `device`.

    `sources`: worlds (drawn afresh, split "train"), folders of shards (each epoch in a new order), or both, mixed evenly.
    `include`: "mask", "factors" and "source" where asked. Raises ValueError on sources that do not go together.
    """
    listed = [sources] if isinstance(sources, (str, Path)) or not isinstance(sources, Sequence) else list(sources)
    unknown = [output for output in include if output not in OUTPUTS]
    if unknown or batch < 1 or not listed:
        raise ValueError(
            f"batches of {batch} scenes from {len(listed)} sources, including {list(include)}: "
            f"ask for at least one scene of one source, and of {', '.join(OUTPUTS)} what you need"
        )
    opened = [as_source(source, seed) for source in listed]
    agree(opened)
    return Batches(Reading(opened, batch, seed, start, include), device, include)


def as_source(source: World | Source | str | Path, seed: int) -> Source:
    """A world becomes the scenes drawn from it with `seed`; a folder its stored examples; a Source stays itself."""
    if isinstance(source, (str, Path)):
        from objrep_gym.data.shards import Stored

        return Stored(source)
    return source if hasattr(source, "read") else Drawn(source, seed)  # type: ignore[arg-type, return-value]


def agree(sources: Sequence[Source]) -> None:
    """Raise ValueError unless all sources have one image size, one background and the same factors."""
    for name, read in (
        ("image sizes", lambda s: tuple(s.size)),
        ("backgrounds", lambda s: s.about.background),
        ("factors", lambda s: s.about.factors),
    ):
        values = {read(source) for source in sources}
        if len(values) > 1:
            raise ValueError(f"sources of different {name} cannot share a batch: {', '.join(map(str, sorted(values)))}")


def whole_number(sources: Sequence[Source]) -> int | None:
    """How many examples there are in all; None if some source never ends."""
    numbers = [source.examples for source in sources]
    return None if None in numbers else sum(n for n in numbers if n is not None)


def gather(views: Sequence[View | None], rows: Sequence[np.ndarray]) -> View:
    """One view of all rows, each from its source; entities that a source lacks are NaN rows at the end."""
    if len(views) == 1 and views[0] is not None:
        return views[0]
    parts = [(view, row) for view, row in zip(views, rows, strict=True) if view is not None]
    first, total = parts[0][0], len(rows[0])
    entities = max(view.factors.shape[1] for view, _ in parts)
    image = np.empty((total, *first.image.shape[1:]), first.image.dtype)
    mask = None if first.mask is None else np.empty((total, *first.mask.shape[1:]), first.mask.dtype)
    factors = np.full((total, entities, first.factors.shape[2]), np.nan, np.float32)
    for view, row in parts:
        image[row] = view.image
        factors[np.flatnonzero(row)[:, None], np.arange(view.factors.shape[1])] = view.factors
        if mask is not None:
            mask[row] = view.mask
    return View(image, mask, None, factors)


def to_scenes(view: View | Bits, device: torch.device, include: Sequence[str]) -> Scenes:
    """Bytes go to the device and become floats there: a quarter of the traffic; of bits, less than a thirtieth."""

    def on_device(array: np.ndarray) -> torch.Tensor:
        tensor = torch.from_numpy(np.ascontiguousarray(array))
        return tensor.pin_memory().to(device, non_blocking=True) if device.type == "cuda" else tensor.to(device)

    factors = on_device(view.factors) if "factors" in include else None
    if isinstance(view, Bits):
        image = from_bits(on_device(view.packed), view.size)
        return Scenes(image, image[:, 0].to(torch.uint8) if "mask" in include else None, factors)
    mask = on_device(view.mask) if "mask" in include and view.mask is not None else None
    return Scenes(to_image(on_device(view.image)), mask, factors)
