"""A folder of shards that grows while frames come in, such as those of an agent at play.

Frames wait in memory until there are enough for a shard. A kill loses those that wait and nothing else, and the same call
goes on behind the shards that are there.
"""

from contextlib import ExitStack
from pathlib import Path

import numpy as np

from objrep_gym.configs import to_json
from objrep_gym.data import whole
from objrep_gym.data.drawing import joined
from objrep_gym.data.filling import Filling, told_of_room
from objrep_gym.data.shards import Layout, ShardsError, read_layout, write_shard
from objrep_gym.scenes.view import View

MANIFEST = "recording.json"
ROWS, MOST = 1024, 10_000  # frames in a shard, and shards, at most
FOREIGN = "holds no recording"
HELD = 2**26  # bytes of pictures that wait at most: fewer frames in a shard where they are large


def shard(number: int) -> str:
    """A file's name, as `datasets.load_dataset(folder)` expects it."""
    return f"train-{number:05d}.parquet"


NAMES = frozenset(shard(number) for number in range(MOST))


def check_folder(out: Path | str) -> None:
    """Raises ShardsError where a recording cannot go on in a folder, whatever its frames are: something else is there."""
    whole.refuse_foreign(Path(out), FOREIGN, {MANIFEST, *NAMES}, ShardsError)


class Recording:
    """Frames of one layout that are added to the folder `out`; `scenes` counts those that are in it or wait.

    rows: frames in a shard, fewer in the last of each recording. Raises ShardsError, changing nothing, where the folder
    holds something else, frames of another layout, or is being filled by another process.
    """

    def __init__(self, out: Path | str, layout: Layout, rows: int = ROWS):
        if rows < 1:
            raise ValueError(f"rows={rows}: a shard holds at least 1 frame")
        self.out, self.layout = Path(out), layout
        self.rows = max(1, min(rows, HELD // sum(map(layout.bytes_of, layout.outputs))))
        self.waiting: list[View] = []
        self.count = 0  # frames that wait
        self.closed = False
        self.holding = ExitStack()
        filling = Filling(MANIFEST, {"recording": to_json(layout)}, NAMES, FOREIGN)
        self.holding.enter_context(filling.into(self.out))
        try:
            there = sorted(path for path in self.out.glob("*.parquet"))
            self.next, self.scenes = len(there), sum(read_layout(path)[1] for path in there)
        except BaseException:
            self.holding.close()
            raise

    def add(self, view: View) -> None:
        """Frames to keep, masks with them where the layout has them. Raises ShardsError after `close`, and ValueError on
        pictures of another size."""
        if self.closed:
            raise ShardsError(f"the recording in {self.out} is closed")
        wanted = {name: (*self.layout.size, 3) if name == "image" else self.layout.size for name in self.layout.outputs}
        found = {name: np.shape(getattr(view, name))[1:] for name in wanted}
        if found != wanted:
            raise ValueError(f"frames of {found} do not fit into {self.out}, which holds {wanted}")
        self.waiting.append(view)
        self.count += len(view.image)
        self.scenes += len(view.image)
        while self.count >= self.rows:
            self.write(self.rows)

    def write(self, rows: int) -> None:
        """The first `rows` of the frames that wait become a shard. Raises OSError where the disk is full; they go on
        waiting."""
        if self.next >= MOST:
            raise ShardsError(f"{self.out} holds {MOST} shards already: record into another folder")
        view = joined(self.waiting)
        head, rest = part(view, slice(0, rows)), part(view, slice(rows, None))
        with told_of_room(self.out):
            whole.write(self.out / shard(self.next), lambda beside: write_shard(beside, head, self.layout))
        self.next += 1
        self.waiting, self.count = [rest], len(rest.image)

    def close(self) -> None:
        """Write what waits, and let go of the folder. A second call does nothing."""
        try:
            if self.count:
                self.write(self.count)
        finally:
            self.waiting, self.count, self.closed = [], 0, True
            self.holding.close()


def part(view: View, rows: slice) -> View:
    """Some rows of a view."""
    return View(view.image[rows], None if view.mask is None else view.mask[rows], None, view.factors[rows])
