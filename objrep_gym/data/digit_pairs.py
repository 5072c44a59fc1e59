"""Digit pairs (Stavarache 2019, §4.1): two digits side by side, each drawn by itself from a few classes and the empty
digit, which is a black square; and the same with clothes in the place of two of the digits (§4.2).

A split has digit images of its own, those of MNIST's split: no image is in two of them. The document does not say how often
the empty digit comes: here as often as each class, or several times as often.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from objrep_gym.data.idx import INK, SIDE, Examples, FashionMnist, Mnist, at_side, check_flat
from objrep_gym.scenes.view import View
from objrep_gym.scenes.world import About, Random, check_name, check_request, hold

if TYPE_CHECKING:
    from objrep_gym.data.batches import Drawn

FACTORS = ("class", "example", "x")
CLASS, EXAMPLE, X = range(len(FACTORS))
ENTITIES = ("ground", "left", "right")
EMPTY = "e"
DRESS, SHOE = FashionMnist.classes.index("dress"), FashionMnist.classes.index("sneaker")
TAKEN = {0: ("mnist", 0), 1: ("mnist", 1), 2: ("fashion", DRESS), 3: ("fashion", SHOE)}  # of `fashion-pairs`


@dataclass(frozen=True)
class DigitPairs:
    """Two digits side by side, or one, or none; which is where is known."""

    folder: str = ""
    """Where MNIST's files are; without it, where OBJREP_GYM_DATA says."""
    digits: str = "01"
    """The classes that digits are drawn from, evenly, with the empty digit among them."""
    empties: int = 1
    """How many times as often as a class the empty digit comes; 0 for never."""
    scene: str = ""
    """Both digits, from left to right, e for the empty one, where every scene shall have the same: 33, e1."""
    size: int = SIDE
    """Height; the width is twice that."""

    def missing(self) -> str:
        """What is still to be downloaded, in words."""
        return Mnist(self.folder).missing()

    def examples(self, split: str) -> Examples:
        """The digit images of a split. Raises as `Mnist.examples` does."""
        return Mnist(self.folder).examples(split)

    def open_split(self, seed: int, split: str) -> "Drawn":
        """The endless scenes of a split. Raises ValueError on digits that are none, and as `Mnist.examples` does."""
        from objrep_gym.data.batches import Drawn

        return Drawn(Pairs(self.examples(split), self.digits, self.scene, self.size, self.empties), seed, split)


@dataclass(frozen=True)
class FashionPairs(DigitPairs):
    """Digit pairs in which dresses stand in the place of 2, and shoes (sneakers) in that of 3."""

    folder: str = ""
    """Where the folders of MNIST's and Fashion-MNIST's files are; without it, where OBJREP_GYM_DATA says."""
    digits: str = "0123"
    """The classes: 0 and 1 are digits, 2 is a dress, 3 a shoe."""

    def missing(self) -> str:
        return Mnist(self.folder).missing() or FashionMnist(self.folder).missing()

    def examples(self, split: str) -> Examples:
        """The images of a split, with the classes 0 to 3. Raises as `Mnist.examples` does."""
        sets = {"mnist": Mnist(self.folder).examples(split), "fashion": FashionMnist(self.folder).examples(split)}
        kept = [(new, sets[name], sets[name].classes == old) for new, (name, old) in TAKEN.items()]
        pictures = np.concatenate([found.pictures[rows] for _, found, rows in kept])
        return Examples(pictures, np.concatenate([np.full(rows.sum(), new, np.uint8) for new, _, rows in kept]))


class Pairs:
    """A `World` of two digits: `sample` draws which, `render` lays them side by side.

    Factors: class 0 to 9, the number of the image among those of the split, and x, the middle in sides of the picture. A
    row of NaN is an empty digit. Id 0 is the ground; a digit's pixels are those of at least half the full intensity.
    """

    outputs = ("image", "mask")

    def __init__(self, examples: Examples, digits: str = "01", scene: str = "", side: int = SIDE, empties: int = 1):
        known = sorted(set(np.unique(examples.classes).tolist()))
        for one in digits:
            check_name("digit", one, map(str, known))
        for one in scene:
            check_name("digit", one, (*map(str, known), EMPTY))
        if len(scene) not in (0, 2) or not (digits or scene):
            raise ValueError(f"scene {scene!r} has one character for each digit, or none, and {digits!r} holds some digit")
        self.choices = [*map(int, digits), *[-1] * empties]  # −1 is the empty digit
        self.scene = [-1 if one == EMPTY else int(one) for one in scene]
        self.numbers = {kind: np.flatnonzero(examples.classes == kind) for kind in known}
        self.pictures, self.side = at_side(examples.pictures, side), side
        self.size = (side, 2 * side)
        self.about = About(ENTITIES, FACTORS, (10, 0, 0), background=1)

    def sample(self, rng: Random, n: int, fixed: Mapping[str, int | float] | None = None) -> np.ndarray:
        """float32 (n, 3, F); `fixed` holds factors of those digits that are there."""
        scenes = np.full((n, len(ENTITIES), len(FACTORS)), np.nan, np.float32)
        numbers = rng.random((n, 4)).reshape(n, 2, 2)
        for place in range(2):
            kinds = np.array(self.choices)[(numbers[:, place, 0] * len(self.choices)).astype(int)]
            kinds = np.full(n, self.scene[place]) if self.scene else kinds
            for kind in set(kinds.tolist()) - {-1}:
                rows, among = kinds == kind, self.numbers[kind]
                chosen = among[(numbers[rows, place, 1] * len(among)).astype(int)]
                scenes[rows, 1 + place] = np.stack(
                    [np.full(len(chosen), kind), chosen, np.full(len(chosen), 0.25 + 0.5 * place)], -1
                )
        hold(scenes, fixed, self.about)
        return scenes

    def render(self, factors: np.ndarray, outputs: Sequence[str] = ("image",)) -> View:
        """Pictures of scenes (N, 3, F). Raises ValueError on factors of another shape, and where depth is asked for."""
        check_request(factors, outputs, self.about)
        check_flat(outputs)
        grey = np.zeros((len(factors), *self.size), np.uint8)
        mask = np.zeros_like(grey)
        for place in range(2):
            there = np.flatnonzero(~np.isnan(factors[:, 1 + place, EXAMPLE]))
            half = slice(place * self.side, (place + 1) * self.side)
            grey[there, :, half] = self.pictures[factors[there, 1 + place, EXAMPLE].astype(int)]
            mask[there, :, half] = (1 + place) * (grey[there, :, half] >= INK)
        image = np.repeat(grey[..., None], 3, axis=-1)
        return View(image, mask if "mask" in outputs else None, None, factors.astype(np.float32))

    def close(self) -> None:
        """Nothing to give back."""
