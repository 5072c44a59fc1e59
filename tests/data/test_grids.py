"""Grids as data: whole, in their order or shuffled, as bits until they are on the device; and dSprites as it is
published."""

import zipfile
from pathlib import Path

import numpy as np
import pytest
import torch

from objrep_gym.data import open_source, parse
from objrep_gym.data.batches import batches
from objrep_gym.data.dsprites import FILE, PIECE, DSpritesScenes, PublishedDSprites, mapped
from objrep_gym.data.grids import Enumerated, EnumeratedBits
from objrep_gym.data.orders import all_at_once, one_by_one
from objrep_gym.data.shards import read_layout
from objrep_gym.scenes.dsprites import Ellipses
from objrep_gym.types import from_bits

SMALL = {"color": 1, "shape": 3, "scale": 2, "orientation": 3, "posX": 4, "posY": 5}


@pytest.mark.parametrize("sizes", [(16, 16, 6, 40), (3, 4, 5), (2,), (1, 3)])
def test_one_by_one_is_every_scene_once_with_one_step_between(sizes):
    order = one_by_one(sizes)
    assert sorted(order.tolist()) == list(range(int(np.prod(sizes))))
    steps = np.abs(np.diff(np.stack(np.unravel_index(order, sizes)), axis=1))
    assert (steps.sum(0) == 1).all()


@pytest.mark.parametrize("sizes", [(16, 16, 6, 40), (3, 4, 5), (2, 2)])
def test_all_at_once_is_every_scene_once_and_every_factor_moves(sizes):
    order = all_at_once(sizes)
    assert sorted(order.tolist()) == list(range(int(np.prod(sizes))))
    steps = np.diff(np.stack(np.unravel_index(order, sizes)), axis=1) % np.array(sizes)[:, None]
    walks = int(np.prod(sizes)) // int(np.lcm.reduce(sizes))
    assert (steps == 1).all(0).sum() >= steps.shape[1] - (walks - 1)


def taken(text: str, count: int, batch: int = 64) -> np.ndarray:
    """float32 (count, E, F): the factors of the first examples that a training sees."""
    with batches(open_source(text), batch, include=("factors",)) as stream:
        found = [next(stream).factors for _ in range(-(-count // batch))]
    return torch.cat([factors for factors in found if factors is not None]).numpy()[:count]


def test_an_ordered_set_is_shown_in_its_order_epoch_after_epoch():
    world = Ellipses("independent", (16, 16))
    shown = taken("ellipses:order=ordered,size=16", 61_440 + 64, batch=4096)
    np.testing.assert_array_equal(shown[:61_440], world.scenes(one_by_one(world.sizes)))
    np.testing.assert_array_equal(shown[61_440:], shown[:64])
    np.testing.assert_array_equal(
        taken("ellipses:order=together,size=16", 640), world.scenes(all_at_once(world.sizes)[:640])
    )


def test_a_shuffled_set_is_shown_once_in_an_epoch():
    world = Ellipses("independent", (16, 16))
    numbers = world.numbers(taken("ellipses:size=16", 61_440 + 4096, batch=4096))
    assert sorted(numbers[:61_440]) == list(range(61_440))
    assert (numbers[:4096] != numbers[61_440:]).mean() > 0.99


@pytest.mark.parametrize("name", ["dsprites", "ellipses", "analogies"])
def test_the_first_scenes_of_every_split_are_a_fair_sample(name):
    for split in ("train", "validation", "test"):
        source = open_source(f"{name}:size=16", seed=3, split=split)
        assert isinstance(source, Enumerated)
        assert source.examples == source.world.examples
        thing = source.factors(np.arange(2000))[:, 1]
        middles = [(size - 1) / 2 for size in source.about.sizes]
        spreads = [max(size / 12**0.5, 1e-9) for size in source.about.sizes]
        assert (np.abs(thing.mean(0) - middles) < 5 / 2000**0.5 * np.array(spreads)).all()
    with pytest.raises(ValueError, match="split 'final'"):
        open_source(f"{name}:size=16", split="final")
    with pytest.raises(IndexError, match="asked of"):
        source.read(np.array([source.examples]), ("image",))


def test_bits_become_the_same_scenes_on_the_device():
    source = open_source("dsprites:size=32")
    assert isinstance(source, EnumeratedBits)
    with batches(source, 8, include=("mask", "factors")) as stream:
        scenes = next(stream.coloured(1))
    order = np.random.default_rng([0, 0]).permutation(source.examples)[:8]
    view = source.read(order, ("image", "mask"))
    assert scenes.image.shape == (8, 1, 32, 32)
    assert scenes.mask is not None
    assert scenes.factors is not None
    np.testing.assert_array_equal(scenes.image[:, 0].numpy() * 255, view.image[..., 0])
    np.testing.assert_array_equal(scenes.mask.numpy(), view.mask)
    np.testing.assert_array_equal(scenes.factors.numpy(), view.factors)


def test_bits_beside_other_sources_are_pictures():
    pair = [open_source("ellipses:size=16", seed=seed) for seed in (0, 1)]
    with batches(pair, 8) as stream:
        assert next(stream).image.shape == (8, 3, 16, 16)


@pytest.mark.parametrize("size", [(4, 4), (5, 7), (1, 3)])
def test_packed_bytes_are_read_from_the_highest_bit_on(size):
    pictures = np.random.default_rng(0).integers(0, 2, (6, *size), np.uint8)
    found = from_bits(torch.from_numpy(np.packbits(pictures.reshape(6, -1), axis=1)), size)
    np.testing.assert_array_equal(found[:, 0].numpy(), pictures)


def test_correlated_ellipses_have_no_order_and_no_end():
    assert open_source("ellipses:variant=correlated,size=16").examples is None
    with pytest.raises(ValueError, match="no grid is gone through"):
        open_source("ellipses:variant=correlated,order=ordered")
    with pytest.raises(ValueError, match="order 'random' is none of shuffled, ordered, together"):
        open_source("ellipses:order=random")


def publish(path: Path, pictures: np.ndarray | None = None, classes: np.ndarray | None = None) -> np.ndarray:
    """Write what looks like the published file, of a small grid; returns its pictures."""
    total = int(np.prod(list(SMALL.values())))
    if pictures is None:
        pictures = np.random.default_rng(0).integers(0, 2, (total, 64, 64), np.uint8)
    if classes is None:
        classes = np.stack(np.unravel_index(np.arange(total), tuple(SMALL.values())), axis=1)
    np.savez_compressed(path, imgs=pictures, latents_classes=classes)
    return pictures


def test_published_pictures_are_packed_once_and_mapped(tmp_path, monkeypatch):
    monkeypatch.setattr("objrep_gym.data.dsprites.PIECE", 100)
    pictures = publish(tmp_path / FILE)
    world = PublishedDSprites(tmp_path / FILE, SMALL)
    numbers = np.array([359, 0, 17])
    np.testing.assert_array_equal(world.bits(world.scenes(numbers)).unpacked(), pictures[numbers])
    assert isinstance(world.rows, np.memmap)
    world.close()
    (tmp_path / FILE).unlink()
    again = PublishedDSprites(tmp_path / FILE, SMALL)
    np.testing.assert_array_equal(again.render(again.scenes(numbers)).image[..., 0], 255 * pictures[numbers])


def test_about_says_which_is_which(tmp_path):
    publish(tmp_path / FILE)
    drawn, published = parse("dsprites").open(), parse(f"dsprites:folder={tmp_path}").open()
    assert (drawn.about.origin, published.about.origin) == ("", "published")
    assert drawn.about.factors == published.about.factors
    assert drawn.about.sizes == published.about.sizes


def test_shards_remember_whose_pictures_they_hold(tmp_path):
    from objrep_gym.data.shards import Layout, write_shard

    publish(tmp_path / FILE)
    world = PublishedDSprites(tmp_path / FILE, SMALL)
    layout = Layout(world.about, world.size, ("image", "mask"))
    write_shard(tmp_path / "a.parquet", world.render(world.scenes(np.arange(4)), ("image", "mask")), layout)
    assert read_layout(tmp_path / "a.parquet") == (layout, 4)


@pytest.mark.parametrize(
    ("spoil", "told"),
    [
        (lambda path: path.write_bytes(b"no archive"), "damaged or no npz file"),
        (lambda path: path.write_bytes(path.read_bytes()[:5000]), "damaged or no npz file"),
        (lambda path: publish(path, pictures=np.full((360, 64, 64), 255, np.uint8)), "values up to 255"),
        (lambda path: publish(path, pictures=np.zeros((359, 64, 64), np.uint8)), r"uint8 \(360, 64, 64\) are published"),
        (lambda path: publish(path, classes=np.zeros((360, 6), int)), "do not count through the published grid of 1×3×2×3"),
        (lambda path: np.savez(path, images=np.zeros(3)), "has no imgs.npy, latents_classes.npy"),
    ],
    ids=["no archive", "truncated", "bytes for bits", "too few", "another order", "another set"],
)
def test_another_file_is_refused_by_what_is_wrong_with_it(tmp_path, spoil, told):
    path = tmp_path / FILE
    publish(path)
    spoil(path)
    with pytest.raises(ValueError, match=told):
        mapped(path, tuple(SMALL.values()))
    assert [other.name for other in tmp_path.iterdir()] == [FILE], "nothing half-done is left"


def test_pictures_that_end_too_early_are_told(tmp_path):
    path = tmp_path / FILE
    publish(path)
    with zipfile.ZipFile(path) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    members["imgs.npy"] = members["imgs.npy"][:-10]
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    assert PIECE > 360
    with pytest.raises(ValueError, match="imgs end after 0 pictures"):
        mapped(path, tuple(SMALL.values()))


def test_a_folder_without_the_file_says_where_it_is_published(tmp_path):
    with pytest.raises(ValueError, match=r"github\.com/google-deepmind/dsprites-dataset"):
        DSpritesScenes(folder=str(tmp_path)).open()
    assert "is missing" in DSpritesScenes(folder=str(tmp_path)).missing()
    publish(tmp_path / FILE)
    assert DSpritesScenes(folder=str(tmp_path)).missing() == DSpritesScenes().missing() == ""
    with pytest.raises(ValueError, match="size is 32, and dSprites is published at 64 pixels"):
        DSpritesScenes(folder=str(tmp_path), size=32).open()


def test_a_packed_file_of_another_grid_is_not_taken(tmp_path):
    np.save(tmp_path / f"{Path(FILE).stem}.bits.npy", np.zeros((3, 512), np.uint8))
    with pytest.raises(ValueError, match="delete it"):
        mapped(tmp_path / FILE, tuple(SMALL.values()))
