"""What slots see in others' environments: frames of play, what is left out, and numbers worked by hand."""

import sys
from dataclasses import replace

import gymnasium as gym
import numpy as np
import pytest

from objrep_gym.data.shards import Stored
from objrep_gym.experiments.control.elsewhere import EXPERIMENT
from objrep_gym.experiments.elsewhere_figure import OWN, ElsewhereFigure, judge, played
from objrep_gym.experiments.foreign import Foreign, frames
from objrep_gym.experiments.trained import Effort
from objrep_gym.models.colour import ColourConfig
from objrep_gym.wrappers.slots import SlotObservation

ABSENT = Foreign("Nowhere-v0", needs="a_module_of_nowhere")


@pytest.fixture
def levels():
    """An environment of three steps whose picture says which step of which episode it is."""
    gym.register("Levels-v0", entry_point="tests.wrappers.fakes:pixels")
    yield Foreign("Levels-v0")
    del gym.registry["Levels-v0"]


@pytest.mark.parametrize(
    ("every", "settle", "expected"),
    [
        (1, 0, [0.5, 0.6, 0.7, 0.0, 0.1, 0.2]),  # the picture that ends an episode gives way to one that begins
        (2, 0, [0.5, 0.7, 0.0, 0.2, 0.5, 0.7]),
        (1, 1, [0.6, 0.7, 0.1, 0.2, 0.6, 0.7]),
    ],
)
def test_frames_are_every_so_many_steps_of_play(levels, every, settle, expected):
    seen = frames(replace(levels, settle=settle), 6, 16, seed=1, every=every)
    assert seen.shape == (6, 16, 16, 3)
    np.testing.assert_allclose(seen[:, 0, 0, 0] / 255, expected, atol=1 / 255)


def test_a_seed_decides_what_is_played():
    reacher = Foreign("Reacher-v5", options={"width": 32, "height": 32})
    one, again, other = (frames(reacher, 3, 32, seed) for seed in (0, 0, 1))
    np.testing.assert_array_equal(one, again)
    assert not np.array_equal(one, other)


def test_what_is_not_installed_says_what_installs_it():
    assert ABSENT.missing() == "a_module_of_nowhere is not installed: pip install 'objrep-gym[elsewhere]'"
    with pytest.raises(ModuleNotFoundError, match=r"Nowhere-v0 cannot be made here: .*objrep-gym\[elsewhere\]"):
        ABSENT.make()
    assert Foreign("Reacher-v5").missing() is None


def test_a_library_that_is_missing_beneath_it_is_named(tmp_path, monkeypatch):
    (tmp_path / "half_there.py").write_text("raise ImportError('Library \"GLU\" not found.')")
    monkeypatch.syspath_prepend(tmp_path)
    assert Foreign("Half-v0", needs="half_there").missing() == 'half_there cannot be imported: Library "GLU" not found.'


def test_an_import_may_warn(tmp_path, monkeypatch):
    """Box2D's bindings do, and the interpreter dies of it where warnings are errors, as they are in these tests."""
    (tmp_path / "it_warns.py").write_text("import warnings; warnings.warn('no __module__ attribute', DeprecationWarning)")
    monkeypatch.syspath_prepend(tmp_path)
    assert Foreign("Warns-v0", needs="it_warns").missing() is None
    del sys.modules["it_warns"]


def test_segments_and_error_worked_by_hand():
    """A picture with a red half, a blue half and a green spot: too small to count, and the only thing drawn wrongly."""
    image = np.zeros((1, 32, 32, 3), np.uint8)
    image[:, :, :16, 0] = image[:, :, 16:, 2] = 255
    flat = ColourConfig(size=(32, 32), slots=1, restarts=1, iterations=1).build()
    assert judge(flat, image) == {
        "segments": 1.0,
        "mse": pytest.approx(1 / 6, abs=1e-3),
    }  # one mean for two of three channels
    apart = ColourConfig(size=(32, 32), slots=4).build()
    assert judge(apart, image)["segments"] == 2.0
    image[:, :2, :2] = [0, 255, 0]
    assert judge(apart, image)["segments"] == 2.0
    image[:, :4, :4] = [0, 255, 0]
    assert judge(apart, np.concatenate([image, image[:, :, ::-1]]))["segments"] == 3.0


def test_frames_to_learn_from_are_played_once(levels, tmp_path):
    there = played(levels, 5, 16, tmp_path)
    (path,) = there.glob("*.parquet")
    before = path.stat().st_mtime_ns
    assert played(levels, 5, 16, tmp_path) == there
    assert path.stat().st_mtime_ns == before
    stored = Stored(there)
    np.testing.assert_array_equal(stored.read(np.arange(5)).image, frames(levels, 5, 16, 2_000))
    stored.close()


@pytest.fixture
def small():
    """The experiment at toy size: an environment that is always there, and one that never is."""
    shrunk = EXPERIMENT.scaled(0.005)
    return replace(shrunk, rows={"Reacher": shrunk.rows["Reacher"], "Nowhere": ABSENT}, encoders={"colour": "colour"})


def test_what_is_left_out_is_named_and_the_rest_is_made(small, tmp_path):
    records, (section,) = small.perform(tmp_path, Effort(root=tmp_path / "runs", progress=False))
    assert [(record["row"], record["encoder"]) for record in records] == [("Reacher", "colour"), ("Reacher", OWN)]
    assert section.blocks[-1].startswith("Nowhere is left out: a_module_of_nowhere is not installed")
    errors, segments = small.tables(records)
    assert "Left out, as not installed: Nowhere." in errors.notes
    assert errors.rows["Reacher"]["colour"] == records[0]["mse"]
    assert segments.rows["Reacher"][OWN] == records[1]["segments"]
    assert errors.rows["Reacher"]["training"] == "2 of 2 steps, 4 images"


def test_nothing_is_trained_where_nothing_can_be_played(small, tmp_path):
    nowhere = ElsewhereFigure("t", {"Nowhere": ABSENT, "Reacher": small.rows["Reacher"]}, small.encoders, judged=2)
    nowhere = replace(nowhere, learns={"Nowhere": small.learns["Reacher"]})
    records, _ = nowhere.perform(tmp_path, Effort(root=tmp_path / "runs", progress=False))
    assert [record["encoder"] for record in records] == ["colour"]
    assert not (tmp_path / "runs").exists()
    assert "training" not in nowhere.tables(records)[0].columns


def test_frames_come_in_by_the_wrappers_door():
    """What the figure encodes is what an agent's wrapper encodes, in an environment that draws at the encoder's size."""
    from objrep_gym import weights
    from objrep_gym.types import to_image
    from objrep_gym.wrappers.encoder import tensor

    reacher = Foreign("Reacher-v5", options={"width": 64, "height": 64})
    seen = frames(reacher, 1, 64, seed=3)
    env = SlotObservation(reacher.make(), "colour")
    slots, _ = env.reset(seed=3)
    env.close()
    np.testing.assert_allclose(weights.load("colour").encode(to_image(tensor(seen))).latents[0], slots, atol=1e-6)
