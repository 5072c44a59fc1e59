"""Every dataset that is drawn: range, ids, names of factors, and the same bytes from the same seed."""

import dataclasses
from typing import Any

import numpy as np
import pytest

from objrep_gym.data import DATASETS, open_source
from objrep_gym.data import drawn as drawn_datasets
from objrep_gym.data.batches import Drawn, batches
from objrep_gym.data.generate import Recipe, generate
from objrep_gym.scenes.view import OUTPUTS, View
from objrep_gym.scenes.world import World, scene_streams
from tests.engines import every_engine

every_dataset = pytest.mark.parametrize("name", drawn_datasets())


def described(name: str, **options: Any) -> Any:
    """A description with the options that it takes: flat worlds have neither engines nor looks."""
    known = {field.name for field in dataclasses.fields(DATASETS[name])}
    return dataclasses.replace(DATASETS[name], **{key: value for key, value in options.items() if key in known})


def small(name: str, engine: str = "raycast", look: str = "published") -> World:
    return described(name, size=32, engine=engine, look=look).open()


def outputs(world: World) -> tuple[str, ...]:
    """What a world draws; a flat one has no depth."""
    return getattr(world, "outputs", OUTPUTS)


def line(name: str) -> str:
    engine = ",engine=raycast" if hasattr(DATASETS[name], "engine") else ""
    return f"{name}:size=16{engine}"


def there(factors: np.ndarray) -> np.ndarray:
    """bool (N, E): entities that have a factor."""
    return ~np.isnan(factors).all(axis=2)


def drawn(world: World, count: int = 6, start: int = 0, seed: int = 0) -> View:
    try:
        return world.render(world.sample(scene_streams(seed, "test", start, count), count), outputs(world))
    finally:
        world.close()


@every_dataset
@every_engine
def test_arrays_are_what_a_world_promises(name: str, engine: str):
    world = small(name, engine)
    assert isinstance(world, World)
    view = drawn(world)
    assert view.mask is not None
    assert (view.depth is not None) == ("depth" in outputs(world))
    assert view.image.shape == (6, 32, 32, 3)
    assert view.image.dtype == np.uint8
    full = there(view.factors)[:, world.about.background :].any(axis=1)
    assert np.ptp(view.image.reshape(6, -1), axis=1)[full].min() > 50, "something is seen in each"
    assert view.mask.dtype == np.uint8
    assert view.mask.max() < len(world.about.entities) <= 255
    assert view.depth is None or (view.depth > 0).all()
    assert view.factors.dtype == np.float32
    assert view.factors.shape == (6, len(world.about.entities), len(world.about.factors))


@every_dataset
def test_names_tell_factors_and_entities_apart(name: str):
    about = small(name).about
    assert len(set(about.factors)) == len(about.factors) == len(about.sizes)
    assert len(set(about.entities)) == len(about.entities)
    assert 0 < about.background < len(about.entities)
    assert not any("." in word for word in (*about.factors, *about.entities))


@every_dataset
def test_finite_factors_stay_below_their_number_of_values(name: str):
    world = small(name)
    things = world.sample(scene_streams(0, "train", 0, 300), 300)
    for column, size in enumerate(world.about.sizes):
        values = things[:, :, column][~np.isnan(things[:, :, column])]
        if size:
            assert set(np.unique(values)) <= set(range(size))
        else:
            assert np.isfinite(values).all()


@every_dataset
def test_a_mask_shows_what_exists(name: str):
    world = small(name)
    view = drawn(world, 20)
    assert view.mask is not None
    known = there(view.factors)
    for i, ids in enumerate(view.mask):
        assert known[i, [k for k in np.unique(ids) if k >= world.about.background]].all()


@every_dataset
def test_the_same_seed_gives_the_same_bytes_and_another_does_not(name: str):
    first, again, other = drawn(small(name)), drawn(small(name), 3, 3), drawn(small(name), seed=1)
    for output in (*outputs(small(name)), "factors"):
        np.testing.assert_array_equal(getattr(first, output)[3:], getattr(again, output))
    assert (first.image != other.image).any()


@every_dataset
def test_any_number_of_workers_writes_the_same_files(name: str, tmp_path):
    description = described(name, size=16, engine="raycast")
    recipe = Recipe(description, count=6, rows=2, outputs=outputs(small(name)))
    for workers in (1, 2):
        generate(recipe, tmp_path / str(workers), workers, progress=False)
    files = sorted(path.name for path in (tmp_path / "1").glob("*.parquet"))
    assert len(files) == 3
    assert all((tmp_path / "1" / f).read_bytes() == (tmp_path / "2" / f).read_bytes() for f in files)
    stored = open_source(str(tmp_path / "1")).read(np.arange(6), ("image", "mask"))
    straight = Drawn(description.open()).read(np.arange(6), ("image", "mask"))
    np.testing.assert_array_equal(stored.image, straight.image)
    np.testing.assert_array_equal(stored.mask, straight.mask)
    np.testing.assert_array_equal(stored.factors, straight.factors)


@every_dataset
def test_batches_are_in_range(name: str):
    source = open_source(line(name))
    with batches(source, batch=4, include=("mask", "factors")) as stream:
        scenes = next(stream)
    assert scenes.image.shape == (4, 3, 16, 16)
    assert 0 <= scenes.image.min() < scenes.image.max() <= 1
    assert scenes.mask is not None
    assert scenes.factors is not None
