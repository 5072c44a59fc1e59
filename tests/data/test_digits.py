"""MNIST, Fashion-MNIST and pairs of them: from tiny files in their layout, and from the published ones where they are."""

import gzip
from pathlib import Path

import numpy as np
import pytest

from objrep_gym.data import open_source, parse
from objrep_gym.data.batches import batches
from objrep_gym.data.digit_pairs import Pairs
from objrep_gym.data.export import DrawnPacking
from objrep_gym.data.idx import PUBLISHED_DATA, Examples, read_idx

TRAIN, TEST = 60, 20
SPLITS = ("train", "validation", "test")


def idx(array: np.ndarray) -> bytes:
    """The layout as its page tells it: two zeros, the type, the number of axes, each axis big-endian, the bytes."""
    return b"\0\0\x08" + bytes([array.ndim]) + b"".join(n.to_bytes(4, "big") for n in array.shape) + array.tobytes()


def write(folder: Path, packed: bool, first: int = 0) -> Path:
    """A set whose pictures are all different: the number of each is the intensity of its upper left pixels."""
    folder.mkdir(parents=True)
    for name, count, start in (("train", TRAIN, first), ("t10k", TEST, first + TRAIN)):
        pictures = np.zeros((count, 28, 28), np.uint8)
        pictures[:, :2, :2] = np.arange(start, start + count)[:, None, None]
        pictures[:, 10:20, 12:16] = 255
        parts = {"images-idx3-ubyte": pictures, "labels-idx1-ubyte": (np.arange(count) % 10).astype(np.uint8)}
        for kind, array in parts.items():
            content = gzip.compress(idx(array)) if packed else idx(array)
            (folder / f"{name}-{kind}{'.gz' if packed else ''}").write_bytes(content)
    return folder


@pytest.fixture
def digits(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder above both sets."""
    monkeypatch.delenv(PUBLISHED_DATA, raising=False)
    write(tmp_path / "sets" / "mnist", packed=True)
    write(tmp_path / "sets" / "fashion_mnist", packed=False, first=100)
    return tmp_path / "sets"


def numbers(image: np.ndarray) -> list[set[int]]:
    """Which of the numbered pictures are seen in each half of pairs."""
    return [set(image[:, 0, column, 0].tolist()) for column in (0, 28)]


@pytest.mark.parametrize("where", ["itself", "above", "environment"])
def test_a_set_is_found_and_divided_as_it_is_published(digits, monkeypatch, where):
    if where == "environment":
        monkeypatch.setenv(PUBLISHED_DATA, str(digits))
    line = {"itself": f"mnist:folder={digits}/mnist", "above": f"mnist:folder={digits}", "environment": "mnist"}[where]
    found = {split: open_source(line, split=split) for split in SPLITS}
    assert [source.examples for source in found.values()] == [50, 10, 20]
    seen = {s: source.read(np.arange(source.examples), ("image", "mask")) for s, source in found.items()}
    assert [view.image[0, 0, 0, 0] for view in seen.values()] == [0, 50, 60]
    assert seen["test"].image.shape == (20, 28, 28, 3)
    np.testing.assert_array_equal(seen["test"].factors[:, 1, 0], np.arange(20) % 10)
    assert np.isnan(seen["test"].factors[:, 0]).all()
    np.testing.assert_array_equal(seen["train"].mask, seen["train"].image[..., 0] >= 128)
    with pytest.raises(IndexError, match="50 to 50 asked of 50"):
        found["train"].read(np.array([50]), ("image",))


@pytest.mark.parametrize(("size", "place"), [(32, 2), (56, 0)])
def test_other_sizes_are_padded_or_scaled(digits, size, place):
    view = open_source(f"mnist:folder={digits},size={size}", split="test").read(np.arange(3), ("image", "mask"))
    assert view.image.shape == (3, size, size, 3)
    assert view.image[2, place, place, 0] == 62
    assert view.mask.any((1, 2)).all()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"\x1f\x8b broken", "is damaged: .*Download it anew"),
        (b"GIF89a..", "is no IDX file of bytes: it begins with 47 49 46 38"),
        (b"\0\0\x0d\1\0\0\0\1\0\0\0\0", "is no IDX file of bytes"),
        (idx(np.zeros((2, 3), np.uint8))[:-1], "is damaged: it says 2×3 bytes and holds 5"),
        (b"\0\0\x08\2\0\0", "is damaged: it says"),
        (b"\0\0\x08\2\xff\xff\xff\xff\xff\xff\xff\xff", "is damaged: it says 4294967295×4294967295 bytes and holds 0"),
    ],
    ids=["gzip", "picture", "floats", "short", "header", "claims"],
)
def test_damaged_files_are_named(tmp_path, content, message):
    (tmp_path / "some.idx").write_bytes(content)
    with pytest.raises(ValueError, match=f"some.idx {message}"):
        read_idx(tmp_path / "some.idx")


def test_a_set_that_is_not_there_says_where_to_get_it(tmp_path, monkeypatch):
    monkeypatch.delenv(PUBLISHED_DATA, raising=False)
    with pytest.raises(ValueError, match=r"mnist is downloaded by hand, from http.*no folder is named: .*mnist:folder="):
        open_source("mnist")
    with pytest.raises(ValueError, match=r"fashion-mnist is downloaded .* holds none of its files"):
        open_source(f"fashion-mnist:folder={tmp_path}")
    write(tmp_path / "half" / "mnist", packed=True)
    (tmp_path / "half" / "mnist" / "train-labels-idx1-ubyte.gz").unlink()
    with pytest.raises(ValueError, match=r"has neither train-labels-idx1-ubyte\.gz nor train-labels-idx1-ubyte"):
        open_source(f"mnist:folder={tmp_path}/half")


@pytest.mark.parametrize("name", ["digit-pairs", "fashion-pairs"])
def test_no_picture_is_in_two_splits(digits, name):
    seen = []
    for split in SPLITS:
        view = open_source(f"{name}:folder={digits},digits=0123", split=split).read(np.arange(400), ("image",))
        seen.append(set.union(*numbers(view.image)) - {0})  # an empty digit is black
    assert all(len(kept) >= 4 for kept in seen)
    assert not any(a & b for i, a in enumerate(seen) for b in seen[:i])


def test_dresses_and_shoes_stand_in_the_place_of_two_digits(digits):
    view = open_source(f"fashion-pairs:folder={digits}", split="test").read(np.arange(300), ("image", "mask"))
    for place in (1, 2):
        classes = view.factors[:, place, 0]
        first = view.image[:, 0, 28 * (place - 1), 0].astype(int)
        for kind, (start, old) in enumerate(((60, 0), (60, 1), (160, 3), (160, 7))):
            assert set(first[classes == kind].tolist()) == {start + old, start + 10 + old}
        assert not view.image[np.isnan(classes), :, 28 * (place - 1) : 28 * place].any()


def test_digits_are_even_independent_and_where_the_factors_say(digits):
    view = open_source(f"digit-pairs:folder={digits},digits=02").read(np.arange(3000), ("image", "mask"))
    kinds = np.nan_to_num(view.factors[:, 1:, 0], nan=1).astype(int)  # 1 is empty here
    table = np.zeros((3, 3))
    np.add.at(table, (kinds[:, 0], kinds[:, 1]), 1)
    assert table.min() > 3000 / 9 - 70
    assert table.max() < 3000 / 9 + 70
    for place in (0, 1):
        half = view.mask[:, :, 28 * place : 28 * (place + 1)]
        assert ((half == 1 + place).any((1, 2)) == (kinds[:, place] != 1)).all()
        assert set(np.unique(half)) <= {0, 1 + place}
    assert np.nanmax(view.factors[:, 1, 2]) == 0.25
    assert np.nanmin(view.factors[:, 2, 2]) == 0.75


def test_places_are_left_empty_as_often_as_asked(digits):
    examples = parse(f"digit-pairs:folder={digits}").examples("train")
    for empties, share in ((0, 0.0), (1, 0.5), (3, 0.75)):
        scenes = Pairs(examples, "0", empties=empties).sample(np.random.default_rng(0), 2000)
        assert np.isnan(scenes[:, 1:, 0]).mean() == pytest.approx(share, abs=0.03 * bool(empties))
    source = open_source(f"digit-pairs:folder={digits},digits=0,empties=0")
    assert source.read(np.arange(20), ("mask",)).mask.max((1, 2)).min() == 2


@pytest.mark.parametrize(("scene", "kinds"), [("33", [3, 3]), ("e1", [np.nan, 1]), ("ee", [np.nan, np.nan])])
def test_a_named_scene_is_the_same_in_all(digits, scene, kinds):
    view = open_source(f"digit-pairs:folder={digits},scene={scene}", split="test").read(np.arange(20), ("image",))
    np.testing.assert_array_equal(view.factors[:, 1:, 0], np.tile(kinds, (20, 1)))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ("digits=0a", "digit 'a' is none of 0, 1"),
        ("scene=3", "scene '3' has one character"),
        ("digits=", "'' holds some digit"),
        ("size=0", "size is 0"),
    ],
)
def test_what_is_no_pair_is_refused(digits, options, message):
    with pytest.raises(ValueError, match=message):
        open_source(f"digit-pairs:folder={digits},{options}")
    with pytest.raises(ValueError, match="no depth"):
        open_source(f"digit-pairs:folder={digits}").read(np.arange(2), ("image", "depth"))


def test_factors_are_held_and_the_same_seed_gives_the_same_bytes(digits):
    world = Pairs(parse(f"digit-pairs:folder={digits}").examples("train"))
    held = world.sample(np.random.default_rng(0), 50, {"left.example": 7})
    assert set(np.unique(held[:, 1, 1][~np.isnan(held[:, 1, 1])])) == {7}
    line = f"digit-pairs:folder={digits}"
    whole, part = (open_source(line).read(np.arange(a, 30), ("image", "mask")) for a in (0, 10))
    np.testing.assert_array_equal(whole.image[10:], part.image)
    assert (open_source(line, seed=1).read(np.arange(30), ("image",)).image != whole.image).any()


def test_batches_mix_sets_and_give_one_channel_where_a_model_has_one(digits):
    sources = [open_source(f"mnist:folder={digits}"), open_source(f"fashion-mnist:folder={digits}")]
    with batches(sources, batch=8, include=("mask", "factors")).coloured(1) as stream:
        scenes = next(stream)
    assert scenes.image.shape == (8, 1, 28, 28)
    assert scenes.image.max() == pytest.approx(1.0)
    assert scenes.factors.shape == (8, 2, 1)
    first = (scenes.image[:, 0, 0, 0] * 255).round().int()
    assert (first[1::2] >= 100).all()
    assert (first[::2] < 60).all()


def test_pairs_are_exported_and_a_split_gives_no_more_than_it_has(digits):
    stock = DrawnPacking(count=30, split="test").stock(f"digit-pairs:folder={digits}")
    assert stock.portion(0).image.shape == (30, 28, 56, 3)
    with pytest.raises(ValueError, match=r"count is 30: .* has 20 scenes in its test split"):
        DrawnPacking(count=30, split="test").stock(f"mnist:folder={digits}")


def test_published_digits_are_there(published_data):
    source = open_source(f"mnist:folder={published_data}", split="test")
    assert source.examples == 10_000
    view = source.read(np.arange(10_000), ("mask",))
    assert np.bincount(view.factors[:, 1, 0].astype(int)).tolist() == [
        *(980, 1135, 1032, 1010, 982),
        *(892, 958, 1028, 974, 1009),
    ]
    clothes = open_source(f"fashion-mnist:folder={published_data}", split="train")
    assert clothes.examples == 50_000
    assert np.bincount(clothes.read(np.arange(50_000), ()).factors[:, 1, 0].astype(int)).min() > 4_900


def test_examples_may_be_few():
    world = Pairs(Examples(np.full((1, 28, 28), 200, np.uint8), np.zeros(1, np.uint8)), "0")
    assert world.render(world.sample(np.random.default_rng(0), 5), ("image", "mask")).mask.max() <= 2
