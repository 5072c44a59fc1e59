"""Reservoir: frames of an agent's life in a bounded number of bytes, for an encoder to learn from."""

import json
from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
from jaxtyping import UInt8

from objrep_gym.types import Scenes, to_image


class Reservoir:
    """A uniform sample of all frames that were ever added, and beside it the latest ones, as bytes (H, W, C).

    The sample is Algorithm R (Vitter 1985): frame t stays with probability room / t, in the place of any other. size:
    (H, W, C) of a frame. limit: bytes that the frames may take in all; memory is taken as they come. recent: the share of
    that room, and of every batch, for the latest frames: what an agent does now it has done seldom. seed: of what stays and
    what is drawn. Raises ValueError where fewer than two frames have room, or on a share outside [0, 1).
    """

    def __init__(self, size: tuple[int, int, int], limit: int, recent: float = 0.25, seed: int = 0):
        self.size, self.frame_bytes = size, int(np.prod(size))
        room = limit // self.frame_bytes
        if room < 2 or not 0 <= recent < 1:
            raise ValueError(
                f"{limit} bytes have room for {room} frames of {size}, {recent} of them recent: at least 2 frames "
                f"({2 * self.frame_bytes} bytes), and a share in [0, 1)"
            )
        self.latest = np.zeros((min(round(room * recent), room - 1), *size), np.uint8)
        self.sample = np.zeros((room - len(self.latest), *size), np.uint8)
        self.recent, self.seen = recent, 0
        self.rng = np.random.default_rng(seed)

    def __len__(self) -> int:
        """How many frames of the sample are there."""
        return min(self.seen, len(self.sample))

    @property
    def nbytes(self) -> int:
        """What all frames take when it is full; never more than `limit`."""
        return self.sample.nbytes + self.latest.nbytes

    def add(self, frames: UInt8[np.ndarray, "n H W C"]) -> None:
        """Sees frames in their order. Raises ValueError on frames of another size."""
        if frames.shape[1:] != self.size:
            raise ValueError(f"frames of {frames.shape[1:]} in a reservoir of {self.size}: bring them to one size first")
        number = np.arange(self.seen, self.seen + len(frames))  # how many came before each
        drawn = self.rng.integers(0, number + 1)
        place = np.where(number < len(self.sample), number, drawn)
        stays = place < len(self.sample)
        self.sample[place[stays]] = frames[stays]  # where two take one place the later stays, as one by one
        if room := len(self.latest):
            newest = slice(max(0, len(frames) - room), None)
            self.latest[number[newest] % room] = frames[newest]
        self.seen += len(frames)

    def draw(self, count: int, recent: float | None = None) -> UInt8[np.ndarray, "n H W C"]:
        """Frames drawn with replacement, the share `recent` of them, this reservoir's if None, from the latest. Raises
        ValueError where nothing was seen yet."""
        if not self.seen:
            raise ValueError(f"{count} frames cannot be drawn: none was added yet")
        late = round(count * (self.recent if recent is None else recent)) if len(self.latest) else 0
        early = self.sample[self.rng.integers(0, len(self), count - late)]
        if not late:
            return early
        return np.concatenate((early, self.latest[self.rng.integers(0, min(self.seen, len(self.latest)), late)]))

    def state(self) -> dict[str, Any]:
        """Its frames as tensors, how many were seen, and where its generator stands: what `torch.load(weights_only=True)`
        reads."""
        return {
            "sample": torch.from_numpy(self.sample[: len(self)].copy()),
            "latest": torch.from_numpy(self.latest[: min(self.seen, len(self.latest))].copy()),
            "seen": self.seen,
            "random": json.dumps(self.rng.bit_generator.state),
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Goes on from a state. Raises ValueError on one of another size or room."""
        for name, frames in (("sample", self.sample), ("latest", self.latest)):
            kept = state[name].numpy()
            if kept.shape[1:] != self.size or len(kept) != min(state["seen"], len(frames)):
                raise ValueError(
                    f"a reservoir with {len(kept)} frames of {kept.shape[1:]} after {state['seen']} cannot go on in one "
                    f"with room for {len(frames)} of {self.size}: use the bytes and the share of the run that saved it"
                )
            frames[: len(kept)] = kept
        self.seen = state["seen"]
        self.rng.bit_generator.state = json.loads(state["random"])


class ReservoirBatches(Iterator[Scenes]):
    """Endless batches of `batch` frames of a reservoir on a device, as `fit` takes them; the frames have no end."""

    examples = None

    def __init__(self, reservoir: Reservoir, batch: int, device: torch.device):
        self.reservoir, self.batch, self.device = reservoir, batch, device

    def __next__(self) -> Scenes:
        return Scenes(to_image(torch.from_numpy(self.reservoir.draw(self.batch)).to(self.device)))
