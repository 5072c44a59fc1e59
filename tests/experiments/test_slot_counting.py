"""Counting in slots: bounds are chosen where counts are known, and nothing of the exams is seen before."""

import numpy as np
import pytest
import torch

from objrep_gym.data.objects_room import ObjectsRoom
from objrep_gym.experiments.judge import Exam
from objrep_gym.experiments.slot_counting import CONSTANT, SlotCounting, cells, errors, in_sight, shares_and_counts
from objrep_gym.models.colour import ColourConfig
from tests.data.fake import Squares


@pytest.fixture(autouse=True)
def squares(monkeypatch):
    monkeypatch.setattr(ObjectsRoom, "open", lambda described: Squares((32, 32), objects=3))


def test_objects_in_sight_are_those_with_a_pixel():
    mask = np.array([[[0, 0], [0, 0]], [[0, 3], [3, 5]], [[2, 2], [2, 2]]], np.uint8)
    assert in_sight(mask, background=2).tolist() == [0, 2, 1]
    assert in_sight(mask, background=3).tolist() == [0, 2, 0]


def test_errors_are_those_of_counts():
    told = errors(np.array([1, 2, 5]), np.array([1, 3, 3]), used=np.array([4, 4, 7]))
    assert told["error"] == pytest.approx(1.0)
    assert told["right"] == pytest.approx(1 / 3)
    assert told["used"] == pytest.approx(5.0)
    assert told["error_low"] <= told["error"] <= told["error_high"]
    assert errors(np.array([1]), np.array([1]))["used"] is None


def test_every_scene_of_an_exam_is_counted_once():
    model = ColourConfig(size=(32, 32), slots=6).build().eval()
    with torch.no_grad():
        shares, counts = shares_and_counts(model, Exam(count=7, batch=3))
        other, _ = shares_and_counts(model, Exam(count=7, batch=7))
    assert shares.shape == (7, 6)
    assert np.allclose(shares.sum(1), 1)
    assert np.allclose(shares, other)
    assert ((counts >= 1) & (counts <= 3)).all()


def test_rows_are_means_over_seeds_and_the_constant_is_last():
    table = SlotCounting("t", {}, exams={"few": Exam(count=4)})
    told = {"table": "few", "seed": 0, "step": 10, "steps": 20, "images": 40}
    ours = [{**told, "row": "a", **errors(np.array([n, 2]), np.array([1, 2]), np.array([5, 5]))} for n in (1, 3)]
    guess = {"table": "few", "row": CONSTANT, "seed": 0, **errors(np.array([2, 2]), np.array([1, 2]))}
    (made,) = table.tables([ours[0], guess, ours[1], guess])
    assert list(made.rows) == ["a", CONSTANT]
    assert (made.rows["a"]["error"].mean, made.rows["a"]["error"].high) == (0.5, 1.0)
    assert made.rows["a"]["training"] == "10 of 20 steps, 40 images"
    assert "used" not in cells([guess])
    assert table.tables([])[0].rows == {}
