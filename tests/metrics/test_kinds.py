"""Presence and purity: worked by hand, and against scikit-learn."""

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from objrep_gym.metrics.kinds import fields, presence_auc, purity, takers


def test_presence_is_perfect_chance_or_upside_down():
    present = np.array([True, True, False, False])
    assert presence_auc(np.array([3.0, 2.0, 1.0, 0.5]), present) == 1
    assert presence_auc(np.array([0.0, 0.1, 1.0, 0.5]), present) == 0
    assert presence_auc(np.ones(4), present) == 0.5
    assert presence_auc(np.array([3.0, 1.0, 2.0, 0.5]), present) == 0.75  # three of four pairs
    assert np.isnan(presence_auc(np.ones(4), np.ones(4, bool)))


def test_presence_agrees_with_scikit_learn_where_values_tie():
    rng = np.random.default_rng(0)
    nats, present = rng.integers(0, 20, 500).astype(float), rng.random(500) < 0.3
    assert presence_auc(nats, present) == pytest.approx(roc_auc_score(present, nats), abs=1e-12)


@pytest.mark.parametrize(
    ("taken", "share"),
    [
        ([0, 0, 0, 1, 1], 1.0),
        ([1, 1, 1, 0, 0], 1.0),
        ([0, 0, 0, 0, 0], 0.6),
        ([0, 1, 2, 3, 4], 1.0),
        ([0, 0, 1, 1, 1], 0.8),
    ],
)
def test_purity(taken, share):
    assert purity(np.array(taken), np.array([5, 5, 5, 2, 2])) == pytest.approx(share)


def test_purity_of_nothing():
    assert np.isnan(purity(np.empty(0, int), np.empty(0, int)))


def test_an_object_is_taken_by_the_slot_with_most_of_the_mask_over_it():
    true = np.array([[[0, 1, 1, 2]], [[0, 0, 3, 3]]])
    masks = np.zeros((2, 2, 1, 4))
    masks[:, 0] = np.array([[0.9, 0.6, 0.3, 0.1]])
    masks[:, 1] = 1 - masks[:, 0]
    assert takers(masks, true, 4).tolist() == [[0, 1, 1, -1], [0, -1, -1, 1]]


def test_objects_of_one_kind_are_one_field():
    true = np.array([[[0, 1, 2, 3]]])
    kinds = np.array([[np.nan, 1.0, 0.0, 1.0]])
    assert fields(true, kinds).tolist() == [[[0, 2, 1, 2]]]
