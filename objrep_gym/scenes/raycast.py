"""The ray caster: the draw lists that opengl.py draws, by rays on the CPU; several times as fast, and without OpenGL.

It meets the same faces with the same lights and textures, so either engine may stand in for the other. Ids and depth come
from the same rays as the image and cost next to nothing. `antialias=n` draws each pixel's colour as the mean of n × n rays;
ids and depth are those of the pixel's middle always.
"""

import os
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from typing import TypeVar

import numba
import numpy as np

from objrep_gym.scenes.facets import Facets, facets
from objrep_gym.scenes.paint import Look, paint
from objrep_gym.scenes.rays import Canvas, Eyes, Things, meet
from objrep_gym.scenes.shapes import Solids
from objrep_gym.scenes.textures import SPAN, TEXELS, TEXTURES, mip_maps
from objrep_gym.scenes.view import Cameras, Light

RAYS = 1 << 16  # of a few scenes: what they meet, 12 bytes each, stays in a core's cache until it is painted
WORTH = 1 << 14  # rays: a thread that gets fewer takes longer to be woken than it saves
Told = tuple[np.ndarray, np.ndarray]
Table = TypeVar("Table", Things, Eyes)


class RayCaster:
    """Draws batches of solids at one size, with the calls of `OpenGL`.

    antialias: rays for a pixel's colour in a row and in a column. threads: how many draw a batch together, as many as
    numba would use (NUMBA_NUM_THREADS) if not given. Raises ValueError if either is less than 1."""

    def __init__(
        self, size: tuple[int, int], light: Light, sky: np.ndarray, antialias: int = 1, threads: int | None = None
    ):
        self.size, self.antialias = size, antialias
        self.threads = numba.config.NUMBA_NUM_THREADS if threads is None else threads  # type: ignore[attr-defined]
        if antialias < 1 or self.threads < 1:
            raise ValueError(f"antialias={antialias} and threads={self.threads}: both are at least 1")
        lights = np.array([light.ambient, light.camera, light.distant, *light.direction])
        self.look = Look(lights, np.asarray(sky, np.float32), *flat_maps())
        self.local = threading.local()
        self.pool: tuple[int, ThreadPoolExecutor] | None = None

    def __getstate__(self) -> dict:
        return {name: value for name, value in vars(self).items() if name not in ("pool", "local")}

    def __setstate__(self, state: dict) -> None:
        vars(self).update(state, pool=None, local=threading.local())

    def render(
        self, solids: Solids, shadows: Solids | None, cameras: Cameras, outputs: Sequence[str]
    ) -> tuple[np.ndarray, np.ndarray | None, np.ndarray | None]:
        """Image uint8 (N, H, W, 3), and ids uint8 (N, H, W) and depth float32 (N, H, W) if `outputs` names "mask", "depth".
        `shadows` are drawn in the image alone."""
        drawn = solids if shadows is None else solids + shadows
        spans, n = (solids.shape.shape[1], drawn.shape.shape[1]), len(drawn.shape)
        ids, depth = (
            self.room_for(n, dtype, name in outputs) for name, dtype in (("mask", np.uint8), ("depth", np.float32))
        )
        image = np.empty((n, *self.size, 3), np.uint8)
        things = as_things(drawn)
        coarse = fine = as_eyes(cameras, self.size, 1)
        if self.antialias > 1:
            fine = as_eyes(cameras, self.size, self.antialias)

        def draw(rows: slice) -> None:
            own, told = rows_of(things, rows), (ids[rows], depth[rows])
            if self.antialias > 1:
                if ids.size + depth.size > 0:
                    self.meet(own, (spans[0], spans[0]), rows_of(coarse, rows), told, 1)
                told = (ids[:0], depth[:0])
            met = self.meet(own, spans, rows_of(fine, rows), told, self.antialias)
            paint(met, own, rows_of(fine, rows), self.look, self.antialias, image[rows])

        self.share_out(draw, n)
        return image, ids if "mask" in outputs else None, depth if "depth" in outputs else None

    def room_for(self, n: int, dtype: type, asked: bool) -> np.ndarray:
        """An array for n pictures, of no size if it is not asked for."""
        return np.empty((n, *self.size) if asked else (n, 0, 0), dtype)

    def meet(self, things: Things, spans: tuple[int, int], eyes: Eyes, told: Told, fineness: int) -> Canvas:
        """What the rays of some scenes meet, `fineness` times as many in a row and in a column; fills in ids and depth."""
        shape = (len(eyes.position), self.size[0] * fineness, self.size[1] * fineness)
        kept = vars(self.local).setdefault("findings", {})  # a thread's own: fresh memory for each batch would cost more
        if fineness not in kept or len(kept[fineness][0]) < shape[0]:
            kept[fineness] = [np.empty(shape, dtype) for dtype in (np.float32, np.float32, np.int32)]
        nearness, glow, solid = (found[: shape[0]] for found in kept[fineness])
        canvas = Canvas(nearness, glow, solid, *told)
        meet(tables(), things, spans, eyes, self.look.light, canvas)
        return canvas

    def share_out(self, draw: Callable[[slice], None], n: int) -> None:
        """Draw n scenes, a few at a time, by several threads if there are and the scenes are worth it. They are Python's
        own, since the kernel needs no lock: numba's do not survive a fork."""
        rays = self.size[0] * self.size[1] * self.antialias**2
        share = -(-n // min(self.threads, max(1, n * rays // WORTH)))
        few = max(1, min(share, RAYS // rays))
        parts = [slice(start, min(start + few, n)) for start in range(0, n, few)]
        waiting = iter(parts)

        def work() -> None:
            for rows in waiting:
                draw(rows)

        helpers = [self.helpers().submit(work) for _ in range(min(self.threads, len(parts)) - 1)]
        work()
        for helper in helpers:  # on a busy machine, some have not begun yet, and nothing is left for them
            if not helper.cancel():
                helper.result()

    def helpers(self) -> ThreadPoolExecutor:
        """The threads of this process but the one that asks."""
        if self.pool is None or self.pool[0] != os.getpid():
            self.pool = os.getpid(), ThreadPoolExecutor(self.threads - 1)
        return self.pool[1]

    def close(self) -> None:
        """End the threads; the next large batch would start new ones."""
        pool, self.pool = self.pool, None
        if pool is not None and pool[0] == os.getpid():
            pool[1].shutdown()


@cache
def tables() -> Facets:
    """The faces, made once for each process."""
    return facets()


def flat_maps() -> tuple[np.ndarray, np.ndarray, int, float]:
    """The fields `texels`, `starts`, `side` and `density` of `Look`."""
    levels = [mip_maps(name) for name in TEXTURES]
    texels = np.stack([np.concatenate([level.ravel() for level in maps]) for maps in levels])
    starts = np.cumsum([0, *(level.size for level in levels[0])])
    return (texels / 255).astype(np.float32), starts, TEXELS, TEXELS / SPAN


def as_things(solids: Solids) -> Things:
    """The fields of a draw list in the types of the kernel: own memory, since numba compiles read-only arrays anew."""
    types = {"shape": np.int64, "rgb": np.float32, "entity": np.uint8, "texture": np.int64, "present": bool}
    return Things(*(np.array(getattr(solids, name), types.get(name, np.float64)) for name in Things._fields))


def as_eyes(cameras: Cameras, size: tuple[int, int], fineness: int) -> Eyes:
    """Cameras for pictures of a size in pixels, each of them cut into fineness × fineness."""
    height, width = size[0] * fineness, size[1] * fineness
    focal = height / 2 / float(np.tan(cameras.fov / 2))
    axes = np.stack([cameras.right, -cameras.up, cameras.forward], axis=1).astype(np.float64)
    pixels = np.array([(focal, 0, width / 2), (0, focal, height / 2), (0, 0, 1)]) @ axes
    return Eyes(np.array(cameras.position, np.float64), axes, pixels, focal)


def rows_of(table: Table, rows: slice) -> Table:
    """Some of the scenes of `Things` or `Eyes`."""
    return table._make(field[rows] if isinstance(field, np.ndarray) else field for field in table)
