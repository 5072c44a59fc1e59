"""Tables like CLEVR's (Johnson et al. 2017), drawn by `scenes.tabletop`: variants, looks and sizes as one description."""

from dataclasses import dataclass

from objrep_gym.scenes.world import World


@dataclass(frozen=True)
class Table:
    """A description of tables; `open()` makes the world."""

    variant: str = "train"
    """Which things: train (3 to 10), six-objects (3 to 6), cylinders-only, spheres-only, cylinders-and-spheres."""
    look: str = "published"
    """published (cast shadows), plain, textured (two-tone things on boards) or grey."""
    size: int = 64
    """Height in pixels; 128 is the thesis's, 240 CLEVR's."""
    width: int = 0
    """Width in pixels, 320 in CLEVR; 0 is as much as the height."""
    engine: str = "opengl"
    """opengl; raycast: the same pictures several times as fast, by numba; warp: on a GPU, by the extra gpu-sim."""
    profile: str = "fast"
    """fast, or pretty: antialiased, with soft shadows, and many times as slow."""

    def open(self) -> World:
        """The world, which makes its OpenGL context when it first renders."""
        from objrep_gym.scenes.tabletop import Tabletop

        size = (self.size, self.width or self.size)
        return Tabletop(self.variant, self.look, size, self.profile, self.engine)
