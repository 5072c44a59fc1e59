"""Batches: the same data whatever happens, from one thread, mixed evenly, as bytes until the device."""

import gc
import os
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest
import torch

from objrep_gym.data.batches import Drawn, batches
from objrep_gym.data.generate import Recipe, generate
from objrep_gym.data.shards import Stored
from objrep_gym.scenes.world import scene_streams
from objrep_gym.types import Scenes, to_image
from tests.data.fake import Squares, SquaresDescription

ROOT = Path(__file__).parents[2]


def first(sources, n, **settings) -> list[Scenes]:
    with batches(sources, 6, include=("mask", "factors"), **settings) as source:
        return [next(source) for _ in range(n)]


def same(one: Scenes, two: Scenes) -> bool:
    return all(
        torch.equal(torch.nan_to_num(getattr(one, name), nan=-1.0), torch.nan_to_num(getattr(two, name), nan=-1.0))
        for name in ("image", "mask", "factors")
    )


@pytest.fixture
def folder(tmp_path):
    return generate(Recipe(SquaresDescription(), count=20, rows=8), tmp_path / "shards", progress=False).folder


@pytest.mark.parametrize("kind", ["world", "folder", "both"])
def test_a_later_start_gives_what_would_have_come(kind, folder):
    make = {"world": Squares, "folder": lambda: folder, "both": lambda: [Squares(), folder]}[kind]
    all_of_them = first(make(), 6, seed=3)
    late = first(make(), 2, seed=3, start=4)
    assert [same(a, b) for a, b in zip(all_of_them[4:], late, strict=True)] == [True, True]
    assert not same(all_of_them[0], first(make(), 1, seed=4)[0])


@pytest.mark.parametrize("start", [0, 3])
def test_each_scene_says_which_source_it_comes_from(start):
    pictures = [Squares(), Squares()]
    with batches(pictures, 5, seed=1, start=start, include=("source",)).numbered((4, 7)) as source:
        got = [next(source) for _ in range(3)]
    turns = np.arange(start * 5, start * 5 + 15) % 2
    assert torch.cat([scenes.source for scenes in got]).tolist() == [(4, 7)[turn] for turn in turns]
    with batches(pictures[0], 5) as source:
        assert next(source).source is None


def test_a_world_gives_its_scenes_in_order():
    got = first(Squares(), 2, seed=5)
    factors = Squares().sample(scene_streams(5, "train", 0, 12), 12)
    view = Squares().render(factors, ("image", "mask"))
    assert torch.equal(torch.cat([scenes.image for scenes in got]), to_image(torch.from_numpy(view.image)))
    assert np.array_equal(torch.cat([scenes.mask for scenes in got]), view.mask)
    assert np.array_equal(torch.cat([scenes.factors for scenes in got]), factors)


def test_an_epoch_has_every_example_once_and_the_next_another_order(folder):
    with batches(folder, 5, seed=1, include=("factors",)) as source:
        assert source.examples == 20
        hues = torch.cat([next(source).factors[:, 0, 0] for _ in range(8)]).numpy()
    stored = Stored(folder).read(np.arange(20)).factors[:, 0, 0]
    assert np.array_equal(np.sort(hues[:20]), np.sort(stored))
    assert np.array_equal(np.sort(hues[20:]), np.sort(stored))
    assert not np.array_equal(hues[:20], hues[20:])


def test_sources_take_turns_and_missing_entities_are_nan():
    few, many = Drawn(Squares(objects=1), seed=7), Drawn(Squares(objects=3), seed=8)
    got = first([few, many], 2)
    rows = torch.cat([scenes.factors for scenes in got])
    assert torch.isnan(rows[::2, 2:]).all()
    assert not torch.isnan(rows[1::2]).any()
    assert np.array_equal(rows[::2, :2], Squares().sample(scene_streams(7, "train", 0, 6), 6))
    assert np.array_equal(rows[1::2], Squares(objects=3).sample(scene_streams(8, "train", 0, 6), 6))


def test_only_what_was_asked_for_is_drawn_and_given():
    world = Squares()
    asked = []
    render = world.render
    world.render = lambda factors, outputs: asked.append(outputs) or render(factors, outputs)
    with batches(world, 4) as source:
        scenes = next(source)
    assert (scenes.mask, scenes.factors) == (None, None)
    assert set(asked) == {("image",)}
    assert scenes.image.is_contiguous(memory_format=torch.channels_last)


def test_a_world_is_rendered_and_closed_by_one_thread_which_ends():
    world = Squares()
    first(world, 3)
    assert len({*world.threads, *world.closed_by}) == 1
    assert world.threads[0] is not threading.current_thread()
    assert not world.threads[0].is_alive()


def test_forgotten_batches_end_their_thread():
    world = Squares()
    source = batches(world, 4)
    next(source)
    thread = source.thread
    del source
    gc.collect()
    thread.join(timeout=10)
    assert not thread.is_alive()


def test_an_interpreter_with_open_batches_ends():
    code = "from tests.data.fake import Squares; from objrep_gym.data.batches import batches; "
    code += "source = batches(Squares(), 4); next(source); print('end')"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, env={**os.environ, "OMP_NUM_THREADS": "1"}, capture_output=True, timeout=100
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, b"end\n", b"")


def test_an_error_of_the_thread_reaches_the_reader_and_ends_the_batches():
    world = Squares()
    world.render = lambda factors, outputs: 1 / 0
    source = batches(world, 4)
    with pytest.raises(ZeroDivisionError):
        next(source)
    with pytest.raises(StopIteration):
        next(source)
    assert world.closed_by


@pytest.mark.parametrize(
    ("sources", "settings", "message"),
    [
        ([Squares(), Squares((16, 16))], {}, "different image sizes"),
        (Squares(), {"include": ("depth",)}, "mask, factors"),
        (Squares(), {"batch": 0}, "at least one scene"),
        ([], {}, "of 4 scenes from 0 sources"),
    ],
)
def test_what_cannot_be_a_batch_is_refused(sources, settings, message):
    with pytest.raises(ValueError, match=message):
        batches(sources, **{"batch": 4, **settings})
