import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.metrics import r2_score

from objrep_gym.metrics.classes import apart
from objrep_gym.metrics.probes import fit, probes, r_squared, ridge, score, standardised
from tests.metrics.codes import doubled, drawn, turned, with_dead

EVEN = drawn(900)


def test_codes_that_tell_factors_linearly_score_one_rotated_or_not():
    for codes in (EVEN, turned(EVEN), doubled(EVEN), with_dead(EVEN), EVEN * [1e-3, 1e3, 1.0, -1.0]):
        assert probes(codes, EVEN, ["line"] * 4) == pytest.approx(1, abs=1e-3)


def test_dead_codes_score_what_the_mean_does():
    factors = np.concatenate([EVEN[:, :2], (EVEN[:, 2:3] * 3).astype(int)], axis=1)
    line, circle, named = probes(np.full((900, 3), 7.0), factors, ["line", "circle", "classes"])
    assert -0.05 < line <= 0
    assert -0.05 < circle <= 0
    assert named == pytest.approx(1 / 3, abs=0.08)


def test_an_angle_is_told_by_its_sine_and_cosine():
    angle = EVEN[:, :1] * 2 * np.pi
    codes = np.concatenate([np.sin(angle + 1), np.cos(angle + 1)], axis=1)
    assert probes(codes, angle, ["circle"])[0] == pytest.approx(1, abs=1e-3)
    assert probes(codes, angle, ["line"])[0] < 0.8
    assert probes(angle, angle, ["circle"])[0] < 0.8  # a line in the angle is no circle


def test_classes_are_told_by_a_line_between_them():
    named = (EVEN[:, :1] * 4).astype(int)
    corners = np.array([(0, 0), (0, 1), (1, 0), (1, 1)])[named[:, 0]] + 0.05 * (EVEN[:, 1:3] - 0.5)
    assert probes(corners, named, ["classes"])[0] == 1
    assert probes(np.abs(corners - 0.5), named, ["classes"])[0] < 0.5


def test_agrees_with_scikit_learn():
    rng = np.random.default_rng(0)
    codes, factor = rng.normal(size=(600, 5)), rng.normal(size=600)
    goal = np.stack([codes @ rng.normal(size=5) + factor, factor], axis=1)
    train, test = apart(600, np.random.default_rng(3))
    seen = standardised(codes, train)
    theirs = Ridge(alpha=1.0).fit(seen[train], goal[train]).predict(seen[test])
    weight, bias = ridge(seen[train], goal[train])
    ours = seen[test] @ weight.T + bias
    assert ours == pytest.approx(theirs, abs=1e-9)
    assert r_squared(ours[:, :1], goal[test][:, :1]) == pytest.approx(r2_score(goal[test][:, 0], theirs[:, 0]))
    expected = r2_score(goal[test], theirs, multioutput="variance_weighted")
    assert r_squared(ours, goal[test]) == pytest.approx(expected)
    assert probes(codes, goal, ["line", "line"], seed=3)[0] == pytest.approx(r2_score(goal[test][:, 0], theirs[:, 0]))
    named = (goal[:, 0] > 0).astype(int)
    logistic = LogisticRegression().fit(seen[train], named[train]).score(seen[test], named[test])
    assert probes(codes, named[:, None], ["classes"], seed=3)[0] == pytest.approx(logistic)


def test_r_squared_worked_by_hand():
    goal, said = np.array([[0.0], [1.0], [2.0]]), np.array([[0.0], [1.0], [1.0]])
    assert r_squared(said, goal) == 1 - 1 / 2
    assert np.isnan(r_squared(said, np.ones((3, 1))))


def test_constant_factors_are_left_out_and_missing_ones_for_their_things_alone():
    factors = np.stack([np.full(900, 3.0), np.where(EVEN[:, 1] > 0.5, np.nan, EVEN[:, 0])], axis=1)
    constant, half = probes(np.where(EVEN[:, 1:2] > 0.5, 0, EVEN), factors, ["line", "line"])
    assert np.isnan(constant)
    assert half == pytest.approx(1, abs=1e-3)


def test_kinds_are_as_many_as_factors():
    with pytest.raises(ValueError, match="1 kinds for 4 factors"):
        probes(EVEN, EVEN, ["line"])


def test_a_line_is_fitted_to_codes_as_they_are_and_tells_their_factors():
    codes = with_dead(EVEN * [1e-3, 1e3, 1.0, -1.0] + [0.0, 5.0, -2.0, 100.0])
    assert fit(codes, EVEN[:, 1], "line").tell(codes) == pytest.approx(EVEN[:, 1], abs=0.01)
    angle = EVEN[:, 0] * 2 * np.pi
    circular = np.stack([3 * np.sin(angle), np.cos(angle) - 7], axis=1)
    assert fit(circular, angle, "circle").tell(circular) == pytest.approx(angle, abs=0.02)
    named = np.array([3, 5, 9])[(EVEN[:, 2] * 3).astype(int).clip(0, 2)]
    for truth in (named, np.where(named == 9, 5, named), np.full(900, 4)):
        line = fit(codes, truth, "classes")
        assert set(line.tell(codes)) <= set(truth)
        assert score(line, codes, truth) == (line.tell(codes) == truth).mean() > 0.9
    assert fit(codes, named, "classes").tell(codes.reshape(2, 450, -1)).shape == (2, 450)
