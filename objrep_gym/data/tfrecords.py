"""DeepMind's multi-object datasets (Kabra et al. 2019) in the TFRecord layouts that they are published in, read and
written.

A mask is published for each entity, 0 or 255; here they become ids. A pixel that several masks claim is the last one's, an
object rather than what lies behind it; a pixel that none claims is the first entity's, the background. Factors keep their
published names, and are NaN in the rows of entities that a scene's `visibility` says are not there.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar

import numpy as np

from objrep_gym.data.examples import ExampleError, Features, decoded
from objrep_gym.data.published import Found, Seen, resized
from objrep_gym.data.records import read_records
from objrep_gym.scenes.world import About, check_name

ADDRESS = "https://console.cloud.google.com/storage/browser/multi-object-datasets"
HALVES = {"wall_east": "wall_0", "wall_north": "wall_0", "wall_west": "wall_1", "wall_south": "wall_1"}
ROOM = ("sky", "floor", "wall_0", "wall_1")
COORDINATES = ("pixel_x", "pixel_y", "pixel_depth")


@dataclass(frozen=True)
class Columns:
    """What a record holds: pictures of `size` with `channels`, a mask for each entity, and features of numbers, each with
    the names of the factors that it has for an entity. `last` is for masks whose last axis is the entity."""

    size: tuple[int, int]
    entities: tuple[str, ...]
    background: int
    factors: dict[str, tuple[str, ...]] = field(default_factory=dict)
    codes: dict[str, int] = field(default_factory=dict)
    channels: int = 3
    last: bool = False

    def about(self) -> About:
        """Names of entities and factors."""
        names = tuple(name for names in self.factors.values() for name in names)
        sizes = tuple(self.codes.get(name, 0) for name in names)
        return About(self.entities, names, sizes, self.background)

    def read(self, features: Features) -> Found:
        """Image uint8 (H, W, 3), ids uint8 (H, W) and factors float32 (E, F) of a record. Raises ExampleError on a feature
        that is missing, of another size, or no bytes where pictures are."""
        height, width = self.size
        image = values(features, "image", (height, width, self.channels))
        shape = (height, width, len(self.entities)) if self.last else (len(self.entities), height, width)
        masks = values(features, "mask", shape)
        if {image.dtype, masks.dtype} != {np.dtype(np.uint8)}:
            raise ExampleError(f"'image' and 'mask' hold {image.dtype} and {masks.dtype}, and bytes are published")
        rows = [values(features, name, (len(self.entities), len(parts))) for name, parts in self.factors.items()]
        found = np.concatenate([np.empty((len(self.entities), 0)), *rows], axis=1).astype(np.float32)
        if "visibility" in self.factors:
            found[features["visibility"] == 0] = np.nan
        return np.broadcast_to(image, (height, width, 3)), ids(np.moveaxis(masks, -1, 0) if self.last else masks), found


def values(features: Features, name: str, shape: tuple[int, ...]) -> np.ndarray:
    """A feature in its shape; raises ExampleError if it is missing or has another number of values."""
    if name not in features:
        raise ExampleError(f"it has no {name!r}, only {', '.join(sorted(features))}")
    if features[name].size != np.prod(shape):
        told = "×".join(map(str, shape))
        raise ExampleError(f"{name!r} has {features[name].size:,} values, and {told} = {np.prod(shape):,} are published")
    return features[name].reshape(shape)


def ids(masks: np.ndarray) -> np.ndarray:
    """Masks (M, H, W) as ids uint8 (H, W): the last of the largest, 0 where all are 0."""
    last = len(masks) - 1 - masks[::-1].argmax(0)
    return np.where(masks.any(0), last, 0).astype(np.uint8)


def objects(count: int) -> tuple[str, ...]:
    return tuple(f"object_{number}" for number in range(count))


@dataclass(frozen=True)
class Recorded:
    """What the published TFRecord sets have in common: `folder` and the names of files in it."""

    folder: str = ""
    """Where the published files are, or one of them."""
    address: ClassVar[str] = ADDRESS
    name: ClassVar[str] = ""
    kinds: ClassVar[dict[str, tuple[str, int]]] = {}
    """Each variant's file, and how many masks a scene has."""
    variant: str = ""

    def test_only(self) -> bool:
        """Whether no scene of it is for training."""
        return False

    def kind(self) -> tuple[str, int]:
        """File and masks of the variant. Raises ValueError on an unknown one."""
        check_name("variant", self.variant, self.kinds)
        return self.kinds[self.variant]

    def columns(self) -> Columns:
        """What a record of the variant holds."""
        raise NotImplementedError(f"{type(self).__name__} does not write columns()")

    def about(self) -> About:
        return self.columns().about()

    def pixels(self) -> tuple[int, int]:
        """Height and width of what is read."""
        return self.columns().size

    def files(self) -> list[Path]:
        """The published file, else all TFRecord files of the folder, by name; the folder may be a file itself."""
        place = Path(self.folder)
        published = place / self.kind()[0]
        if place.is_file() or published.is_file():
            return [place if place.is_file() else published]
        return sorted(path for path in place.glob("*.tfrecords*") if path.is_file())

    def scenes(self, path: Path) -> Iterator[Seen]:
        """The scenes of a file in order; damaged ones are told."""
        columns = self.columns()
        for record in read_records(path):
            name = f"record {record.number}"
            if record.content is None:
                yield Seen(name, record.place, fault=record.fault)
                continue
            try:
                yield Seen(name, record.place, self.shaped(columns.read(decoded(record.content))))
            except ExampleError as error:
                yield Seen(name, record.place, fault=str(error))

    def shaped(self, found: Found) -> Found:
        """A scene as it is wanted: as it is."""
        return found


@dataclass(frozen=True)
class PublishedObjectsRoom(Recorded):
    """Objects Room as published: 64×64 pictures with masks of sky, floor, two halves of the wall, and objects."""

    folder: str = ""
    """Where objects_room_train.tfrecords and its test sets are."""
    variant: str = "train"
    """train (1,000,000 scenes), six-objects, empty-room or identical-color (922 each)."""
    name: ClassVar[str] = "published-objects-room"
    kinds: ClassVar[dict[str, tuple[str, int]]] = {
        "train": ("objects_room_train.tfrecords", 7),
        "six-objects": ("objects_room_test_six_objects.tfrecords", 10),
        "empty-room": ("objects_room_test_empty_room.tfrecords", 4),
        "identical-color": ("objects_room_test_identical_color.tfrecords", 10),
    }

    def test_only(self) -> bool:
        return self.variant != "train"

    def columns(self) -> Columns:
        return Columns((64, 64), ROOM + objects(self.kind()[1] - len(ROOM)), len(ROOM))


@dataclass(frozen=True)
class Clevr(Recorded):
    """CLEVR with masks: tables with up to ten objects, cut and scaled as in the thesis."""

    folder: str = ""
    """Where clevr_with_masks_train.tfrecords is, 100,000 scenes."""
    variant: str = "cropped"
    """cropped (192×192 about the objects, the thesis's crop) or whole (240×320)."""
    size: int = 128
    """Height and width after the crop."""
    shapes: str = ""
    """Codes of the shapes that a scene may show, `3` or `23`, which are published without names; scenes with any other are
    left out. All are taken if nothing is said."""
    name: ClassVar[str] = "clevr"
    kinds: ClassVar[dict[str, tuple[str, int]]] = dict.fromkeys(
        ("cropped", "whole"), ("clevr_with_masks_train.tfrecords", 11)
    )

    def columns(self) -> Columns:
        named = ("x", "y", "z", "rotation", "size", "material", "shape", "color", "visibility")
        factors = {**{name: (name,) for name in named}, "pixel_coords": COORDINATES}
        codes = {"size": 3, "material": 3, "shape": 4, "color": 9, "visibility": 2}  # with 0, which no object has
        return Columns((240, 320), ("background", *objects(self.kind()[1] - 1)), 1, factors, codes)

    def pixels(self) -> tuple[int, int]:
        self.kind()
        return (self.size, self.size) if self.variant == "cropped" else (240, 320)

    def scenes(self, path: Path) -> Iterator[Seen]:
        """The scenes of a file in order, of the shapes that are asked for; damaged ones are told."""
        column, asked = self.about().factors.index("shape"), [*map(int, self.shapes)]
        for seen in super().scenes(path):
            shapes = np.empty(0) if seen.found is None else seen.found[2][1:, column]
            if not asked or np.isin(shapes[~np.isnan(shapes)], asked).all():
                yield seen

    def shaped(self, found: Found) -> Found:
        """Rows 29 to 221 and columns 64 to 256 (the thesis has them the other way round, where 256 would lie outside)."""
        if self.variant == "whole":
            return found
        image, mask, factors = found
        return resized((image[29:221, 64:256], mask[29:221, 64:256], factors), (self.size, self.size))


@dataclass(frozen=True)
class MultiDSprites(Recorded):
    """Multi-dSprites: 64×64 pictures of ovals, hearts and squares that hide each other."""

    folder: str = ""
    """Where multi_dsprites_colored_on_grayscale.tfrecords and the like are."""
    variant: str = "colored-on-grayscale"
    """binarized, colored-on-grayscale or colored-on-colored, 1,000,000 scenes each."""
    name: ClassVar[str] = "multi-dsprites"
    kinds: ClassVar[dict[str, tuple[str, int]]] = {
        "binarized": ("multi_dsprites_binarized.tfrecords", 4),
        "colored-on-grayscale": ("multi_dsprites_colored_on_grayscale.tfrecords", 6),
        "colored-on-colored": ("multi_dsprites_colored_on_colored.tfrecords", 5),
    }

    def columns(self) -> Columns:
        grey = self.variant == "binarized"
        colour = ("color",) if grey else ("color_red", "color_green", "color_blue")
        named = ("x", "y", "shape", "visibility", "orientation", "scale")
        factors = {**{name: (name,) for name in named}, "color": colour}
        entities = ("background", *objects(self.kind()[1] - 1))
        return Columns((64, 64), entities, 1, factors, {"visibility": 2}, 1 if grey else 3, last=True)


def published_ids(about: About) -> np.ndarray:
    """uint8 (E,): the id that each entity has in the published layout, where the four walls of a room are two halves."""
    keys = [HALVES.get(entity, entity) for entity in about.entities]
    order = {key: number for number, key in enumerate(dict.fromkeys(keys))}
    return np.array([order[key] for key in keys], np.uint8)


def features(image: np.ndarray, mask: np.ndarray, masks: int) -> Features:
    """A scene, image uint8 (H, W, 3) and ids uint8 (H, W), as a record of Objects Room has it: `image` H·W·3, `mask`
    M·H·W·1."""
    each = (mask == np.arange(masks)[:, None, None]).astype(np.uint8)
    return {"image": image.ravel(), "mask": (each * 255).ravel()}
