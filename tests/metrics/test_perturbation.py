import numpy as np
import pytest
from scipy.stats import spearmanr

from objrep_gym.metrics.factor_vae import LEAST, factor_vae
from objrep_gym.metrics.perturbation import alone, lag, lead, perturbation, picked, sensitivity, shifted
from tests.metrics.codes import doubled, drawn, grid, rotations, scaled, with_dead

FACTORS = grid(3, 4, 6, 8, 5)
IDEAL = scaled(FACTORS)


def test_an_ideal_code_scores_one_whatever_its_order_sign_scale_and_what_is_dead():
    for codes in (
        IDEAL,
        IDEAL[:, ::-1] * [-3.0, 0.2, 7.0, -1e3, 1.0],
        with_dead(IDEAL),
        np.concatenate([IDEAL, np.random.default_rng(0).normal(size=(len(IDEAL), 3)) * LEAST / 2], axis=1),
    ):
        found = perturbation(codes, FACTORS)
        assert found.score == pytest.approx(1, abs=0.01)
        assert found.complement == pytest.approx(1, abs=0.01)


def test_random_rotations_among_noise_score_little():
    rotated = [perturbation(scaled(with_noise(IDEAL)) @ rotation, FACTORS) for rotation in rotations(10, 12)]
    assert np.mean([found.score for found in rotated]) <= 0.35
    assert np.mean([found.complement for found in rotated]) <= 0.35


def test_random_rotations_of_ideal_codes_alone_score_half():
    """Five codes of five factors: one of them is always some way ahead."""
    scores = [perturbation(IDEAL @ rotation, FACTORS).score for rotation in rotations(5, 12)]
    assert 0.3 < np.mean(scores) < 0.55
    assert max(scores) < 0.9


def with_noise(codes: np.ndarray) -> np.ndarray:
    """As many codes that tell nothing beside them."""
    return np.concatenate([codes, np.random.default_rng(1).normal(size=codes.shape)], axis=1)


def test_codes_that_are_dead_or_double_score_nothing():
    for codes in (np.zeros((len(FACTORS), 5)), doubled(IDEAL), IDEAL * LEAST / 2):
        found = perturbation(codes, FACTORS)
        assert found.score == pytest.approx(0, abs=1e-12)
        assert found.complement == pytest.approx(0, abs=1e-12)


def test_a_lone_code_has_none_beside_it():
    found = perturbation(IDEAL[:, :1], FACTORS)
    assert lead(found.changed) == pytest.approx([1, 0, 0, 0, 0], abs=1e-12)
    assert lag(found.held)[0] == 1


def test_sensitivities_are_shares_of_the_variance():
    # of the code a·x + b·y the factor x has a²/(a² + b²); what is left when x is held is the rest
    mixed = IDEAL[:, :2] @ np.array([[0.8, 0.6], [0.6, -0.8]])
    found = perturbation(mixed, FACTORS)
    assert found.changed[:2] == pytest.approx(np.array([[0.64, 0.36], [0.36, 0.64]]), abs=0.02)
    assert found.changed[2:] == pytest.approx(0, abs=1e-12)
    assert found.held[:2] == pytest.approx(np.array([[0.36, 0.64], [0.64, 0.36]]), abs=0.02)
    assert found.held[2:] == pytest.approx(1, abs=0.03)
    assert found.score == pytest.approx((2 * 28 / 64 + 0) / 5, abs=0.02)


def test_only_one_factor_changes_in_the_rows_that_are_looked_up():
    order = np.random.default_rng(0).permutation(len(FACTORS))
    shuffled = FACTORS[order]
    found = alone(scaled(shuffled), shuffled, np.random.default_rng(0))
    assert list(found) == [0, 1, 2, 3, 4]
    for column, rows in found.items():
        spans = np.ptp(shuffled[rows], axis=1)
        assert (np.delete(spans, column, axis=1) == 0).all()
        assert (spans[:, column] == np.max(shuffled[:, column])).mean() > 0.9, "all of its values are drawn"


def test_what_a_table_lacks_is_not_drawn():
    half = FACTORS[np.random.default_rng(0).random(len(FACTORS)) < 0.5]
    for column, rows in alone(scaled(half), half, np.random.default_rng(0)).items():
        assert (np.delete(np.ptp(half[rows], axis=1), column, axis=1) == 0).all()
    found = perturbation(scaled(half), half)
    assert found.score == pytest.approx(1, abs=0.01)
    rows = np.array([[-1, 5, -1, 7], [-1, 2, 3, -1]])
    assert [np.unique(row).tolist() for row in picked(rows, np.random.default_rng(0))] == [[5, 7], [2, 3]]


def test_factors_that_go_together_cannot_be_changed_alone():
    tied = np.repeat(np.arange(6), 60)[:, None] * np.ones((1, 2), int)
    found = perturbation(scaled(tied), tied)
    assert np.isnan(found.changed).all()
    assert np.isnan(found.score)
    assert found.complement == 0, "held together"


def test_continuous_factors_are_held_within_bins_and_changed_by_drawing_anew():
    even = drawn(4000)
    found = perturbation(scaled(even), even)
    assert np.isnan(found.score)
    assert found.complement > 0.98
    rng = np.random.default_rng(0)
    scenes = np.repeat(rng.random((20, 1, 1, 4)), 4, axis=1).repeat(64, axis=2)
    for k in range(4):
        scenes[:, k, :, k] = rng.random((20, 64))
    changed = sensitivity(scenes, even.var(0)).mean(0)
    assert changed == pytest.approx(np.eye(4), abs=0.1)
    assert lead(changed) == pytest.approx(1)


def test_lacking_factors_are_held_among_those_that_have_them():
    lacking = FACTORS.astype(float)
    lacking[FACTORS[:, 0] == 0, 1] = np.nan
    found = perturbation(IDEAL, lacking)
    assert np.isnan(found.score)
    assert found.complement == pytest.approx(1, abs=0.01)


def test_constant_factors_are_left_out():
    beside = np.concatenate([np.full((len(FACTORS), 1), 4), FACTORS], axis=1)
    found = perturbation(IDEAL, beside)
    assert np.isnan(found.changed).all(1).tolist() == [True, *[False] * 5]
    assert np.isnan(found.held).all(1).tolist() == [True, *[False] * 5]
    assert found.score == pytest.approx(1, abs=0.01)
    assert found.complement == pytest.approx(1, abs=0.01)
    alone_there = perturbation(IDEAL, beside[:, :1])
    assert np.isnan([alone_there.score, alone_there.complement]).all()


def test_what_no_factor_tells_is_not_taken_for_a_factors_work():
    """Digits of one class differ: which of them is looked up would decide what the class changes."""
    factors = grid(10, times=40)
    style = np.random.default_rng(0).normal(size=(len(factors), 3))
    found = perturbation(np.concatenate([scaled(factors), style], axis=1), factors)
    assert np.isnan(found.changed).all()
    assert np.isnan(found.score)
    twice = np.concatenate([IDEAL, IDEAL + 1e-4])  # the same pictures, in another batch
    assert perturbation(twice, np.concatenate([FACTORS, FACTORS])).score == pytest.approx(1, abs=0.01)


def test_what_lies_outside_a_mask_stays_as_it_is():
    rng = np.random.default_rng(0)
    image, masks = rng.random((2, 3, 4, 4)), np.zeros((2, 2, 4, 4))
    masks[:, 0, :2], masks[:, 1, 2:] = 1, 0.5
    found = shifted(image, masks, 5, rng)
    assert found.shape == (2, 2, 5, 3, 4, 4)
    assert (found[:, 0, :, :, 2:] == image[:, None, :, 2:]).all()
    assert (found[:, 1, :, :, :2] == image[:, None, :, :2]).all()
    moved = found[:, 0, :, :, :2] - image[:, None, :, :2]
    assert (moved != 0).mean() > 0.95
    assert np.abs(found[:, 1] - image[:, None]).max() <= 0.25 + 1e-12, "half a mask moves half as far"
    assert 0 <= found.min() <= found.max() <= 1


def test_over_codes_from_ideal_to_entangled_it_orders_as_the_factor_vae_score_does():
    rng = np.random.default_rng(0)
    scores = []
    for level in np.linspace(0, 1.2, 24):
        codes = IDEAL @ (np.eye(5, 8) + level * rng.normal(size=(5, 8)))
        found = perturbation(codes, FACTORS)
        scores.append((found.score, found.complement, factor_vae(codes, FACTORS)))
    score, complement, votes = zip(*scores, strict=True)
    assert spearmanr(score, votes).statistic > 0.75
    assert spearmanr(complement, votes).statistic > 0.9


def test_leads_and_lags_worked_by_hand():
    assert lead(np.array([[0.8, 0.2, 0.0], [0.0, 0.0, 0.0], [0.5, 0.5, 0.1]])) == pytest.approx([0.75, 0, 0])
    assert lag(np.array([[0.2, 0.8, 1.0], [0.0, 0.0, 1.0], [0.0, 0.5, 1.0]])) == pytest.approx([0.75, 0, 1])
