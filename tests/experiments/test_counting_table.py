"""Counting tables: thresholds are chosen on some scenes and tested on others, beside who is taught and who only looks."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from objrep_gym.experiments.counting_table import COMMONEST, REGIONS, CountingTable, Counts, count, reading, scores
from objrep_gym.experiments.kinds import Run
from objrep_gym.experiments.trained import Effort
from objrep_gym.models import MODELS
from objrep_gym.training import Stage

SHORT = (Stage(2, lr=1e-3),)
TABLE = CountingTable(
    "Counting",
    sets={
        "three": {
            "mvae": Run(MODELS["mvae-fine"].tiny(), ("sprites:size=32",), SHORT, batch=4),
            "taught": Run(MODELS["counter"].tiny(), ("sprites:size=32",), SHORT, batch=4),
        }
    },
    choose=20,
    test=30,
    paper={"three": {"mvae": {"test": "72.6"}}},
    black=("three",),
)


def maps(counts: np.ndarray) -> np.ndarray:
    """KL maps whose objects have 9 nats, each with 4 nats in the cell to its right."""
    nats = np.zeros((len(counts), 8, 8), np.float32)
    for one, number in zip(nats, counts, strict=True):
        for k in range(number):
            one[2 * k, 2], one[2 * k, 3] = 9, 4
    return nats


def test_thresholds_come_from_the_scenes_that_choose():
    truth, new = np.array([0, 1, 2, 3]), np.array([3, 3, 1])
    found = scores(Counts(nats=maps(truth)), truth, Counts(nats=maps(new)), np.array([3, 3, 2]))
    assert found["train"] == 1
    assert found["test"] == pytest.approx(2 / 3)
    assert 4 < found["nats"] < 9
    assert found["test_low"] < found["test"] < found["test_high"]


def test_peaks_forgive_a_neighbour_that_says_nearly_as_much():
    truth = np.array([0, 1, 2, 3] * 5)
    nats = maps(truth)
    nats[nats == 4] = 8.9 + np.random.default_rng(0).random((nats == 4).sum()) * 0.05
    nats[nats == 9] += np.random.default_rng(1).choice([0.0, -0.05], (nats == 9).sum())
    nats[::2] *= 0.5  # no threshold suits both halves
    found = scores(Counts(nats=nats), truth, Counts(nats=nats), truth)
    assert found["peaks"] == 1
    assert found["test"] < 1


def test_who_says_a_number_has_no_threshold():
    truth = np.array([0, 1, 2])
    found = scores(Counts(said=truth), truth, Counts(said=np.array([0, 0, 2])), truth)
    assert found["test"] == pytest.approx(2 / 3)
    assert "nats" not in found


def test_models_are_read_by_what_they_have():
    image = torch.rand(2, 3, 32, 32)
    shapes = {"mvae-fine": (2, 4, 4), "counter": (2,), "vae-sprites": (2, 1)}
    for name, shape in shapes.items():
        assert reading(MODELS[name].tiny().build().eval(), image).shape == shape


def test_the_true_numbers_are_those_of_the_sprites():
    found, truth = count({}, "sprites", "test", 120, True, lambda done: None)
    said = found[REGIONS].said
    assert said is not None
    assert truth.min() == 0
    assert truth.max() == 3
    assert (said <= truth).all(), "sprites that touch are one region"
    assert 0.7 < (said == truth).mean() < 1


def test_a_table_has_models_baselines_and_the_documents_numbers(tmp_path: Path):
    records, sections = TABLE.perform(tmp_path, Effort(root=tmp_path / "trained", progress=False))
    assert [record["row"] for record in records] == ["mvae", "taught", REGIONS, COMMONEST]
    (table,) = TABLE.tables(records)
    assert "(paper 72.6)" in table.text("mvae", "test")
    assert table.text("taught", "nats") == "–"
    assert table.text("mvae", "training") == "2 of 2 steps, 8 images"
    assert "20 scenes" in table.notes[0]
    assert "tested on 30" in table.notes[0]
    assert sections[0].title == "Counting: three"


def test_what_has_not_begun_is_left_out(tmp_path: Path):
    waiting = replace(TABLE, choose=4, test=4)
    records, _ = waiting.perform(tmp_path, Effort(minutes=0.0, root=tmp_path / "trained", progress=False))
    assert [record["row"] for record in records if record["step"] is not None] == []


def test_a_scaled_table_is_small():
    small = TABLE.scaled(0.001)
    assert small.choose == small.test == 8
    assert TABLE.scaled(0.5).test == 15
