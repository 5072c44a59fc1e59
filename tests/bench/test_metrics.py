"""What metrics cost: every one has its line, with the score that it gives by itself."""

import numpy as np
import pytest

from objrep_gym.bench import Metrics
from objrep_gym.bench.metrics import METRICS, against, mixed
from objrep_gym.metrics.dci import DCI
from objrep_gym.metrics.factor_vae import factor_vae


def test_every_metric_is_measured_and_dci_beside_the_default():
    found = list(Metrics(sizes=(3, 4, 5), codes=4, mixings=(0.0, 1.0), default_boosting=True).measure())
    assert [one["metric"] for one in found] == [*[*METRICS, "all", "dci, default boosting"] * 2, "dci_against_default"]
    *lines, last = found
    assert all(one["things"] == 60 and one["codes"] == 4 for one in lines)
    first = {one["metric"]: one for one in lines if one["mixing"] == 0}
    seconds = sum(first[name]["cpu_seconds"] for name in METRICS)
    assert first["all"]["cpu_seconds"] == pytest.approx(seconds, rel=0.02)
    factors = np.stack(np.unravel_index(np.arange(60), (3, 4, 5)), axis=1)
    assert first["factor_vae"]["factor_vae"] == pytest.approx(factor_vae(mixed(factors, 4, 0.0), factors), rel=1e-3)
    assert last["models"] == 2
    assert last["ratio_to_default"] > 0


def test_agreement_of_boosters_is_that_of_their_orders():
    def scored(level: float) -> DCI:
        return DCI(np.array([[1 - level, level], [level, 1 - level]]), np.ones(2))

    levels = (0.0, 0.1, 0.3, 0.45)
    told = against([(scored(a), scored(b), 10.0) for a, b in zip(levels, np.square(levels), strict=True)])
    assert told["disentanglement"] == told["completeness"] == 1
    assert told["importance"] == pytest.approx(1, abs=0.05)
    assert told["ratio_to_default"] == 10
    turned = against([(scored(a), scored(b), 10.0) for a, b in zip(levels, reversed(levels), strict=True)])
    assert turned["disentanglement"] == -1
