"""How a line of text names a dataset."""

import numpy as np
import pytest

from objrep_gym.data import DATASETS, open_source, parse
from objrep_gym.data.generate import Recipe, generate
from objrep_gym.data.objects_room import ObjectsRoom
from tests.data.fake import SquaresDescription


@pytest.mark.parametrize(
    ("text", "described"),
    [
        ("objects-room", ObjectsRoom()),
        ("objects-room:", ObjectsRoom()),
        ("objects-room:variant=reach,look=plain,size=32", ObjectsRoom("reach", "plain", 32)),
        ("objects-room:size=48", ObjectsRoom(size=48)),
    ],
)
def test_a_line_names_a_dataset_with_options(text, described):
    assert parse(text) == described


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("objects-rom", "neither a dataset .objects-room, .*clevr, .* nor a folder"),
        ("objects-room:colour=red", "takes variant=…, look=…, size=…"),
        ("objects-room:size", "takes variant="),
        ("objects-room:size=big", "'big' in .* must be a whole number"),
    ],
)
def test_other_lines_are_refused(text, message):
    with pytest.raises(ValueError, match=message):
        parse(text)


def test_an_unknown_variant_is_refused_when_it_is_opened():
    with pytest.raises(ValueError, match="'attic' is none of train"):
        open_source("objects-room:variant=attic")


def test_a_folder_is_opened_as_it_was_generated(tmp_path):
    folder = generate(Recipe(SquaresDescription(), count=5), tmp_path / "set", progress=False).folder
    source = open_source(str(folder))
    assert source.examples == 5
    assert source.read(np.array([4]), ("image",)).image.shape == (1, 8, 8, 3)


def test_splits_and_seeds_are_other_scenes():
    first = {
        (seed, split): open_source("objects-room:size=16", seed, split).read(np.arange(1), ("image",)).factors.tobytes()
        for seed in (0, 1)
        for split in ("train", "test")
    }
    assert len(set(first.values())) == 4


def test_names_are_kebab_case():
    assert all(name == name.lower().replace("_", "-") for name in DATASETS)
