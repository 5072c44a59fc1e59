"""Furnished rooms, a stand-in for SceneNet (McCormac et al. 2017), drawn by `scenes.furnished`."""

from dataclasses import dataclass

from objrep_gym.scenes.world import World


@dataclass(frozen=True)
class Furnished:
    """A description of furnished rooms; `open()` makes the world."""

    variant: str = "furnished-many"
    """furnished-many: each kind of thing in many colours and proportions; furnished-once: each thing of its own design."""
    look: str = "published"
    """published (cast shadows, boards), plain, textured (chequered floor, striped walls) or grey."""
    size: int = 64
    """Height and width in pixels."""
    engine: str = "opengl"
    """opengl; raycast: the same pictures several times as fast, by numba; warp: on a GPU, by the extra gpu-sim."""

    def open(self) -> World:
        """The world, which makes its OpenGL context when it first renders."""
        from objrep_gym.scenes.furnished import FurnishedRoom

        return FurnishedRoom(self.variant, self.look, (self.size, self.size), engine=self.engine)
