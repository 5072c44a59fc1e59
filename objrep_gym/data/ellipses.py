"""Ellipses of the report on disentanglement (Golla, Caspari & Oezkan 2021), and CHyVAE's correlated ones, drawn by
`scenes.dsprites`: variants, and the order in which they are shown.

The report says that its set "is ordered in such a way that the generative factors of the ellipses transform continuously",
and supposes in the end that its models learned little because "all factors change at the same time". Whether batches were
shuffled it does not say. So the order is an option: `ordered` is its first sentence, `together` its second, `shuffled` what
others do.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from objrep_gym.data.orders import ORDERS, all_at_once, one_by_one
from objrep_gym.scenes.dsprites import Ellipses
from objrep_gym.scenes.world import World, check_name

if TYPE_CHECKING:
    from objrep_gym.data.batches import Source


@dataclass(frozen=True)
class EllipseScenes:
    """A description of ellipses; `open()` makes the world."""

    variant: str = "independent"
    """independent (the report's 16·16·6·40, each once) or correlated (CHyVAE's, drawn anew without end)."""
    order: str = "shuffled"
    """Of independent ones in training: shuffled; ordered (one factor at a time takes a step); together (all factors do)."""
    size: int = 64
    """Height and width in pixels."""

    def open(self) -> World:
        """The world, drawn by numpy."""
        return Ellipses(self.variant, (self.size, self.size))

    def missing(self) -> str:
        """Nothing has to be downloaded."""
        return ""

    def open_split(self, seed: int, split: str) -> "Source":
        """The grid, in its order in the train split, else shuffled; of correlated ellipses an endless draw. Raises
        ValueError on an unknown order, or one of what has none."""
        from objrep_gym.data.batches import Drawn
        from objrep_gym.data.grids import EnumeratedBits, enumerated

        check_name("order", self.order, ORDERS)
        world = Ellipses(self.variant, (self.size, self.size))
        if self.variant == "correlated":
            if self.order != "shuffled":
                raise ValueError(
                    f"order {self.order!r} of correlated ellipses: they are drawn, and no grid is gone through"
                )
            return Drawn(world, seed, split)
        if self.order == "shuffled" or split != "train":
            return enumerated(world, seed, split)
        numbers = one_by_one(world.sizes) if self.order == "ordered" else all_at_once(world.sizes)
        return EnumeratedBits(world, numbers, in_order=True)
