"""Objects Room (Burgess 2019; Kabra 2019), drawn by `scenes.room`: its variants, looks and sizes as one description."""

from dataclasses import dataclass

from objrep_gym.scenes.world import World


@dataclass(frozen=True)
class ObjectsRoom:
    """A description of rooms; `open()` makes the world."""

    variant: str = "train"
    """Which rooms: train, six-objects, empty-room, identical-color, reach, reach-ring."""
    look: str = "published"
    """published (cast shadows, faint texture), plain, textured (two-tone things, strong textures) or grey."""
    size: int = 64
    """Height and width in pixels."""
    engine: str = "opengl"
    """opengl; raycast: the same pictures several times as fast, by numba; warp: on a GPU, by the extra gpu-sim."""

    def open(self) -> World:
        """The world, which makes its OpenGL context when it first renders."""
        from objrep_gym.scenes.room import Room

        return Room(variant=self.variant, look=self.look, size=(self.size, self.size), engine=self.engine)
