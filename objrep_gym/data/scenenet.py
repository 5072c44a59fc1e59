"""SceneNet RGB-D (McCormac et al. 2017), as it is unpacked: trajectories with JPEG frames in `photo/` and 16-bit instance
numbers in `instance/`.

Which instance is a wall and which a chair stands in a protobuf for each split; neither training nor the segments of a
frame need it, so it is not read. Hence what has no instance is the one background here, and walls and floors count as
things.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import numpy as np

from objrep_gym.data.published import Found, Seen, resized
from objrep_gym.scenes.world import About

PUBLISHED = (240, 320)  # height and width of a frame
CROP = (slice(24, 216), slice(64, 256))  # 192×192 about the middle
THINGS = 255  # instances in a frame, at most


@dataclass(frozen=True)
class SceneNet:
    """SceneNet RGB-D: frames of furnished rooms with an id for each thing, cut to squares."""

    folder: str = ""
    """Where trajectories are, at any depth: folders with photo/ and instance/."""
    size: int = 192
    """Height and width after the crop to 192×192."""
    name: ClassVar[str] = "scenenet"
    address: ClassVar[str] = "https://robotvault.bitbucket.io/scenenet-rgbd.html"

    def test_only(self) -> bool:
        """Whether no scene of it is for training."""
        return False

    def about(self) -> About:
        """Nothing and things, which have no factors."""
        return About(("nothing", *(f"thing_{number}" for number in range(THINGS))), (), (), 1)

    def pixels(self) -> tuple[int, int]:
        """Height and width of what is read."""
        return self.size, self.size

    def files(self) -> list[Path]:
        """The folders of frames, in the order of their numbers: trajectories are files here."""
        return sorted((path for path in Path(self.folder).rglob("photo") if path.is_dir()), key=by_number)

    def scenes(self, path: Path) -> Iterator[Seen]:
        """The frames of a trajectory in order; damaged ones are told."""
        for photo in sorted(path.glob("*.jpg"), key=by_number):
            try:
                yield Seen(photo.name, 0, self.frame(photo, path.parent / "instance" / f"{photo.stem}.png"))
            except (OSError, ValueError, SyntaxError) as error:  # pillow calls a broken PNG a syntax error
                yield Seen(photo.name, 0, fault=str(error))

    def frame(self, photo: Path, instances: Path) -> Found:
        """Image, ids and factors (256, 0) of a frame. Raises OSError on files that are missing or no pictures, ValueError
        on other sizes and on more than 255 instances."""
        image, numbers = opened(photo, "RGB"), opened(instances, "I")
        present, places = np.unique(numbers[CROP], return_inverse=True)
        ids = places.reshape(numbers[CROP].shape) + (present[0] != 0)
        if ids.max() > THINGS:
            raise ValueError(f"{instances.name} has {ids.max()} instances, at most {THINGS} can be told apart")
        factors = np.empty((THINGS + 1, 0), np.float32)
        return resized((image[CROP], ids.astype(np.uint8), factors), self.pixels())


def opened(path: Path, mode: str) -> np.ndarray:
    """A picture (240, 320, …). Raises OSError on what is none, ValueError on another size."""
    from PIL import Image

    with Image.open(path) as picture:
        pixels = np.asarray(picture.convert(mode))
    if pixels.shape[:2] != PUBLISHED:
        raise ValueError(f"{path.name} is {pixels.shape[0]}×{pixels.shape[1]}, frames are {PUBLISHED[0]}×{PUBLISHED[1]}")
    return pixels


def by_number(path: Path) -> list[int | str]:
    """Orders `2/photo` before `10/photo`."""
    return [int(part) if part.isdecimal() else part for part in re.split(r"(\d+)", str(path))]
