import time

import numpy as np
import pytest
from scipy.stats import spearmanr

from objrep_gym.bench.metrics import by_default
from objrep_gym.metrics.dci import dci
from objrep_gym.metrics.factor_vae import THINGS
from objrep_gym.metrics.mig import mig
from objrep_gym.metrics.suite import METRICS, suite
from tests.metrics.codes import drawn, grid, rotations, scaled

FACTORS = grid(3, 4, 6, times=4)


@pytest.fixture(scope="module")
def perfect():
    return suite(scaled(FACTORS), FACTORS)


def test_all_metrics_say_that_perfect_codes_are_perfect(perfect):
    assert tuple(perfect.scores) == METRICS
    rest = {name: value for name, value in perfect.scores.items() if name not in ("sap", "explicitness")}
    assert rest == pytest.approx(dict.fromkeys(rest, 1.0), abs=0.01)
    assert perfect.scores["sap"] > 0.2  # a line that says each of six values misses some
    assert perfect.scores["explicitness"] > 0.97
    assert perfect.gaps == pytest.approx([1, 1, 1])
    assert perfect.trees.importance.argmax(0).tolist() == [0, 1, 2]


def test_every_number_is_that_of_its_own_metric(perfect):
    codes = scaled(FACTORS)
    assert perfect.scores["mig"] == mig(codes, FACTORS)
    assert perfect.scores["disentanglement"] == dci(codes, FACTORS).disentanglement


def test_a_world_whose_factors_are_continuous_needs_things_that_are_changed_anew():
    even = drawn(600, factors=2)
    anew = even[:8, None, None].repeat(2, 1).repeat(THINGS, 2)
    rng = np.random.default_rng(0)
    for column in range(2):
        anew[:, column, :, column] = rng.random((8, THINGS))
    found = suite(even, even, anew=anew)
    assert found.scores["perturbation"] == pytest.approx(1)
    assert found.scores["factor_vae"] == 1
    with pytest.raises(ValueError, match="2 factors and 2 codes"):
        suite(even, even, anew=anew[:, :1])


@pytest.mark.slow
def test_ten_codes_of_the_whole_grid_of_dsprites_take_less_than_three_minutes():
    factors = grid(3, 6, 40, 32, 32)
    rng = np.random.default_rng(0)
    codes = scaled(factors) @ rng.normal(size=(5, 10)) + rng.normal(size=(len(factors), 10))
    start = time.thread_time()
    found = suite(codes.astype(np.float32), factors)
    assert time.thread_time() - start < 180
    assert all(0 <= score <= 1 for score in found.scores.values())


@pytest.mark.slow
def test_models_are_in_the_order_of_default_gradient_boosting_at_the_numbers_of_the_study():
    factors = grid(3, 6, 8, times=105)  # 15,120 things: 10,000 to learn on
    rng = np.random.default_rng(0)
    mixer, ideal = rng.normal(size=(3, 6)), scaled(factors)
    found = []
    for mixing in (0.0, 0.25, 0.5, 1.0):
        mixed = ideal @ ((1 - mixing) * np.eye(3, 6) + mixing * mixer) + 0.3 * rng.normal(size=(len(ideal), 6))
        found.append((dci(mixed, factors), by_default(mixed, factors)))
    for score in ("disentanglement", "completeness"):
        ours, theirs = zip(*((getattr(one, score), getattr(other, score)) for one, other in found), strict=True)
        assert spearmanr(ours, theirs).statistic == 1
        assert np.abs(np.subtract(ours, theirs)).max() < 0.1
    entries = [np.concatenate([pair[side].importance.ravel() for pair in found]) for side in (0, 1)]
    assert np.corrcoef(*entries)[0, 1] > 0.99


def test_rotations_are_worse_by_every_metric_that_asks_for_single_codes(perfect):
    rotated = suite(scaled(FACTORS) @ rotations(3, 1)[0], FACTORS).scores
    for name in ("mig", "sap", "disentanglement", "completeness", "modularity", "perturbation", "complement"):
        assert rotated[name] < perfect.scores[name]


def test_too_few_things_are_refused():
    with pytest.raises(ValueError, match="2 things are too few"):
        suite(np.zeros((2, 3)), np.zeros((2, 1)))
