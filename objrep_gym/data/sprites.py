"""Sprites of the multi-entity VAE (Nash et al. 2017), drawn by `scenes.sprites`: how many, and their sizes."""

from dataclasses import dataclass

from objrep_gym.scenes.world import World


@dataclass(frozen=True)
class SpriteScenes:
    """A description of scenes of flat sprites; `open()` makes the world."""

    most: int = 3
    """Most sprites in a scene, each there with a probability of one half; the document has 3 and 8."""
    variant: str = "one-size"
    """Sizes of sprites: one-size, or dSprites' six-sizes."""
    size: int = 64
    """Height and width in pixels."""

    def open(self) -> World:
        """The world, drawn by numpy."""
        from objrep_gym.scenes.sprites import Sprites

        return Sprites(self.most, self.variant, (self.size, self.size))
