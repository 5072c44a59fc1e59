"""Datasets: the one dictionary, and how a line of text names one."""

import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING, Any

from objrep_gym.data.analogies import AnalogyBoards
from objrep_gym.data.digit_pairs import DigitPairs, FashionPairs
from objrep_gym.data.dsprites import DSpritesScenes
from objrep_gym.data.ellipses import EllipseScenes
from objrep_gym.data.furnished import Furnished
from objrep_gym.data.idx import FashionMnist, Mnist
from objrep_gym.data.objects_room import ObjectsRoom
from objrep_gym.data.published import Divided, Published, open_published
from objrep_gym.data.scenenet import SceneNet
from objrep_gym.data.sprites import SpriteScenes
from objrep_gym.data.tabletop import Table
from objrep_gym.data.tfrecords import Clevr, MultiDSprites, PublishedObjectsRoom

if TYPE_CHECKING:
    from objrep_gym.data.batches import Source

DATASETS: dict[str, Any] = {
    "objects-room": ObjectsRoom(),
    "tabletop": Table(),
    "furnished": Furnished(),
    "sprites": SpriteScenes(),
    "dsprites": DSpritesScenes(),
    "ellipses": EllipseScenes(),
    "analogies": AnalogyBoards(),
    "published-objects-room": PublishedObjectsRoom(),
    "clevr": Clevr(),
    "multi-dsprites": MultiDSprites(),
    "scenenet": SceneNet(),
    "mnist": Mnist(),
    "fashion-mnist": FashionMnist(),
    "digit-pairs": DigitPairs(),
    "fashion-pairs": FashionPairs(),
}


def drawn() -> dict[str, Any]:
    """The datasets that are drawn: their descriptions open a world."""
    return {name: dataset for name, dataset in DATASETS.items() if hasattr(dataset, "open")}


def downloaded() -> dict[str, Published]:
    """The datasets that others published, that a user downloads, and that become shards."""
    return {name: dataset for name, dataset in DATASETS.items() if isinstance(dataset, Published)}


def parse(text: str) -> Any:
    """The description that a line names: of a dataset, `objects-room:variant=reach,look=plain,size=32` or
    `clevr:folder=downloads/clevr`; or the path of a folder of shards.

    Raises ValueError on an unknown dataset, option or value, naming those that there are.
    """
    name, _, options = text.partition(":")
    if name not in DATASETS:
        if Path(text).is_dir():
            return Path(text)
        raise ValueError(
            f"{text!r} is neither a dataset ({', '.join(DATASETS)}) nor a folder. "
            f"`objrep-gym generate objects-room --count 10000 --out {text}` would make one"
        )
    chosen = DATASETS[name]
    fields = {field.name: field.type for field in dataclasses.fields(chosen)}
    given: dict[str, str | int] = {}
    for option in filter(None, options.split(",")):
        key, equals, value = option.partition("=")
        if key not in fields or not equals:
            raise ValueError(f"{option!r} in {text!r}: {name} takes {', '.join(f'{field}=…' for field in fields)}")
        given[key] = number(value, text) if fields[key] is int else value
    return dataclasses.replace(chosen, **given)


def described(data: str, options: Mapping[str, Any]) -> str:
    """A dataset with the options that were given: `objects-room:variant=reach,size=32`. Raises ValueError on options of a
    folder, which holds what it holds."""
    given = ",".join(f"{name}={value}" for name, value in options.items() if value is not None)
    if given and Path(data).is_dir():
        raise ValueError(f"{data} is a folder, and takes no {given}: these are options of what is drawn")
    return data + (("," if ":" in data else ":") + given if given else "")


def crossed(data: Sequence[str], variants: Sequence[str], looks: Sequence[str], size: int) -> Iterator[str]:
    """Every dataset in every variant and look, at the model's size where it has sizes; folders as they are."""
    for name in data:
        known = DATASETS.get(name.partition(":")[0])
        if known is None and not (variants or looks):
            yield name
            continue
        scaled = size if hasattr(known, "size") and "size=" not in name else None
        for variant, look in product(variants or (None,), looks or (None,)):
            yield described(name, {"variant": variant, "look": look, "size": scaled})


def at_size(text: str, side: int) -> str:
    """The same dataset in pictures of another size; a folder, and a dataset without sizes, as it is."""
    name, _, options = text.partition(":")
    if not hasattr(DATASETS.get(name), "size"):
        return text
    kept = [option for option in options.split(",") if option and not option.startswith("size=")]
    return f"{name}:{','.join([*kept, f'size={side}'])}"


def number(value: str, text: str) -> int:
    """A whole number in a line of text."""
    if not value.isdecimal():
        raise ValueError(f"{value!r} in {text!r} must be a whole number")
    return int(value)


def open_source(text: str, seed: int = 0, split: str = "train") -> "Source":
    """The numbered scenes that a line names: drawn from `seed` and `split`, of a downloaded set's `split`, or all of a
    folder. With `about`, `size`, `examples`."""
    from objrep_gym.data.batches import Drawn

    described = parse(text)
    if isinstance(described, Divided):
        return described.open_split(seed, split)
    if isinstance(described, Path):
        from objrep_gym.data.shards import Stored

        return Stored(described)
    if isinstance(described, Published):
        return open_published(described, split)
    return Drawn(described.open(), seed, split)
