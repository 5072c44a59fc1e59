"""Parts by masks: what is changed, what is asked of one latent, and the table."""

from dataclasses import replace

import numpy as np
import pytest

from objrep_gym.data import open_source
from objrep_gym.experiments.judge import Exam
from objrep_gym.experiments.kinds import Run
from objrep_gym.experiments.part_perturbation import Asked, PartPerturbation, one_hot
from objrep_gym.experiments.reproduce import Experiment, find
from objrep_gym.experiments.trained import Effort
from objrep_gym.models import MODELS
from objrep_gym.training import Stage

DATA = "sprites:size=32"
KIND = PartPerturbation(
    "t",
    rows={
        name: Run(replace(MODELS["vae-rooms"].tiny(), beta=beta), (DATA,), (Stage(2, lr=1e-3),), batch=2)
        for name, beta in (("a", 1.0), ("b", 4.0), ("c", 16.0))
    },
    exam=Exam(DATA, count=8, batch=8),
    pictures=2,
    changes=3,
)
QUARTERS = one_hot(np.kron(np.array([[0, 1], [2, 3]]), np.ones((4, 4), int))[None].repeat(6, 0))


def red_of_quarters(image: np.ndarray) -> np.ndarray:
    """An ideal code: the first channel of each quarter."""
    return np.stack([image[:, 0][:, part].mean(1) for part in QUARTERS[0]], axis=1)


def coloured(count: int, rng: np.random.Generator) -> np.ndarray:
    """Pictures of four quarters in one colour each."""
    return np.kron(rng.random((count, 3, 2, 2)), np.ones((4, 4)))


def scored(encode, parts: np.ndarray = QUARTERS) -> tuple[float, float]:
    rng = np.random.default_rng(0)
    return Asked(coloured(6, rng), parts, encode).scores(encode(coloured(500, rng)).var(0), 16, seed=0)


def test_a_code_of_parts_scores_one_and_a_mixed_one_little():
    assert scored(red_of_quarters) == pytest.approx((1, 1), abs=1e-6)
    even = np.array([[1, 1, 1, 1], [1, -1, 1, -1], [1, 1, -1, -1], [1, -1, -1, 1]]) / 2
    perturbed, held = scored(lambda image: red_of_quarters(image) @ even)
    assert perturbed < 0.1
    assert held < 0.6, "what is left is held by nothing, but of four mixtures one varies least"


def test_parts_too_small_to_see_are_not_counted():
    parts = QUARTERS.copy()
    parts[:, 3] = False
    assert scored(red_of_quarters, parts) == pytest.approx((1, 1), abs=1e-6)


def test_models_are_trained_and_asked_by_both_masks(tmp_path):
    records, (section,) = KIND.perform(tmp_path, Effort(root=tmp_path / "runs", progress=False))
    *models, answer = records
    assert [one["row"] for one in models] == ["a", "b", "c"]
    assert all(0 <= one[name] <= 1 for one in models for name in ("perturbed_true", "perturbed_own", "held_true"))
    assert answer["models"] == 3
    (table,) = KIND.tables(records)
    assert set(table.rows) == {"a", "b", "c"}
    assert table == section.blocks[0]
    source = open_source(DATA)
    with pytest.raises(ValueError, match="Colour has 4 slots"):
        KIND.scores(MODELS["colour"].tiny().build(), KIND.image(source), {})
    source.close()


def test_the_experiment_shrinks():
    found = find("factor_vae_nar/section_3_1_masks")
    assert isinstance(found, Experiment)
    small = found.scaled(0.001)
    assert isinstance(small, PartPerturbation)
    assert (small.exam.count, small.pictures) == (8, 2)
    assert "size=32" in small.exam.data
