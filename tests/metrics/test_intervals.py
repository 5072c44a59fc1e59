"""Intervals: a value worked by hand, the degenerate ones, and coverage."""

import numpy as np
import pytest

from objrep_gym.metrics.intervals import bootstrap, nested_bootstrap, wilson


def test_wilson_by_hand():
    """8 of 10 with z = 1.959964: centre (p + z²/2n)/(1 + z²/n), half width z/(1+z²/n)·√(p(1−p)/n + z²/4n²)."""
    z2 = 1.959964**2
    centre = (0.8 + z2 / 20) / (1 + z2 / 10)
    half = np.sqrt(z2) / (1 + z2 / 10) * np.sqrt(0.016 + z2 / 400)
    found = wilson(8, 10)
    assert (found.mean, found.low, found.high) == pytest.approx((0.8, centre - half, centre + half), abs=1e-6)


@pytest.mark.parametrize("successes", [0, 5])
def test_wilson_never_leaves_the_unit_interval_and_is_never_without_width(successes):
    found = wilson(successes, 5)
    assert 0 <= found.low <= found.mean <= found.high <= 1
    assert found.high - found.low > 0.3


@pytest.mark.parametrize(("successes", "trials"), [(0, 0), (3, 2), (-1, 4)])
def test_what_is_no_rate_is_refused(successes, trials):
    with pytest.raises(ValueError, match="no interval"):
        wilson(successes, trials)


def test_a_bootstrap_covers_the_mean_as_often_as_it_says():
    rng = np.random.default_rng(0)
    found = [bootstrap(rng.exponential(size=80), seed=i, resamples=300) for i in range(150)]
    covered = np.mean([interval.low <= 1 <= interval.high for interval in found])
    assert 0.87 < covered < 0.99


def test_a_bootstrap_leaves_out_what_is_no_number():
    assert bootstrap(np.array([1.0, np.nan, 3.0])) == bootstrap(np.array([1.0, 3.0]))


def test_values_that_are_alike_have_an_interval_without_width():
    assert bootstrap(np.full(9, 0.25)) == bootstrap(np.array([0.25]))
    assert bootstrap(np.full(9, 0.25)).low == bootstrap(np.full(9, 0.25)).high == 0.25


def test_nothing_has_no_interval():
    assert np.isnan([bootstrap(np.array([])).mean, bootstrap(np.array([np.nan])).low]).all()


def test_the_same_values_have_the_same_interval():
    values = np.random.default_rng(1).normal(size=40)
    assert bootstrap(values) == bootstrap(values)
    assert str(bootstrap(values)).count(",") == 1


def test_the_nested_bootstrap_of_one_agent_is_its_binomial():
    """60 of 200: mean .3, and 1.96 standard errors of √(.3 · .7 / 200) on either side."""
    found = nested_bootstrap([(60, 200)])
    assert found.mean == pytest.approx(0.3)
    assert (found.low, found.high) == pytest.approx((0.3 - 1.96 * 0.0324, 0.3 + 1.96 * 0.0324), abs=0.006)


def test_agents_that_differ_leave_more_open_than_their_trials():
    """Two agents, certain each: a draw is 0, ½ or 1 with probabilities ¼, ½ and ¼."""
    found = nested_bootstrap([(0, 200), (200, 200)])
    assert (found.mean, found.low, found.high) == (0.5, 0.0, 1.0)
    assert nested_bootstrap([(100, 200), (100, 200)]).low > 0.4


@pytest.mark.parametrize("counts", [[], [(0, 0)]])
def test_no_agents_and_no_trials_have_no_nested_interval(counts):
    with pytest.raises(ValueError, match="has no interval"):
        nested_bootstrap(counts)
