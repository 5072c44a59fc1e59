"""Boards of visual analogies in place of those of Sonwane et al. (2021), drawn by `scenes.boards`."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from objrep_gym.scenes.boards import Boards
from objrep_gym.scenes.world import World

if TYPE_CHECKING:
    from objrep_gym.data.batches import Source


@dataclass(frozen=True)
class AnalogyBoards:
    """A description of boards with a symbol each, 102,400 pictures; `open()` makes the world."""

    size: int = 64
    """Height and width in pixels."""

    def open(self) -> World:
        """The world, drawn by numpy."""
        return Boards((self.size, self.size))

    def missing(self) -> str:
        """Nothing has to be downloaded."""
        return ""

    def open_split(self, seed: int, split: str) -> "Source":
        """All boards, numbered at random."""
        from objrep_gym.data.grids import enumerated

        return enumerated(Boards((self.size, self.size)), seed, split)
